"""Waits of tests: for a state, never for a time, so that they pass on a machine that is busy with other things."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Longer than anything takes here, on the slowest machine: what takes that long doesn't happen.
PATIENCE = 600.0

_HOOK = """
import os, re, sys, time

folder, event, pattern = {folder!r}, {event!r}, re.compile({pattern!r})

def hold(name, arguments):
    # A file may be opened by its descriptor.
    if name == event and not isinstance(arguments[0], int) and pattern.search(os.fsdecode(arguments[0])):
        with open(folder + "/reached", "w") as file:
            file.write(str(os.getpid()) + "\\n")
        while not os.path.exists(folder + "/go"):
            time.sleep(0.01)

sys.addaudithook(hold)
"""


def wait_for(condition: Callable[[], object]) -> None:
    """Return when a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not so within {PATIENCE:.0f} s"
        time.sleep(0.01)


@dataclass(frozen=True)
class Moment:
    """A moment at which a Python program and all its processes are held, until the test lets them go on.

    Args:
        folder: a folder of its own.
    """

    folder: Path

    @classmethod
    def of(cls, folder: Path, event: str, pattern: str) -> Moment:
        """Make the moment right before an audit event of Python whose first argument, a path, matches a pattern."""
        folder.mkdir(parents=True)
        # Python imports it at its start.
        code = _HOOK.format(folder=str(folder), event=event, pattern=pattern)
        (folder / "sitecustomize.py").write_text(code)
        return cls(folder)

    def environment(self, of: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that let a program be held, changed from those it would have otherwise."""
        return {"PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, [of.get("PYTHONPATH")])])}

    @property
    def process(self) -> int | None:
        """The process that is held, or was held last."""
        path = self.folder / "reached"
        text = path.read_text() if path.exists() else ""
        # The line may be under way.
        return int(text) if text.endswith("\n") else None

    def go_on(self) -> None:
        """Let all go on, now and whenever they get there again."""
        (self.folder / "go").touch()
