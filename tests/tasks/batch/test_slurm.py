"""Behaviour that a real Slurm shows too slowly or not at all; tests/services/test_slurm_workflow.py has the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from tasks.batch.causes import Cause, Failure
from tasks.batch.queues import QueueError
from tasks.batch.slurm import QueuedJob, SlurmManager, accounted, branches_of_array, in_one_word, parse_job
from tasks.chain.processing import RunProcessor
from tests.law_runner import Run
from tests.tasks.batch.schedd import Schedd, take_over
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

QUICK = ("--config", "main", "--workflow", "slurm", "--poll-interval", "0.05s", "--retry-delay", "0.1")
SCRIPT = Path(__file__).with_name("fake_slurm.py")
COMMANDS = ("sbatch", "squeue", "scancel", "sacct")

#: what squeue 24.11 printed: id, state, reason and exit code
RECORDED = [
    ("1_0", "COMPLETED", "None", "0:0"),
    ("1_1", "FAILED", "NonZeroExitCode", "60:0"),
    ("1_2", "FAILED", "RaisedSignal:9(Killed)", "0:9"),
    ("1_4", "CANCELLED", "None", "0:15"),
    ("6_0", "TIMEOUT", "TimeLimit", "0:15"),
    ("6_1", "RUNNING", "None", "0:0"),
]


def line(job_id: str, state: str, reason: str = "None", codes: str = "0:0") -> str:
    return f"{job_id:40}{state:20}{reason:80}{codes:12}{'node1':80}/control/submissions/x/array_1.sh"


@pytest.fixture
def slurm(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Schedd:
    return take_over(chain, tmp_path / "slurm", monkeypatch, SCRIPT, COMMANDS)


def run(chain: Chain, *options: str) -> Run:
    return chain.run("MergeOutputs", *QUICK, *options)


def options(slurm: Schedd, name: str) -> dict[str, list[str]]:
    """Return the values of an option for each attempt by branches."""
    found: dict[str, list[str]] = {}
    for job in slurm.jobs:
        given = dict(option.partition("=")[::2] for option in job["options"])
        found.setdefault(job["branches"], []).append(given.get(name, ""))
    return found


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_lines_of_the_queue() -> None:
    jobs = dict(parse_job(line(*recorded)) for recorded in RECORDED)
    script = "/control/submissions/x/array_1.sh"
    assert jobs["1_1"] == QueuedJob("FAILED", "NonZeroExitCode", 60, 0, "node1", script)
    assert jobs["1_2"] == QueuedJob("FAILED", "RaisedSignal:9(Killed)", 0, 9, "node1", script)


@pytest.mark.parametrize(
    ("recorded", "cause"),
    [
        (RECORDED[1], Cause.FAILED),
        (RECORDED[2], Cause.MEMORY),
        (RECORDED[3], Cause.REMOVED),
        (RECORDED[4], Cause.RUNTIME),
        (("1", "OUT_OF_MEMORY", "OutOfMemory", "0:125"), Cause.MEMORY),
        (("1", "NODE_FAIL"), Cause.REMOVED),
        (("1", "PREEMPTED"), Cause.REMOVED),
        (("1", "PENDING", "launch failed requeued held"), Cause.HELD),
        (("1", "PENDING", "JobHoldMaxRequeue"), Cause.HELD),
    ],
)
def test_causes(recorded: tuple[str, ...], cause: Cause) -> None:
    manager = SlurmManager("/control")
    state = manager._state(*parse_job(line(*recorded)))
    assert state["status"] == manager.FAILED
    assert state["extra"]["remote_host"] == "node1"
    assert Failure(**state["extra"]["failure"]).cause is cause


def test_states_of_jobs_that_did_not_fail() -> None:
    manager = SlurmManager("/control")
    found = {
        state: manager._state("1", QueuedJob(state))["status"]
        for state in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "COMPLETED")
    }
    assert found == {
        "PENDING": "pending",
        "CONFIGURING": "pending",
        "RUNNING": "running",
        "COMPLETING": "running",
        "SUSPENDED": "running",
        "COMPLETED": "finished",
    }


@pytest.mark.parametrize("reason", ["JobHeldUser", "JobHeldAdmin"])
def test_a_job_that_a_person_holds_is_left_alone(reason: str) -> None:
    manager = SlurmManager("/control")
    state = manager._state("1", QueuedJob("PENDING", reason))
    assert (state["status"], state["extra"]) == ("pending", {"on_hold": True})


def test_a_job_that_ends_after_its_script_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that ``--acceptance`` needn't wait for are cancelled, which takes Slurm half a minute."""
    manager = SlurmManager(str(tmp_path))
    script = tmp_path / "array_1.sh"
    script.write_text("slurm_job_0To2.sh\nslurm_job_2To4.sh\n")
    jobs = {
        "1_1": QueuedJob("RUNNING", script=str(script)),
        "2_0": QueuedJob("COMPLETING", script=str(tmp_path / "array_2.sh")),
    }
    monkeypatch.setattr(manager, "jobs", lambda: jobs)
    assert manager.waiting_or_running() == {"1_1": (2, 3), "2_0": ()}
    assert manager.in_queue() == ["1_1", "2_0"]


