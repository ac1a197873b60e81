"""Workflows through a simulated schedd."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.histograms.files import read_output
from pocket.io.store import read_manifest
from tasks.batch.htcondor import HTCondorManager
from tasks.batch.queues import QueueError
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tests.grid import write_proxy
from tests.law_runner import Run, job_logs
from tests.tasks.batch.schedd import Schedd, take_over
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

QUICK = ("--config", "main", "--workflow", "htcondor", "--poll-interval", "0.05s", "--retry-delay", "0.1")


@pytest.fixture
def schedd(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Schedd:
    # The chain is that of all tests; the record has what jobs of an earlier one needed.
    shutil.rmtree(control(chain), ignore_errors=True)
    return take_over(chain, tmp_path / "schedd", monkeypatch)


def run(chain: Chain, *options: str) -> Run:
    return chain.run("MergeOutputs", *QUICK, *options)


def control(chain: Chain) -> Path:
    return Path(chain.task(RunProcessor, config="main").control_directory("htcondor"))


def attempts(chain: Chain) -> dict[str, int]:
    """Return the number of failed attempts that the record has of each job."""
    record = json.loads(next(control(chain).glob("htcondor_jobs*.json")).read_text())
    return {number: len(failures) for number, failures in record["failures"].items()}


def test_no_call_per_job(chain: Chain, schedd: Schedd) -> None:
    done = run(chain)
    assert done.code == 0, done.text
    assert chain.outputs("MergeOutputs", "main")
    assert len(schedd.jobs) == 4
    # two looks until all are done, and one before, for jobs of an earlier submission
    assert schedd.calls == {"condor_version": 1, "condor_submit": 1, "condor_q": 3, "condor_history": 1}
    record = json.loads(next(control(chain).glob("htcondor_jobs*.json")).read_text())
    assert record["unsubmitted_jobs"] == {}
    assert not (control(chain) / "submissions").exists()


def test_causes_decide_what_is_asked_for(chain: Chain, schedd: Schedd) -> None:
    schedd.plan(
        {
            "_0To1": ["held 34 Job has gone over cgroup memory limit of 900 megabytes", "held 34 memory"],
            "_1To2": ["lost"],
            "_2To3": ["fail OSError: disk", "fail OSError: network"],
            "_3To4": ["empty"],
        }
    )
    done = run(chain, "--memory", "900")
    assert done.code == 0, done.text
    memory: dict[str, list[int]] = {}
    for job in schedd.jobs:
        memory.setdefault(job["PocketlawBranches"], []).append(job["RequestMemory"])
    assert memory == {
        "_0To1": [900, 1800, 3600],
        "_1To2": [900, 900],
        "_2To3": [900, 900, 900],
        "_3To4": [900, 900],
    }
    assert schedd.calls["condor_rm"] == 2
    assert "error: needed more memory: Job has gone over cgroup memory limit of 900 megabytes" in done.text
    assert "error: vanished" in done.text
    assert "error: OSError: disk" in done.text
    assert "error: left no complete output: the output doesn't exist" in done.text
    # by the numbers of the jobs
    record = json.loads(next(control(chain).glob("htcondor_jobs*.json")).read_text())
    causes = {number: [cause for cause, _ in failures] for number, failures in record["failures"].items()}
    assert causes == {
        "1": ["needed more memory"] * 2,
        "2": ["vanished"],
        "3": ["failed"] * 2,
        "4": ["left no complete output"],
    }
    told = done.text.rpartition("failed attempts: ")[2].splitlines()[0]
    assert sorted(told.split(", ")) == ["1 left no complete output", "1 vanished", "2 failed", "2 needed more memory"]


def test_a_job_that_ran_too_long_has_more_time_than_the_flavour(
    chain: Chain, schedd: Schedd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAW__site_lxplus__not_shared", "")
    schedd.plan({"_0To1": ["held 46 Job exceeded its allowed duration"]})
    proxy = write_proxy(tmp_path / "proxy", 8 * 3600)
    done = run(chain, "--site", "lxplus", "--proxy", str(proxy), "--flavour", "longlunch")
    assert done.code == 0, done.text
    asked = [(job["JobFlavour"], job["MaxRuntime"]) for job in schedd.jobs]
    assert asked.count(("longlunch", None)) == 4
    assert asked.count((None, 4 * 3600)) == 1


def test_a_job_that_a_person_holds_is_left_alone(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_0To1": ["held 1 via condor_hold (by user me)"]})
    done = run(chain)
    assert done.code == 0, done.text
    assert done.text.count("job 1.0 is on hold, because somebody said so, and left alone") == 1
    assert len(schedd.jobs) == 4
    assert "condor_rm" not in schedd.calls


def test_a_queue_that_does_not_answer_at_the_beginning(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({}, silent=["condor_q"])
    done = run(chain)
    assert done.code != 0
    assert done.errors == ["condor_q failed with exit code 1: Failed to connect to the schedd"]
    assert "condor_submit" not in schedd.calls


def test_a_history_that_does_not_answer_leaves_it_to_the_outputs(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_0To1": ["forgotten"], "_1To2": ["lost"]}, silent=["condor_history"] * 9)
    done = run(chain)
    assert done.code == 0, done.text
    # the one whose output is there isn't run again
    assert [job["PocketlawBranches"] for job in schedd.jobs].count("_0To1") == 1
    assert [job["PocketlawBranches"] for job in schedd.jobs].count("_1To2") == 2
    sentence = "condor_history failed with exit code 1: Failed to connect to the schedd; jobs that have left the queue"
    assert done.text.count(sentence) == 1


def test_retries_have_an_end(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_1To2": ["held 13 Transfer input files failure"] * 9})
    done = run(chain, "--retries", "2")
    assert done.code != 0
    assert done.errors == [
        "RunProcessor main: 1 of 4 jobs failed for good; the first is of branch 1: was held: Transfer input files "
        f"failure (log: {control(chain)}/stdall_1To2.txt)"
    ]
    assert [job["PocketlawBranches"] for job in schedd.jobs].count("_1To2") == 3
    # the others are done, so the next call has one job only
    schedd.plan({})
    again = run(chain)
    assert again.code == 0, again.text
    assert len(schedd.jobs) == 4 + 2 + 1


def test_the_same_error_again_is_given_up(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_0To1": [f"fail ValueError: event {number}" for number in range(9)]})
    done = run(chain)
    assert done.code != 0
    assert "1 of 4 jobs failed for good; the first is of branch 0: ValueError: event 1 (log: " in done.errors[0]
    assert [job["PocketlawBranches"] for job in schedd.jobs].count("_0To1") == 2
    # The log that the message names is there.
    (log,) = control(chain).glob("stdall_*.txt")
    assert done.errors[0].endswith(f"(log: {log})")
    assert "ValueError: event 1" in log.read_text()


def test_logs_are_packed_once_all_is_done(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_0To1": ["fail OSError: disk"]})
    done = run(chain)
    assert done.code == 0, done.text
    assert [path.name for path in control(chain).glob("*.txt")] == []
    assert "OSError: disk" in job_logs(control(chain))["stdall_0To1.txt"]


def test_an_error_of_several_jobs_stops_all(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({f"_{n}To{n + 1}": ["fail ModuleNotFoundError: No module named 'mine'"] * 9 for n in range(3)})
    done = run(chain)
    assert done.code != 0
    assert "ModuleNotFoundError: No module named 'mine'" in done.errors[0]
    assert len(schedd.jobs) == 4
    # That error is no reason for the next command, after it was mended, to give up.
    schedd.plan({})
    again = run(chain)
    assert again.code == 0, again.text
    assert len(schedd.jobs) == 4 + 3
    assert attempts(chain) == {"1": 1, "2": 1, "3": 1}


def test_a_later_command_may_ask_for_more_memory(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_1To2": ["held 34 memory"] * 2})
    assert run(chain, "--memory", "900", "--retries", "1").code != 0
    assert attempts(chain) == {"2": 2}
    again = run(chain, "--memory", "5000")
    assert again.code == 0, again.text
    assert attempts(chain) == {"2": 2}
    asked = [job["RequestMemory"] for job in schedd.jobs if job["PocketlawBranches"] == "_1To2"]
    assert asked == [900, 1800, 5000]


def test_acceptance(chain: Chain, schedd: Schedd) -> None:
    # branches 0 and 1 are of simulation, 2 and 3 of data
    error = ["fail ValueError: bad event"] * 9
    schedd.plan({"_1To2": error})
    too_few = run(chain, "--acceptance", "0.6")
    assert too_few.code != 0
    assert "1 of 4 jobs failed for good; the first is of branch 1: ValueError: bad event" in too_few.errors[0]
    jobs = len(schedd.jobs)

    done = run(chain, "--acceptance", "0.5")
    assert done.code == 0, done.text
    # what is there is enough, so there was nothing to submit
    assert len(schedd.jobs) == jobs
    folder = chain.output("MergeOutputs", "main")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.info["missing"] == {"DYJetsToMuMu_toys": 0.5}
    merged = read_output(folder)
    data = merged["datasets_metadata"]["DATA_SingleMuon_toys"]["nevents"]
    assert merged["cutflow"]["initial"] == {"DYJetsToMuMu_toys": 900, "DATA_SingleMuon_toys": data}

    # all are wanted again
    schedd.plan({})
    assert not chain.task(MergeOutputs, config="main").complete()
    whole = run(chain)
    assert whole.code == 0, whole.text
    assert read_output(folder)["cutflow"]["initial"]["DYJetsToMuMu_toys"] == 1800


def test_acceptance_counts_branches_that_were_done_before(chain: Chain, schedd: Schedd) -> None:
    # The branches of data were done without a batch system.
    outputs = json.loads((schedd.folder / "plan.json").read_text())["outputs"]
    for name in ("_2To3", "_3To4"):
        shutil.move(*outputs[name])
    schedd.plan({"_1To2": ["held 13 Transfer input files failure"] * 9})
    done = run(chain, "--acceptance", "0.5", "--retries", "1")
    assert done.code == 0, done.text
    assert [job["PocketlawBranches"] for job in schedd.jobs] == ["_0To1", "_1To2"]


def test_acceptance_ends_the_waiting(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_0To1": ["held 13 Transfer input files failure"] * 9})
    done = run(chain, "--acceptance", "0.5", "--retry-delay", "1000")
    assert done.code == 0, done.text
    assert read_output(chain.output("MergeOutputs", "main"))["cutflow"]["initial"]["DYJetsToMuMu_toys"] == 900


def test_acceptance_does_not_go_for_data(chain: Chain, schedd: Schedd) -> None:
    schedd.plan({"_3To4": ["fail ValueError: bad event"] * 9})
    done = run(chain, "--acceptance", "0.1")
    assert done.code != 0
    assert "the first is of branch 3: ValueError: bad event" in done.errors[0]


@pytest.mark.parametrize(("other", "requirements"), [("node2", '(TARGET.Machine != "node1")'), ("node1", "")])
def test_hosts_where_jobs_fail_get_no_more_if_there_are_others(
    chain: Chain, schedd: Schedd, other: str, requirements: str
) -> None:
    schedd.plan({f"_{n}To{n + 1}": [f"fail OSError: {'abc'[n]} is missing"] for n in range(3)}, _3To4=other)
    done = run(chain)
    assert done.code == 0, done.text
    assert {job["Requirements"] for job in schedd.jobs[:4]} == {""}
    assert [job["Requirements"] for job in schedd.jobs[4:]] == [requirements] * 3


def test_a_host_where_jobs_also_succeed_gets_more(chain: Chain, schedd: Schedd) -> None:
    # Two fail on a host, one is done there, and the two fail there once more.
    failing = {"_0To1": ["fail OSError: a", "fail OSError: b"], "_1To2": ["fail OSError: c", "fail OSError: d"]}
    schedd.plan(failing, _3To4="node2")
    done = run(chain)
    assert done.code == 0, done.text
    assert [job["Requirements"] for job in schedd.jobs] == [""] * 8


def test_site_decides_the_submit_file(
    chain: Chain, schedd: Schedd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = chain.folder / "kept.jdl"
    script = schedd.folder / "bin" / "condor_submit"
    counting = '    state["clusters"] += 1\n'
    keeping = f"{counting}    Path({str(kept)!r}).write_text(text)\n"
    script.write_text(script.read_text().replace(counting, keeping))
    # a site as it might be: the chain is in /tmp, which machines of lxplus don't share
    monkeypatch.setenv("LAW__site_lxplus__not_shared", "")
    monkeypatch.setenv("LAW__site_lxplus__project", "of_mine")
    proxy = write_proxy(tmp_path / "proxy", 8 * 3600)
    done = run(
        chain,
        "--site",
        "lxplus",
        "--proxy",
        str(proxy),
        "--flavour",
        "longlunch",
        "--container",
        "/cvmfs/image",
        "--memory",
        "3GB",
        "--threads",
        "2",
    )
    assert done.code == 0, done.text
    lines = kept.read_text().splitlines()
    for line in (
        'MY.WantOS = "el9"',
        "MY.SendCredential = True",
        'MY.JobFlavour = "longlunch"',
        'MY.SingularityImage = "/cvmfs/image"',
        'MY.ProjectName = "of_mine"',
        "request_memory = 3072",
        "request_cpus = 2",
        f"x509userproxy = {proxy}",
        'MY.PocketlawBranches = "$(law_job_postfix)"',
    ):
        assert line in lines
    assert not any(line.startswith("MY.MaxRuntime") for line in lines)


def test_paths_are_checked_before_anything_is_submitted(chain: Chain, schedd: Schedd) -> None:
    done = run(chain, "--site", "lxplus-eos")
    assert done.code != 0
    assert "site 'lxplus-eos' takes no submission from" in done.errors[0]
    assert "going to submit" not in done.text
    assert "condor_submit" not in schedd.calls


def test_nothing_is_submitted_with_a_proxy_that_ends_too_early(chain: Chain, schedd: Schedd, tmp_path: Path) -> None:
    proxy = write_proxy(tmp_path / "proxy", 3600)
    done = run(chain, "--proxy", str(proxy))
    assert done.code != 0
    assert done.errors == [
        f"X509 proxy {proxy} expires in 59 min, but jobs may run for 3 h 0 min: voms-proxy-init -voms cms -rfc "
        "-valid 192:00"
    ]
    assert ": submitted " not in done.text
    assert "condor_submit" not in schedd.calls


def test_the_same_command_goes_on_with_what_is_submitted(chain: Chain, schedd: Schedd) -> None:
    first = chain.run("RunProcessor", *QUICK, "--no-poll")
    assert ": submitted 4 " in first.text
    assert len(schedd.jobs) == 4
    again = run(chain)
    assert again.code == 0, again.text
    assert "\nsubmitted " not in again.text
    # Each job ran once.
    assert len(schedd.jobs) == 4
    assert chain.outputs("MergeOutputs", "main")


def test_a_job_that_made_some_of_its_branches_is_submitted_again(chain: Chain, schedd: Schedd) -> None:
    plan = schedd.folder / "plan.json"
    outputs = json.loads(plan.read_text())["outputs"]

    def make(first: str, second: str) -> None:
        """Let jobs make one of their two branches each."""
        content = json.loads(plan.read_text())
        content["outputs"] = {"_0To2": outputs[first], "_2To4": outputs[second]}
        plan.write_text(json.dumps(content))

    make("_0To1", "_2To3")
    options = ("--tasks-per-job", "2", "--retries", "0")
    assert run(chain, *options).code != 0
    assert len(chain.outputs("RunProcessor", "main")) == 2
    make("_1To2", "_3To4")
    again = run(chain, *options)
    assert again.code == 0, again.text
    assert [job["PocketlawBranches"] for job in schedd.jobs] == ["_0To2", "_2To4"] * 2


def test_jobs_that_a_later_command_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside those that wait and run: suspended ones, and ones that transfer their output, but none on hold."""
    manager = HTCondorManager("/control")
    ads = [{"JobStatus": status, "PocketlawBranches": f"_{status}To{status + 1}"} for status in range(1, 8)]
    monkeypatch.setattr(type(manager.queue), "jobs", lambda queue: {f"1.{n}": ad for n, ad in enumerate(ads, 1)})
    assert manager.waiting_or_running() == {"1.1": (1,), "1.2": (2,), "1.6": (6,), "1.7": (7,)}


