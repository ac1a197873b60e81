"""The option to show data of blind categories, for a reason that is recorded, and tasks that hide them without it."""

from __future__ import annotations

from typing import Any

import law
import luigi

from pocket.errors import ConfigError
from tasks.framework.base import ConfigTask, StoreTask, load


class UnblindTask(StoreTask):
    """A task that uses data which are blind only for a reason."""

    unblind = luigi.Parameter(
        default=law.NO_STR,
        description="reason to use observed data, also in blind categories and regions; it is recorded; no default",
    )

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Take an empty reason as none."""
        params = super().modify_param_values(params)
        if not params["unblind"].strip():
            params["unblind"] = law.NO_STR
        return params

    @property
    def reason(self) -> dict[str, Any]:
        """What the manifest says about data that are blind: the reason why they are used, if they are."""
        return {} if self.unblind == law.NO_STR else {"unblinded": str(self.unblind)}


class BlindTask(UnblindTask, ConfigTask):
    """A task that shows data of a configuration, but those of blind categories only for a reason."""

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a reason if nothing is blind, before anything runs."""
        params = super().modify_param_values(params)
        if params["unblind"] != law.NO_STR and not load(params).blind_categories(params["config"]):
            raise ConfigError(
                f"--unblind has no effect, since no category of configuration {params['config']!r} is blind"
            )
        return params

    @property
    def hidden_categories(self) -> tuple[str, ...]:
        """The categories whose data are hidden."""
        return () if self.reason else self.analysis_inst.blind_categories(str(self.config))
