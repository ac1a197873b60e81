"""The snapshot that a command runs from, so that edits during the command have no effect on it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pocket.errors import ChangedCodeError, PocketError

#: environment variable; 0 runs from the checkout itself, as batch jobs do
VARIABLE = "POCKET_SNAPSHOT"
#: the checkout with this code, or the folder of the installed packages
_ENGINE = Path(__file__).parents[2]
#: options with which no task runs
_NOTHING = ("--print-", "--help", "-h", "--fetch-output", "--remove-output")


def begin() -> None:
    """Take a snapshot if the command may make outputs, and run from there."""
    global _began
    if not _makes_outputs(sys.argv):
        return
    began = time.time()
    if os.environ.get(VARIABLE) == "0":
        _began = began
        return
    root = _project()
    if root is None:
        return
    from pocket.base.snapshots.process import current_snapshot, run_from_snapshot

    if current_snapshot() is not None:
        return
    try:
        run_from_snapshot(root)
    except (PocketError, OSError) as error:
        _began = began
        # The later check of the sources still detects an edit.
        reason = error if isinstance(error, PocketError) else f"{error.strerror} ({error.filename})"
        print(
            f"no snapshot can be taken ({reason}): this command runs from {root}, so edit nothing there until it ends",
            file=sys.stderr,
        )


#: start of this command in s since 1970, if it doesn't run from a snapshot
_began: float | None = None


def check_sources() -> None:
    """Check that no loaded source file was changed since the command began, unless it runs from a snapshot.

    Fingerprints are made of the files, but Python runs the code that it loaded.
    """
    if _began is None:
        return
    roots = tuple(f"{root}{os.sep}" for root in {_ENGINE, _project() or _ENGINE})
    for module in sys.modules.copy().values():
        file = getattr(module, "__file__", None)
        if file and file.startswith(roots) and Path(file).exists() and Path(file).stat().st_mtime > _began:
            raise ChangedCodeError(f"{file} was changed since this command began: run it again")


def _makes_outputs(arguments: Sequence[str]) -> bool:
    """Whether this is a call of ``law run`` that may run tasks."""
    return runs_law(arguments) and not any(argument.startswith(_NOTHING) for argument in arguments[2:])


def runs_law(arguments: Sequence[str]) -> bool:
    """Tell whether the command line of a process is a call of ``law run`` with a task or an option.

    >>> runs_law(["/usr/bin/law", "run", "ShowConfig"]), runs_law(["/usr/bin/law", "index", "-q"])
    (True, False)
    """
    # law adds a word to its name before it calls luigi.
    return len(arguments) > 2 and Path(arguments[0]).name in ("law", "law run") and arguments[1] == "run"


def _project() -> Path | None:
    """Return the folder that a snapshot is taken of, ``None`` if this process belongs to another checkout.

    It is the checkout with this code, or the repository of an analysis that uses an installed Pocketlaw. Nobody edits
    what is installed, so it isn't copied.
    """
    project = Path(os.environ.get("POCKET_ROOT", ""))
    if not project.is_absolute():
        return None
    try:
        if project.samefile(_ENGINE):
            return _ENGINE
    except OSError:
        return None
    return None if (project / "tasks").exists() else project
