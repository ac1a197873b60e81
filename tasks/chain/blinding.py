"""The option to show data of blind categories, for a reason that is recorded, and tasks that hide them without it."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import law

from pocket.errors import ConfigError
from pocket.io.store.paths import own_folder, store_root
from tasks.framework.base import ConfigTask, StoreTask, load
from tasks.settings.options import option

#: file in the folder of an analysis with all reasons for which blind data were shown
REASONS = "unblinded.jsonl"


class UnblindTask(StoreTask):
    """A task that uses data which are blind only for a reason."""

    unblind = option("reason to use observed data, also in blind categories and regions; it is recorded", law.NO_STR)
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if not params["unblind"].strip():
            params["unblind"] = law.NO_STR
        return params

    @property
    def reason(self) -> dict[str, Any]:
        """What the manifest says about data that are blind: the reason why they are used, if they are."""
        return {} if self.unblind == law.NO_STR else {"unblinded": str(self.unblind)}

    def record_reason(self) -> Path | None:
        """Append the reason for which a command shows data that are blind to a file, and return it.

        The manifest has that of the command that made the output, which isn't this one if it was complete before.
        """
        directory = self.directory
        record = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "user": user_name(),
            "reason": str(self.unblind),
            "task": self.task_family,
            "config": self.config_part,
            "version": str(self.version),
            "output": str(directory.relative_to(store_root())),
        }
        # <analysis>/<task>/<config>/<version>/<fingerprint>
        return append_record(directory.parents[3] / REASONS, record)


class BlindTask(UnblindTask, ConfigTask):
    """A task that shows data of a configuration, but those of blind categories only for a reason."""

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if params["unblind"] != law.NO_STR and not load(params).blind_categories(params["config"]):
            raise ConfigError(
                f"--unblind has no effect, since no category of configuration {params['config']!r} is blind"
            )
        return params

    @property
    def hidden_categories(self) -> tuple[str, ...]:
        return () if self.reason else self.analysis_inst.blind_categories(str(self.config))


def user_name() -> str:
    """Return the name of the user, or the number of one who has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def append_record(path: Path, record: Mapping[str, Any]) -> Path:
    """Append a record as one line of JSON, and return the file: that of another user isn't written."""
    path = own_folder(path)
    line = f"{json.dumps(record, ensure_ascii=False)}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        # One call, so that lines of commands that end at the same time don't meet.
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)
    return path
