from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import DamagedOutputError, PocketError, UserCodeError
from pocket.executors import travel
from pocket.executors.travel import (
    REMOTE,
    RESULT,
    STORE,
    Outcome,
    contents_of,
    local_inputs,
    place_of,
    relocated,
    run_here,
    take_back,
)
from pocket.io.store import is_complete, read_manifest, write_output
from pocket.io.store.manifest import NAME


@dataclasses.dataclass(frozen=True)
class Part:
    """Something in a job."""

    path: str
    number: int = 1


@dataclasses.dataclass(frozen=True)
class Copy:
    """Copies a file of the store into an output; ``error`` is raised first, if there is one."""

    source: Path
    output: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    error: Exception | None = None
    log: Path | None = None
    size: int = 1

    def run(self, progress: Any) -> None:
        """Do it."""
        if self.error is not None:
            if self.log is not None:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                self.log.write_text("Traceback of the cut")
            raise self.error
        with write_output(**self.output) as folder:
            (folder / "sub").mkdir()
            (folder / "sub" / "copy.txt").write_bytes(self.source.read_bytes())
        progress(self.size)


@dataclasses.dataclass(frozen=True)
class World:
    """A store, and the folder that a worker without it has in its place."""

    store: Path
    scratch: Path

    @property
    def places(self) -> dict[str, str]:
        """The store where the run was started → the folder here."""
        return {str(self.store): str(self.scratch)}

    def job(self, **changes: Any) -> Copy:
        """Return a job that copies the file of an output in the store."""
        source = self.store / "made" / "numbers.txt"
        if not source.exists():
            with write_output(source.parent, task="Made", inputs={}) as folder:
                (folder / source.name).write_text("1 2 3")
        output = {"directory": self.store / "copies" / "first", "task": "Copy", "inputs": {"made": "abc"}}
        return Copy(source, **{"output": output, "inputs": (str(source),), **changes})

    def run(self, job: Copy, contents: Mapping[str, bytes] | None = None, missing: tuple[str, ...] = ()) -> Outcome:
        """Run a job on the worker."""
        return run_here(pickle.dumps(job), self.places, local_inputs(job), contents or {}, "tcp://a:1", missing)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "store", tmp_path / "worker")


def test_relocated() -> None:
    places = {"/store": "/scratch/store"}
    job = {"a": [Part("/store/x"), Part("root://host//store/x", 2)], "b": (Path("/store/y"), None, 3, b"/store")}
    assert relocated(job, places) == {
        "a": [Part("/scratch/store/x"), Part("root://host//store/x", 2)],
        "b": (Path("/scratch/store/y"), None, 3, b"/store"),
    }
    # what has no such path stays the same object
    part = Part("/stores/x")
    assert relocated(part, places) is part


def test_output_travels_back(world: World) -> None:
    job = world.job()
    lacking = world.run(job)
    assert lacking == Outcome(lacking=(str(job.source),))
    contents = contents_of(lacking.lacking, "branch 1")
    # with the manifest, by which the worker checks the file
    assert {Path(path).name for path in contents} == {"numbers.txt", NAME}
    outcome = world.run(job, contents)
    assert outcome.place == RESULT
    # nothing of it stays on the worker
    assert not (world.scratch / "copies" / "first").exists()
    assert not job.output["directory"].exists()
    take_back(outcome, job)
    assert is_complete(job.output["directory"])
    assert (job.output["directory"] / "sub" / "copy.txt").read_text() == "1 2 3"

    # as if it had been written there
    there = read_manifest(job.output["directory"])
    job.run(lambda amount: None)
    here = read_manifest(job.output["directory"])
    assert there is not None
    assert here is not None
    assert there.id == here.id
    assert {name: record.sha256 for name, record in there.files.items()} == {
        name: record.sha256 for name, record in here.files.items()
    }


def test_worker_that_sees_the_store(world: World) -> None:
    job = world.job()
    outcome = run_here(pickle.dumps(job), {"/code": "/elsewhere/code"}, local_inputs(job), {}, "tcp://a:1")
    assert outcome == Outcome(STORE)
    assert is_complete(job.output["directory"])


