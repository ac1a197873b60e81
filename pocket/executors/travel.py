"""Files that travel with a job to a worker that doesn't see the store, and back from it."""

from __future__ import annotations

import contextlib
import os
import pickle
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pocket.errors import PocketError
from pocket.executors.remote import moved
from pocket.io.remote.client import is_remote
from pocket.io.store.manifest import NAME
from pocket.io.store.output import receive_output
from pocket.io.store.packing import contents_of_output, remove_output, size_of_output
from pocket.io.store.provenance import begin_work
from pocket.io.store.publishing import replacing_file
from pocket.io.store.verification import find_output

#: largest size in bytes of the files that travel with a job, and of an output that travels back
LARGEST = 250_000_000
#: places of an output: in the store, in the remote store, or in the result of the job
STORE, REMOTE, RESULT = "store", "remote", "result"


@dataclass(frozen=True)
class Outcome:
    """Result of a job on a worker."""

    place: str = STORE
    lacking: tuple[str, ...] = ()  # Files that the job needs and the worker doesn't see; it hasn't run then.
    outputs: tuple[Mapping[str, bytes], ...] = ()  # Name → content of files; empty if it wasn't made.
    error: bytes = b""  # The pickled exception that ended the job.
    log: str = ""  # Traceback of an error in the user's code.


def parts_of(job: Any) -> tuple[Any, ...]:
    """Return the jobs that a job does, each with an output: itself, or the ones in its attribute ``parts``."""
    return tuple(getattr(job, "parts", (job,)))


def local_inputs(job: Any) -> tuple[str, ...]:
    """Return the local files that a job reads, which a worker may not see; empty if the job doesn't name its inputs."""
    paths = dict.fromkeys(path for part in parts_of(job) for path in getattr(part, "inputs", ()))
    return tuple(path for path in paths if not is_remote(path))


def relocated(value: Any, places: Mapping[str, str]) -> Any:
    """Return a job or a part of it with its paths replaced by those on this machine, given folder → folder here."""
    if isinstance(value, str):
        return moved(value, places)
    if isinstance(value, Path):
        return Path(moved(str(value), places))
    if isinstance(value, Mapping):
        return {key: relocated(item, places) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(relocated(item, places) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: getattr(value, part.name) for part in fields(value) if part.init}
        here = {name: relocated(part, places) for name, part in parts.items()}
        changed = {name: part for name, part in here.items() if part is not parts[name] and part != parts[name]}
        return replace(value, **changed) if changed else value
    return value


def place_of(job: Any, places: Mapping[str, str]) -> str:
    """Return the place of a job's outputs, given folder → folder on the other side of worker and run."""
    output = getattr(parts_of(job)[0], "output", None)
    if output is None or moved(str(output["directory"]), places) == str(output["directory"]):
        return STORE
    return REMOTE if output.get("remote") else RESULT


def run_here(
    payload: bytes,
    places: Mapping[str, str],
    inputs: Sequence[str],
    contents: Mapping[str, bytes],
    worker: str,
    missing_packages: Sequence[str] = (),
) -> Outcome:
    """Run a job in this process, a worker with its places of folders, and return its outcome."""
    there = {here: place for place, here in places.items() if here != place}
    log: Path | None = None
    try:
        if missing_packages:
            raise PocketError(packages_missing(worker, missing_packages))
        for path, content in contents.items():
            file = Path(moved(path, places))
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                with replacing_file(file) as new:
                    new.write(content)
        lacking = [path for path in inputs if not os.access(moved(path, places), os.R_OK)]
        if unknown := [path for path in lacking if moved(path, places) == path]:
            raise PocketError(
                f"worker {worker} can't read {unknown[0]}: give files by URLs that workers can read, such as root://"
            )
        if lacking:
            return Outcome(lacking=tuple(lacking))
        job = relocated(pickle.loads(payload), places)
        log = getattr(job, "log", None)
        begin_work()
        # Progress is reported when the job is done, since the work of a killed worker is repeated.
        job.run(lambda amount: None)
        return _outcome(job, there, worker)
    except Exception as error:
        text = ""
        with contextlib.suppress(OSError):
            text = log.read_text(encoding="utf-8") if log is not None and there else ""
        return Outcome(error=_pickled(error, there), log=text)


def packages_missing(worker: str, names: Sequence[str]) -> str:
    """Return the error message about packages that a worker lacks."""
    return (
        f"worker {worker} doesn't have {', '.join(names)}: start Dask workers in an environment with the packages of "
        "requirements.lock, or in the container image"
    )


def contents_of(paths: Iterable[str], label: str) -> dict[str, bytes]:
    """Return the files that a worker lacks, with the manifests of the outputs that they belong to."""
    wanted = {Path(path) for path in paths}
    wanted |= {found[0] / NAME for path in paths if (found := find_output(path))}
    size = sum(path.stat().st_size for path in wanted)
    if size > LARGEST:
        raise PocketError(
            f"{label} reads {size / 1e6:.0f} MB of the store, which its worker doesn't see, and no more than "
            f"{LARGEST / 1e6:.0f} MB are sent: try fewer --events-per-branch, or workers that see the store"
        )
    return {str(path): path.read_bytes() for path in sorted(wanted)}


def take_back(outcome: Outcome, job: Any) -> None:
    """Write the outputs that travelled back with a job's result into the store."""
    if outcome.outputs:
        for part, contents in zip(parts_of(job), outcome.outputs, strict=True):
            if contents:
                receive_output(Path(part.output["directory"]), contents, part.output.get("replaces"))
    if outcome.log:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(job.log) as file:
            file.write(outcome.log.encode())


def _outcome(job: Any, there: Mapping[str, str], worker: str) -> Outcome:
    """Return the outcome of a finished job; without a store here it contains the outputs, which are removed here."""
    place = place_of(job, there)
    if place == STORE:
        return Outcome()
    directories = [Path(part.output["directory"]) for part in parts_of(job)]
    try:
        if place == REMOTE:
            return Outcome(REMOTE)
        made = [directory for directory in directories if directory.exists()]
        size = max(map(size_of_output, made), default=0)
        if size > LARGEST:
            raise PocketError(
                f"its output has {size / 1e6:.0f} MB, and no more than {LARGEST / 1e6:.0f} MB travel back from worker "
                f"{worker}, which doesn't see the store: set POCKET_REMOTE_STORE, or try fewer --events-per-branch"
            )
        contents = (contents_of_output(directory) if directory in made else {} for directory in directories)
        return Outcome(RESULT, outputs=tuple(contents))
    finally:
        for directory in directories:
            remove_output(directory)


def _pickled(error: Exception, there: Mapping[str, str]) -> bytes:
    """Return a pickled exception, with paths of the machine where the run was started, and its traceback as a note."""
    if not isinstance(error, PocketError):
        error.add_note("".join(traceback.format_tb(error.__traceback__)).rstrip())
    for here, place in there.items():
        error.args = tuple(part.replace(here, place) if isinstance(part, str) else part for part in error.args)
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
    except Exception:
        # The class can't be pickled, or can't be made from its message.
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            plain.add_note(note)
        content = pickle.dumps(plain)
    return content
