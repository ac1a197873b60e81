"""Workflows of one's own, with the mistakes that people make in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi
import pytest
from luigi.task_register import Register

from pocket.base.fingerprint import specification
from pocket.errors import ConfigError
from pocket.executors import Progress
from pocket.io.store import write_output
from tasks.core.targets import StoreTarget
from tasks.framework import pool
from tasks.framework.base import StoreTask, input_ids
from tasks.framework.workflow import PoolWorkflow

# This class has no type annotations.
_tasks: Any = Register


@dataclass(frozen=True)
class Work:
    """The work of a branch."""

    output: dict[str, Any]
    size: int = 1

    def run(self, progress: Progress) -> None:
        """Write a file."""
        with write_output(**self.output) as folder:
            (folder / "made.txt").touch()
        progress(self.size)


class Silent(Work):
    """Work that writes nothing."""

    def run(self, progress: Progress) -> None:
        """Do nothing."""


class Three(PoolWorkflow):
    """A workflow with three branches."""

    config_part = "own"
    factor = luigi.IntParameter(default=1)
    exclude_index = True

    def create_branch_map(self) -> list[str]:
        """Return the branches."""
        return ["a", "b", "c"]

    def workflow_requires(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def output(self) -> StoreTarget:
        """Return the branch's folder."""
        return self.target(self.directory / self.branch_data)

    def fingerprint_spec(self) -> Any:
        """Return nothing, and forget the factor."""
        return {}

    def input_ids(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def job(self) -> Any:
        """Return the work of a branch."""
        return Work(self.write_info())


class OneFolder(Three):
    """All branches have one output."""

    exclude_index = True

    def output(self) -> StoreTarget:
        """Return the folder of all branches."""
        return self.target(self.directory)


class WithoutOutput(PoolWorkflow):
    """A workflow that lacks the output of a branch, and a job."""

    config_part = "own"
    exclude_index = True
    create_branch_map, workflow_requires = Three.create_branch_map, Three.workflow_requires
    fingerprint_spec, input_ids = Three.fingerprint_spec, Three.input_ids


class Unconnected(PoolWorkflow):
    """A workflow that doesn't say what it is made from."""

    config_part = "own"
    exclude_index = True
    create_branch_map, workflow_requires = Three.create_branch_map, Three.workflow_requires
    fingerprint_spec = Three.fingerprint_spec


class After(Three):
    """Its fingerprint has a task in it."""

    exclude_index = True
    before = luigi.IntParameter(default=1, significant=False)

    def fingerprint_spec(self) -> Any:
        """Return a task."""
        return {"before": Counting(version="v1", factor=self.before)}


class Counting(Three):
    """Its fingerprint has its parameter."""

    exclude_index = True

    def fingerprint_spec(self) -> Any:
        """Return the factor."""
        return {"factor": self.factor}


class OfOneBranch(Three):
    """A fingerprint of all branches that asks for one."""

    exclude_index = True

    def fingerprint_spec(self) -> Any:
        """Return what only a branch has."""
        return self.branch_data


class MakesNothing(Three):
    """Its jobs write nothing."""

    exclude_index = True

    def job(self) -> Any:
        """Return the work of a branch."""
        return Silent(self.write_info())


class Travels(Three):
    """Its jobs hold what doesn't travel."""

    exclude_index = True

    def job(self) -> Any:
        """Return the work of a branch."""
        return Work({"later": lambda: 1})


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    # luigi's tasks know the store of an earlier test.
    _tasks.clear_instance_cache()
    yield
    pool._end()


def test_branches_are_made_and_found(tmp_path: Path) -> None:
    task = Three(version="v1", cores=1)
    assert input_ids({"three": task.output()}) is None
    task.run()
    assert task.complete()
    found = input_ids({"three": task.output(), "first": task.branch_outputs[0]})
    ids = {f"three/{number}": output.id for number, output in task.branch_outputs.items()}
    assert found == {**ids, "first": ids["three/0"]}
    assert len(ids) == 3


@pytest.mark.parametrize("cls", [OneFolder, WithoutOutput])
def test_branches_with_one_output(cls: type[PoolWorkflow]) -> None:
    task = cls(version="v1", cores=1)
    with pytest.raises(ConfigError, match=rf"{cls.__name__} own: branches 0 and 1 have the same output .*output\(\)"):
        task.complete()


def test_a_missing_job() -> None:
    with pytest.raises(ConfigError, match="WithoutOutput lacks job, see docs"):
        WithoutOutput(version="v1", branch=0).job()


def test_missing_inputs_are_noticed_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="Unconnected lacks input_ids, see docs"):
        Unconnected(version="v1", cores=1).complete()


def test_a_task_counts_by_its_fingerprint() -> None:
    one, same, other = (After(version="v1", before=before) for before in (1, 1, 2))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert specification(one.fingerprint_spec()).values["before.__fingerprint__()"] == (
        f"str {Counting(version='v1').fingerprint!r}"
    )


def test_a_fingerprint_that_asks_for_a_branch() -> None:
    with pytest.raises(ConfigError, match="OfOneBranch own: branch_data is of one branch"):
        OfOneBranch(version="v1").fingerprint  # noqa: B018


def test_a_branch_that_writes_nothing() -> None:
    with pytest.raises(ConfigError, match="MakesNothing own: branch 0 ran and wrote no output"):
        MakesNothing(version="v1", cores=1).run()


def test_a_job_that_does_not_travel() -> None:
    with pytest.raises(ConfigError, match=r"the job of .* can't go to a worker process: .*give it plain data"):
        Travels(version="v1", cores=2).run()


def test_an_option_that_the_fingerprint_lacks() -> None:
    """The output of another value is never taken for the one that is asked for."""
    Three(version="v1", cores=1).run()
    assert Three(version="v1", cores=1).complete()
    other = Three(version="v1", cores=1, factor=2)
    assert other.directory == Three(version="v1").directory
    assert not other.complete()
    assert other.branch_outputs[0].unsuitable() == "it was made with factor=1"
    assert isinstance(other, StoreTask)