def test_places() -> None:
    places = {"/store": "/scratch"}
    output = {"directory": "/store/x"}
    assert place_of(Copy(Path("a"), output), places) == RESULT
    assert place_of(Copy(Path("a"), {**output, "remote": "root://a//b"}), places) == REMOTE
    assert place_of(Copy(Path("a"), output), {"/code": "/scratch"}) == STORE
    assert place_of(Part("/store/x"), places) == STORE


def test_file_that_a_worker_can_not_have(world: World) -> None:
    job = world.job(inputs=("/data/events.root", "root://host//events.root"))
    error = pickle.loads(world.run(job).error)
    assert isinstance(error, PocketError)
    assert str(error).startswith("worker tcp://a:1 can't read /data/events.root: give files by URLs that workers")


def test_too_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.job()
    contents = contents_of([str(job.source)], "branch 1")
    monkeypatch.setattr(travel, "LARGEST", 3)
    with pytest.raises(PocketError, match=r"^branch 1 reads 0 MB of the store, which its worker doesn't see"):
        contents_of([str(job.source)], "branch 1")
    error = pickle.loads(world.run(job, contents).error)
    assert str(error).startswith("its output has 0 MB, and no more than 0 MB travel back from worker tcp://a:1")
    assert "set POCKET_REMOTE_STORE" in str(error)
    assert not (world.scratch / "copies" / "first").exists()


def test_packages_that_are_missing(world: World) -> None:
    error = pickle.loads(world.run(world.job(), missing=("awkward", "coffea")).error)
    assert str(error).startswith("worker tcp://a:1 doesn't have awkward, coffea: start Dask workers in an environment")


def test_error_of_user_code(world: World) -> None:
    log = world.store / "copies" / ".first.traceback.txt"
    sentence = f"cut 'x' failed; the traceback is in {world.scratch}/copies/.first.traceback.txt"
    job = world.job(inputs=(), error=UserCodeError(sentence), log=log)
    outcome = world.run(job)
    take_back(outcome, job)
    # the sentence names the file that came with it
    assert str(pickle.loads(outcome.error)) == f"cut 'x' failed; the traceback is in {log}"
    assert log.read_text() == "Traceback of the cut"


class TwoWordsError(Exception):
    """An error that isn't made from its text."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


@dataclasses.dataclass(frozen=True)
class RaiseTwoWords(Copy):
    """Raises it."""

    def run(self, progress: Any) -> None:
        """Do it."""
        raise TwoWordsError("a", "b")


def test_other_errors(world: World) -> None:
    error = pickle.loads(world.run(world.job(inputs=(), error=ZeroDivisionError("by nought"))).error)
    assert isinstance(error, ZeroDivisionError)
    assert "raise self.error" in error.__notes__[0]
    job = world.job(inputs=())
    other = pickle.loads(world.run(RaiseTwoWords(job.source, job.output)).error)
    assert (type(other), str(other)) == (RuntimeError, "TwoWordsError: ab")


def test_output_that_was_damaged_on_its_way(world: World) -> None:
    job = world.job(inputs=())
    contents = contents_of([str(job.source)], "branch 1")
    outcome = world.run(job, contents)
    damaged = ({**outcome.outputs[0], "sub/copy.txt": b"1 2 4"},)
    with pytest.raises(DamagedOutputError, match=r"sub/copy.txt of .* didn't arrive as it was written"):
        take_back(dataclasses.replace(outcome, outputs=damaged), job)
    assert not job.output["directory"].exists()


def test_an_earlier_version_of_an_input_is_replaced(world: World) -> None:
    job = world.job()
    contents = contents_of(world.run(job).lacking, "branch 1")
    for path in contents:
        earlier = world.scratch / Path(path).relative_to(world.store)
        earlier.parent.mkdir(parents=True, exist_ok=True)
        earlier.write_text("earlier")
    take_back(world.run(job, contents), job)
    assert (job.output["directory"] / "sub" / "copy.txt").read_text() == "1 2 3"
