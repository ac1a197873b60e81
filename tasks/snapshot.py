"""The snapshot that a command runs from: what is edited while it runs has no part in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pocket.errors import PocketError

#: environment variable: 0 to run from the checkout itself, as jobs of a batch system do
VARIABLE = "POCKET_SNAPSHOT"
#: options with which nothing runs
_NOTHING = ("--print-", "--help", "-h", "--fetch-output", "--remove-output")


def begin() -> None:
    """Take a snapshot if a command begins that may make outputs, and run from there."""
    if not _makes_outputs(sys.argv) or os.environ.get(VARIABLE) == "0":
        return
    root = Path(__file__).parents[1]
    if not _is_same(root, os.environ.get("POCKET_ROOT", "")):
        return
    from pocket.snapshots.process import current_snapshot, run_from_snapshot

    if current_snapshot() is not None:
        return
    try:
        run_from_snapshot(root)
    except (PocketError, OSError) as error:
        # what is checked where the work is done still finds an edit
        reason = error if isinstance(error, PocketError) else f"{error.strerror} ({error.filename})"
        print(f"runs from {root}, so edit nothing in it meanwhile: no snapshot can be taken: {reason}", file=sys.stderr)


def _makes_outputs(arguments: Sequence[str]) -> bool:
    """Whether this is a call of ``law run`` that may run tasks."""
    if len(arguments) < 3 or Path(arguments[0]).name != "law" or arguments[1] != "run":
        return False
    return not any(argument.startswith(_NOTHING) for argument in arguments[2:])


def _is_same(root: Path, named: str) -> bool:
    try:
        return bool(named) and Path(named).samefile(root)
    except OSError:
        return False
