"""Outputs made again in a process of their own, with nothing that an earlier process has compiled or kept.

``python -m tasks.framework.fresh FILE`` is that process.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.containers import SUFFIX, is_container
from pocket.base.runtime.system_calls import Access, find_reader, print_on_signal, read_trace, traced
from pocket.errors import ChangedCodeError, PocketError
from pocket.io.store.provenance import revision, software
from tasks.settings.own_modules import named_modules

if TYPE_CHECKING:
    from tasks.framework.base import StoreTask

#: environment variables with the folders of what Python, numba and matplotlib keep
_KEPT = {"PYTHONPYCACHEPREFIX": "python", "NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib"}

#: file that a fresh process creates when it has loaded all, before it makes the output
_BEGIN = "begin"


@dataclass(frozen=True)
class Order:
    """What a fresh process makes, if it has the same fingerprint there."""

    task: type[StoreTask]
    parameters: dict[str, Any]
    fingerprint: str
    place: Path
    events: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Made:
    """What a fresh process made; there is no output if it failed, and no accesses if it wasn't traced."""

    place: Path
    failure: str
    events: int
    findings: tuple[str, ...]
    accesses: tuple[Access, ...] | None
    command: tuple[list[str], dict[str, str]]

    def reader(self, path: str) -> str:
        """Return the function that opens a file, by running the process again; empty if it isn't found."""
        return find_reader(*self.command, path, self.place.parent)


def make_fresh(task: StoreTask, folder: Path, *, trace: bool, events: int = 0, seed: int = 0) -> Made:
    """Make the output of a task, or of a branch with some events one by one, in a fresh process and an empty folder.

    Processes that get folders beside it share what they compile.
    """
    from pocket.configuration.loading import absolute_reference

    folder.mkdir(parents=True)
    place = folder / ("output" + (SUFFIX if is_container(task.output().directory) else ""))
    # The cache of luigi may have been asked for the task with options of others.
    known = {name for name, _ in type(task).get_params()}
    given = {name: value for name, value in task.param_kwargs.items() if name in known}
    parameters = {**given, "analysis": absolute_reference(task.analysis), "cores": 1}
    (file := folder / "order").write_bytes(
        pickle.dumps(Order(type(task), parameters, task.fingerprint, place, events, seed))
    )
    command = [sys.executable, "-m", __name__, str(file)]
    kept = {name: str(folder.parent / "kept" / part) for name, part in _KEPT.items()}
    environment = {**os.environ, **kept}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    calls = folder / "calls"
    run = subprocess.run(traced(command, calls) if trace else command, env=environment, capture_output=True, text=True)
    result = folder / "result.json"
    found = json.loads(result.read_text()) if result.exists() else {}
    failure = found.get("failure", "") if run.returncode == 0 else f"{run.stdout}{run.stderr}".strip()
    return Made(
        place,
        failure,
        found.get("events", 0),
        tuple(found.get("findings", ())),
        tuple(read_trace(calls, folder / _BEGIN)) if trace else None,
        (command, environment),
    )


def make(order: Order) -> dict[str, Any]:
    """Make the output in this process, and return what was found."""
    task: Any = order.task(**order.parameters)
    if task.fingerprint != order.fingerprint:
        raise ChangedCodeError(
            f"{task.progress_label}: its code was changed since this command began, or what Python has compiled of it "
            "(__pycache__) is stale: run it again, without the latter"
        )
    task._info = {**task.write_info(), "directory": order.place, "remote": None, "replaces": ""}
    # Values that were read while the analysis was loaded are in the fingerprint, and git and packages are no inputs.
    revision()
    software()
    # Temporary files of this process are no inputs, so they are where accesses don't count.
    tempfile.tempdir = str(order.place.parent)
    order.place.with_name(_BEGIN).write_text("")
    if not order.events:
        task.make()
        return {}
    from pocket.interactive.watching import watching

    # Code is compared with that of the other process before functions of the engine are replaced by watched ones.
    job = task.job()
    job.load()
    with watching(order.events, task.branch_size(task.branch), order.seed) as watched:
        job.run(lambda amount: None)
    watched.compare_output(order.place)
    return {"events": watched.events, "findings": watched.findings()}


def main() -> None:
    """Do what the file on the command line orders."""
    print_on_signal()
    file = Path(sys.argv[1])
    # Options of tasks depend on the modules that are there.
    for module in named_modules():
        importlib.import_module(module)
    order: Order = pickle.loads(file.read_bytes())
    try:
        found = make(order)
    except PocketError as error:
        found = {"failure": str(error)}
    file.with_name("result.json").write_text(json.dumps(found or {"events": 0}))


if __name__ == "__main__":
    main()