def test_no_call_per_job(chain: Chain, slurm: Schedd) -> None:
    done = run(chain, "--site", "t3-psi", "--memory", "3GB", "--runtime", "90min", "--threads", "2")
    assert done.code == 0, done.text
    # two looks until all are done, and one before, for jobs of an earlier submission
    assert slurm.calls == {"sbatch": 1, "squeue": 3}
    assert len(slurm.jobs) == 4
    assert {
        "array=0-3",
        "mem=3072M",
        "cpus-per-task=2",
        "time=90",
        "partition=standard",
        "account=t3",
        "output=/dev/null",
        "no-requeue",
        "job-name=RunProcessor.main.v1",
    } <= set(slurm.jobs[0]["options"])


def test_causes_decide_what_is_asked_for(chain: Chain, slurm: Schedd) -> None:
    slurm.plan(
        {
            "_0To1": ["OUT_OF_MEMORY OutOfMemory 0:125"],
            "_1To2": ["TIMEOUT TimeLimit 0:15"] * 2,
            "_2To3": ["NODE_FAIL None 0:0"],
            "_3To4": ["PENDING JobHoldMaxRequeue 0:0"],
        }
    )
    done = run(chain, "--memory", "900", "--runtime", "1h")
    assert done.code == 0, done.text
    assert options(slurm, "mem") == {
        "_0To1": ["900M", "1800M"],
        "_1To2": ["900M"] * 3,
        "_2To3": ["900M"] * 2,
        "_3To4": ["900M"] * 2,
    }
    assert options(slurm, "time")["_1To2"] == ["60", "120", "240"]
    assert "error: ran too long: time limit" in done.text
    assert "error: was removed: the node failed" in done.text
    # what is on hold
    assert slurm.calls["scancel"] == 1


def test_forgotten_job_is_judged_by_its_outputs(chain: Chain, slurm: Schedd) -> None:
    slurm.plan({"_0To1": ["gone"], "_1To2": ["gone"]})
    done = run(chain)
    assert done.code == 0, done.text
    # none ran twice
    assert len(slurm.jobs) == 4
    assert slurm.calls["sacct"] >= 1


def test_hosts_where_jobs_fail_get_no_more(chain: Chain, slurm: Schedd) -> None:
    slurm.plan({f"_{n}To{n + 1}": ["FAILED NonZeroExitCode 60:0"] for n in range(3)}, _3To4="node2")
    done = run(chain)
    assert done.code == 0, done.text
    assert options(slurm, "exclude") == {
        "_0To1": ["", "node1"],
        "_1To2": ["", "node1"],
        "_2To3": ["", "node1"],
        "_3To4": [""],
    }


# when it is looked for, it runs or has just ended
@pytest.mark.parametrize("now", ["PENDING Resources 0:0", "RUNNING None 0:0"])
def test_record_of_an_earlier_attempt(chain: Chain, slurm: Schedd, now: str) -> None:
    slurm.plan({"_0To1": ["FAILED NonZeroExitCode 60:0"] * 9})
    assert run(chain, "--retries", "1").code != 0
    (record,) = Path(chain.task(RunProcessor, config="main").control_directory("slurm")).glob("*.json")
    # as whoever was killed after the second submission would have left it
    jobs = json.loads(record.read_text())
    jobs["jobs"]["1"]["job_id"] = "1_0"
    record.write_text(json.dumps(jobs))
    state = json.loads((slurm.folder / "state.json").read_text())
    state["jobs"]["2_0"].update(state=now, outcome="COMPLETED None 0:0")
    (slurm.folder / "state.json").write_text(json.dumps(state))
    done = run(chain)
    assert done.code == 0, done.text
    assert len(slurm.jobs) == 4 + 1


def test_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(tmp_path, "sbatch", 'test "$1" = --partition || echo "Submitted batch job 12"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    files = []
    for name in ("slurm_job_ab12_0To2.sh", "slurm_job_ab12_5To6.sh"):
        files.append(str(tmp_path / name))
        Path(files[-1]).write_text("#!/usr/bin/env bash\n\n#SBATCH --mem=900M\n\n/law_job.sh arguments\n")
    assert SlurmManager(str(tmp_path)).submit(files) == ["12_0", "12_1"]
    (array,) = tmp_path.glob("array_*.sh")
    assert "#SBATCH --mem=900M\n#SBATCH --array=0-1\n" in array.read_text()
    assert branches_of_array(array) == {0: (0, 1), 1: (5,)}


def test_accounting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    command(tmp_path, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    assert accounted(["7_0"]) == {}
    printed = "7_0|COMPLETED|0:0|node1\n7_1|CANCELLED by 1000|0:15|node2\n7_2|RUNNING|0:0|node2"
    command(tmp_path, "sacct", f'test "$6" = --jobs=7,8 && echo "{printed}"')
    # one that squeue doesn't know no longer runs, whatever the accounting says
    assert accounted(["7_0", "7_1", "7_2", "8_0"]) == {
        "7_0": QueuedJob("COMPLETED", host="node1"),
        "7_1": QueuedJob("CANCELLED", signal=15, host="node2"),
    }


def test_queue_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(tmp_path, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(QueueError, match="squeue failed with exit code 1: Unable to contact slurm controller"):
        SlurmManager("/control").query(["1_0"])


def test_what_slurm_has_no_word_for(chain: Chain) -> None:
    with pytest.raises(ConfigError, match="--container /cvmfs/image is for --workflow htcondor, not slurm"):
        chain.task(RunProcessor, config="main", workflow="slurm", container="/cvmfs/image")


@pytest.mark.parametrize(
    ("value", "word"), [("gpu:1", "gpu:1"), ("of mine", '"of mine"'), ('"of mine"', '"of mine"'), ("'a b'", "'a b'")]
)
def test_values_of_options_are_words(value: str, word: str) -> None:
    assert in_one_word(value) == word
