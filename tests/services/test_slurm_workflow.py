"""Workflows on a real Slurm cluster, and what goes wrong there; ``test_htcondor_workflow.py`` has more."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from pocket.io.store import manifest_of
from tests.grid import write_proxy
from tests.law_runner import job_logs
from tests.services.checkout import Analysis, own, same, site_settings, submitted
from tests.waiting import wait_for

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("slurm_cluster")]

QUICK = ("--workflow", "slurm", "--poll-interval", "0.2s", "--retry-delay", "0.5")
#: of the cut, when each job runs once: once for all of its files
CALLS = 2
Templates = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def _nothing_left(analysis: Analysis) -> Iterator[None]:
    yield
    subprocess.run(["scancel", f"--user={analysis.checkout.user.uid}"], check=True)
    wait_for(lambda: queue() == [])


def queue(states: str = "pending,running,completing", what: str = "%i") -> list[str]:
    """Return the ids of the jobs that wait or run, or one word more of each."""
    asked = ["squeue", "--noheader", "--array", f"--states={states}", f"--format={what}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def started(analysis: Analysis) -> int:
    """Return how often the cut was called."""
    return len(list(analysis.attempts.iterdir()))


def start_and_kill(analysis: Analysis, task: str) -> None:
    """Start a task, and kill it once a job runs."""
    process = analysis.checkout.start(analysis.law(task, *QUICK))
    wait_for(lambda: started(analysis))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert queue()


def test_gives_the_same_templates(analysis: Analysis, expected: Templates) -> None:
    """Jobs read the proxy of who submits where it is."""
    proxy = own(write_proxy(analysis.checkout.user.folder / "proxy", 4 * 3600), analysis.checkout.user)
    analysis.fault(f"assert os.environ['X509_USER_PROXY'] == {str(proxy)!r}; open({str(proxy)!r}).close()")
    before = set(queue("all"))
    more = ("--workers", "2", "--events-per-branch", "1000", "--proxy", str(proxy))
    run = analysis.run("MergeOutputs", *QUICK, *more)
    assert run.code == 0, run.text
    assert started(analysis) == 4
    # RunProcessor has more branches than the local one had, so sums are added in another order
    found = analysis.templates()
    assert found.keys() == expected.keys()
    for name, view in expected.items():
        for field in ("value", "variance"):
            np.testing.assert_allclose(found[name][field], view[field], rtol=1e-12)
    assert submitted(run.text) == [4]
    assert "4 of 4 jobs done" in run.text
    # as one array, with all their logs, and nothing that nobody needs any more
    assert len({job.partition("_")[0] for job in set(queue("all")) - before}) == 1
    control = analysis.control("slurm")
    assert sorted(path.name for path in control.iterdir()) == ["logs.zip", "slurm_jobs_0To4.json"]
    logs = job_logs(control)
    assert sorted(logs) == [f"stdall_{n}To{n + 1}.txt" for n in range(4)]
    assert "left out: law would start twice" in logs["stdall_0To1.txt"]
    outputs = (analysis.checkout.store / "small" / "RunProcessor" / "main").rglob("[!.]*-*.zip")
    manifests = [manifest for output in outputs if (manifest := manifest_of(output))]
    assert [manifest.info["usage"]["host_kind"] for manifest in manifests] == ["slurm"] * 4
    # complete, in whatever way it was made
    assert analysis.run("MergeOutputs", "--events-per-branch", "1000").executed == []


@pytest.mark.slow
def test_killed_job_is_tried_again(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("number or os.kill(os.getpid(), signal.SIGKILL)")
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert same(analysis.templates(), expected)
    assert submitted(run.text) == [2, 1]


@pytest.mark.slow
def test_job_that_fails_twice_in_different_ways(analysis: Analysis, expected: Templates) -> None:
    # A third failure would exclude the only node. After one with all files of a job, the first one is tried alone.
    analysis.fault("if number < 4: raise OSError('no space' if number > 1 else 'no network')")
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert same(analysis.templates(), expected)
    assert sum(submitted(run.text)) == 4


@pytest.mark.slow
def test_job_that_needs_more_memory_gets_it(analysis: Analysis, expected: Templates) -> None:
    # the signal would be the kernel's, where cgroups watch over memory
    analysis.fault("number or (bytearray(900_000_000), hold())")
    run = analysis.run("MergeOutputs", *QUICK, "--memory", "800")
    assert run.code == 0, run.text
    assert "needed more memory" in run.text
    assert same(analysis.templates(), expected)
    # of all jobs of the tests
    asked = queue("all", "%m")
    assert (asked.count("800M"), asked.count("1600M")) == (2, 1)


@pytest.mark.slow
def test_killed_submitter_resumes(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("hold()")
    start_and_kill(analysis, "MergeOutputs")
    analysis.go_on()
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert submitted(run.text) == []
    assert same(analysis.templates(), expected)
    # every job ran once
    assert started(analysis) == CALLS


@pytest.mark.slow
def test_jobs_of_a_lost_record_are_found(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("hold()")
    start_and_kill(analysis, "MergeOutputs")
    analysis.go_on()
    (record,) = analysis.control("slurm").glob("*.json")
    record.unlink()
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert submitted(run.text) == []
    assert same(analysis.templates(), expected)
    assert started(analysis) == CALLS


@pytest.mark.slow
def test_jobs_are_cancelled(analysis: Analysis) -> None:
    analysis.fault("hold()")
    start_and_kill(analysis, "RunProcessor")
    run = analysis.run("MergeOutputs", *QUICK, "--cancel-jobs")
    assert run.code == 0, run.text
    assert "RunProcessor main: 2 jobs removed from the queue" in run.text
    wait_for(lambda: queue() == [])
    assert not (analysis.checkout.store / "small" / "MergeOutputs" / "main").exists()


@pytest.mark.slow
def test_what_a_site_needs(analysis: Analysis) -> None:
    """Free lines, disk space, a GPU, and commands that jobs begin with."""
    section = {
        "submit": "comment = {seconds} s of mine\nnice = 7\nrequeue",
        "disk": "150",
        "gpus": "1",
        "setup": "export OF_THE_SITE='a b'; echo \"set up: $OF_THE_SITE\"",
    }
    before = set(queue("all"))
    law = analysis.law("RunProcessor", *QUICK, "--runtime", "30min")
    run = analysis.checkout.run(f"{site_settings(section)} {law}")
    assert run.code == 0, run.text
    jobs = set(queue("all")) - before
    assert len(jobs) == 2
    for job in jobs:
        shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
        assert "Comment=1800 s of mine" in shown
        assert "MinTmpDiskNode=150M" in shown
        assert re.search(r"TresPer(Job|Node)=gres[/:]gpu:1", shown), shown
        assert "Requeue=1" in shown
    log = job_logs(analysis.control("slurm"))["stdall_0To1.txt"]
    assert "set up: a b" in log


@pytest.mark.slow
def test_more_than_the_cluster_has_is_refused(analysis: Analysis) -> None:
    for option, words in (("gpus", "Requested node configuration is not available"), ("disk", "node configuration")):
        run = analysis.checkout.run(f"LAW__site_local__{option}=9000 {analysis.law('RunProcessor', *QUICK)}")
        assert run.code != 0
        (sentence,) = run.errors
        assert sentence.startswith("RunProcessor main: no job can be submitted: ")
        assert words in sentence


def test_dry_run_submits_nothing(analysis: Analysis) -> None:
    before = set(queue("all"))
    run = analysis.run("MergeOutputs", *QUICK, "--dry-run")
    assert run.code == 0, run.text
    assert "RunProcessor main: 2 jobs (2 branches, " in run.text
    assert "    #SBATCH --array=0-1\n" in run.text
    assert set(queue("all")) == before
    # Slurm takes what is shown
    (array,) = analysis.control("slurm").glob("dry-run/1/array_*.sh")
    settings = f"SLURM_CONF={os.environ['SLURM_CONF']}"
    analysis.checkout.user.run("env", settings, "sbatch", "--test-only", str(array))


@pytest.mark.slow
def test_refused_submission(analysis: Analysis) -> None:
    run = analysis.run("MergeOutputs", *QUICK, "--slurm-partition", "nowhere")
    assert run.code != 0
    (sentence,) = run.errors
    assert sentence.startswith("RunProcessor main: no job can be submitted: ")
    assert "invalid partition specified: nowhere" in sentence