def test_queue_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "condor_q"
    script.write_text("#!/bin/sh\necho 'Failed to connect' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("POCKET_HTCONDOR", "commands")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(QueueError, match="condor_q failed with exit code 1: Failed to connect"):
        HTCondorManager("/control").queue.jobs()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(QueueError, match="condor_q can't be run: "):
        HTCondorManager("/control").queue.jobs()
    assert issubclass(QueueError, Exception)
    assert not issubclass(QueueError, ConfigError)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_two_configurations_are_in_the_queue(chain: Chain, schedd: Schedd) -> None:
    """Each has a process of luigi, which says what goes on, and no process prints a traceback."""
    for config in ("main", "probes"):
        for task in ("RunProcessor", "MergeOutputs"):
            shutil.rmtree(chain.store / "small" / task / config, ignore_errors=True)
    schedd.plan({}, slots=0)
    process = chain.law.start(*chain.arguments("MergeOutputs", *QUICK, "--config", "main,probes"))
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if all(any(f" {config} [----" in each for each in lines) for config in ("main", "probes")):
                os.killpg(process.pid, signal.SIGINT)
                break
        rest, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGINT, "".join(lines)
    assert "Traceback" not in rest
    for config in ("main", "probes"):
        assert f"jobs of RunProcessor {config} that are in the queue of htcondor go on\n" in rest
    assert rest.endswith("stopped by Ctrl-C: finished outputs stay; run the same command again to go on\n")
