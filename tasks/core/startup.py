"""The start and the end of a command: what waits for the first task or lasts until then, and hidden packages.

Until the first task runs, analyses and libraries make some hundred thousand objects that stay alive. The collector
would visit all of them repeatedly, which slows down each start. Nothing is changed until then either, so the same
functions and values aren't fingerprinted again for each task.
"""

from __future__ import annotations

import atexit
import functools
import gc
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import luigi

from pocket.base.runtime.kept import forget_tables, keep_tables

#: package of Pocketlaw → a file by which it is recognised
_ENGINE = {"pocket": "errors.py", "tasks": "core/startup.py"}


def collect_when_tasks_run() -> None:
    """Collect no garbage until the first task runs, never the objects that exist by then, and keep tables as long.

    At the end of the process, Python would visit all objects several times, which takes half a second.
    """
    gc.disable()
    keep_tables()
    atexit.register(gc.freeze)


@luigi.Task.event_handler(luigi.Event.START)  # type: ignore[no-untyped-call]
def _collect(task: luigi.Task) -> None:
    forget_tables()
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@functools.cache
def notice_hidden() -> None:
    """Say which packages of the user can't be imported, because Pocketlaw's come first."""
    for path, name in hidden(sys.path):
        print(
            f"note: {path} can't be imported, because Pocketlaw has a package {name}, too: give it another name",
            file=sys.stderr,
        )


def hidden(folders: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield modules and packages that have the name of one of Pocketlaw's packages, and that name."""
    for folder in map(Path, filter(None, folders)):
        for name, file in _ENGINE.items():
            for path in (folder / f"{name}.py", folder / name):
                code = path / "__init__.py" if path.suffix == "" else path
                if code.is_file() and not (path / file).is_file():
                    yield path, name
