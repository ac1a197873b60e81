"""The queue and the history of HTCondor, read with its Python bindings, or its commands if the bindings don't work."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from tasks.batch.queues import ask

#: how far back a history is searched, in s
HISTORY = 14 * 24 * 3600.0

#: environment variable, and its value that selects commands instead of the bindings
VARIABLE, COMMANDS = "POCKET_HTCONDOR", "commands"

Ads = dict[str, dict[str, Any]]

#: the bindings, once the pool has answered a command but refused them
_not_let_in: list[ModuleType] = []


@dataclass(frozen=True)
class CondorQueue:
    """The jobs of a schedd that a constraint selects; an empty pool or schedd is that of this machine."""

    constraint: str
    attributes: Sequence[str]
    pool: str = ""
    scheduler: str = ""

    def jobs(self) -> Ads:
        """Return the attributes of the jobs in the queue by id, such as ``"12.0"``."""
        return self._answer(
            lambda schedd: schedd.query(self.constraint, list(self.attributes)), ["condor_q", "-allusers"]
        )

    def history(self, most: int) -> Ads:
        """Return the attributes of jobs that have left the queue, most recent first."""
        # A history may span years, so its search ends.
        since = f"EnteredCurrentStatus < {int(time.time() - HISTORY)}"
        return self._answer(
            lambda schedd: schedd.history(self.constraint, list(self.attributes), most, since),
            ["condor_history", "-limit", str(most), "-since", since],
        )

    def _answer(self, question: Callable[[Any], Any], command: Sequence[str]) -> Ads:
        condor = bindings()
        if condor is None:
            return self._printed(command)
        # A pool may refuse bindings of another version, and they raise RuntimeError, IOError and errors of their own.
        with contextlib.suppress(Exception):
            return by_id(question(self._schedd(condor)))
        found = self._printed(command)
        _not_let_in.append(condor)
        return found

    def _schedd(self, condor: ModuleType) -> Any:
        if not (self.pool or self.scheduler):
            return condor.Schedd()
        collector = condor.Collector(self.pool or None)
        return condor.Schedd(collector.locate(condor.DaemonType.Schedd, self.scheduler or None))

    def _printed(self, command: Sequence[str]) -> Ads:
        place = [*(["-pool", self.pool] if self.pool else []), *(["-name", self.scheduler] if self.scheduler else [])]
        wanted = ["-constraint", self.constraint, "-json", "-attributes", ",".join(self.attributes)]
        return by_id(json.loads(ask([command[0], *place, *command[1:], *wanted]).strip() or "[]"))


def bindings() -> ModuleType | None:
    """Return HTCondor's Python bindings, ``None`` if they aren't installed, are disabled, or don't work here."""
    if os.environ.get(VARIABLE) == COMMANDS or _not_let_in:
        return None
    try:
        import htcondor2
    except ImportError:
        return None
    return cast(ModuleType, htcondor2)


def by_id(ads: Sequence[Mapping[str, Any]]) -> Ads:
    # The bindings return an expression where a value is undefined.
    plain = [{name: value for name, value in ad.items() if isinstance(value, str | int | float)} for ad in ads]
    return {f"{ad['ClusterId']}.{ad['ProcId']}": ad for ad in plain}
