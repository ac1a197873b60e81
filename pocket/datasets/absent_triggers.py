"""Triggers that files lack, with those of the files that are most likely meant."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping

from pocket.errors import nearest
from pocket.io.remote.client import is_remote, open_root

_DIGITS = re.compile(r"\d+")
#: similarity from which another trigger counts as the one that is meant
_MEANT = 0.85


def absent_sentence(absent: Mapping[str, Iterable[str]], files: Mapping[str, Iterable[str]]) -> str:
    """Return a sentence about triggers that cuts count as not fired, since files lack them.

    A trigger that didn't exist in the period of a file has thresholds of its own. So only a trigger with the same
    numbers is proposed. Of a dataset's files, the first one on this machine is looked into.
    """
    meant: dict[str, str] = {}
    for dataset, triggers in absent.items():
        known = _triggers(files.get(dataset, ()))
        for trigger in triggers:
            near = nearest_trigger(trigger, known)
            meant[trigger] = meant.get(trigger) or (f" (did you mean {near}?)" if near else "")
    listed = ", ".join(f"{trigger}{meant[trigger]}" for trigger in sorted(meant))
    return f"triggers that some files lack count as not fired: {listed}"


def nearest_trigger(trigger: str, known: Iterable[str]) -> str:
    """Return the known trigger that is nearly a given one and has its numbers, empty if there is none."""
    alike = [each for each in known if each != trigger and _DIGITS.findall(each) == _DIGITS.findall(trigger)]
    return next(iter(nearest(trigger, alike, 1, _MEANT)), "")


def _triggers(files: Iterable[str]) -> list[str]:
    """Return the triggers in the first of some files that is on this machine and can be read."""
    for file in files:
        # The sentence is only longer by them, whatever is wrong with the file.
        with contextlib.suppress(Exception):
            if not is_remote(file):
                with open_root(file) as opened:
                    names = map(str, opened["Events"].keys(recursive=False))
                    return [name for name in names if name.startswith(("HLT_", "L1_"))]
    return []
