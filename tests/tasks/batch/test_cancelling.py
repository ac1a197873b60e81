from __future__ import annotations

from pathlib import Path

import pytest

from tasks.batch.actions import runs_jobs
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tests.tasks.batch.schedd import Schedd, take_over
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

JOBS = ("--config", "main", "--workflow", "htcondor")


@pytest.fixture
def schedd(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Schedd:
    return take_over(chain, tmp_path / "schedd", monkeypatch)


def test_jobs_behind_a_task_are_removed(chain: Chain, schedd: Schedd) -> None:
    submitted = chain.run("RunProcessor", *JOBS, "--no-poll")
    assert len(schedd.jobs) == 4
    (error,) = submitted.errors
    assert error.endswith(
        "jobs are in the queue, and --no-poll doesn't wait for them; the same command without it does"
    )
    done = chain.run("MergeOutputs", *JOBS, "--cancel-jobs")
    assert done.code == 0, done.text
    assert "RunProcessor main: 4 jobs removed from the queue" in done.text
    removed = 3
    assert {job["JobStatus"] for job in schedd.jobs} == {removed}
    assert chain.outputs("MergeOutputs", "main") == []
    again = chain.run("MergeOutputs", *JOBS, "--cancel-jobs")
    assert "RunProcessor main: 0 jobs removed from the queue" in again.text
    # The next command submits them anew.
    run = chain.run("MergeOutputs", *JOBS, "--poll-interval", "0.05s")
    assert run.code == 0, run.text
    assert len(schedd.jobs) == 8
    assert len(chain.outputs("MergeOutputs", "main")) == 1


def test_jobs_that_cannot_be_removed(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({}, slots=0)
    chain.run("RunProcessor", *JOBS, "--no-poll")
    remove = schedd.folder / "bin" / "condor_rm"
    remove.unlink()
    remove.write_text("#!/bin/sh\necho 'PERMISSION DENIED' >&2\nexit 1\n")
    remove.chmod(0o755)
    done = chain.run("MergeOutputs", *JOBS, "--cancel-jobs")
    assert done.code != 0
    assert done.errors == ["RunProcessor main: 4 of 4 jobs can't be removed from the queue: PERMISSION DENIED"]
    assert "4 jobs removed" not in done.text
    # The record, by which a later command watches them, is there.
    assert list(Path(chain.task(RunProcessor, config="main").control_directory("htcondor")).glob("htcondor_jobs*.json"))


def test_only_of_a_batch_system(chain: Chain) -> None:
    done = chain.run("MergeOutputs", "--config", "main", "--cancel-jobs")
    assert done.code != 0
    assert done.errors == ["--cancel-jobs is for --workflow htcondor or slurm, not local"]


def test_what_runs_jobs(chain: Chain) -> None:
    assert runs_jobs(chain.task(RunProcessor, config="main", workflow="htcondor"))
    assert not runs_jobs(chain.task(RunProcessor, config="main"))
    assert not runs_jobs(chain.task(MergeOutputs, config="main", workflow="htcondor"))
