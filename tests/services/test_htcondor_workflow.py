"""Workflows on a real HTCondor pool, and what goes wrong there.

What is the same on all batch systems is asked of one of them: here, of Slurm (``test_slurm_workflow.py``), or of the
simulated ones in ``tests/tasks/batch``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.io.store import is_complete
from tasks.batch.htcondor import BRANCHES, CONTROL
from tests.grid import write_proxy
from tests.law_runner import job_logs
from tests.services.checkout import Analysis, own, same, site_settings, submitted
from tests.services.conftest import User
from tests.tasks.small_chain import contents
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool")]

QUICK = ("--workflow", "htcondor", "--poll-interval", "0.2s", "--retry-delay", "0.5")
Templates = dict[str, np.ndarray]
OURS = f"{CONTROL} =!= undefined"


@pytest.fixture(scope="module", autouse=True)
def _nothing_of_other_files(user: User) -> None:
    """Remove what tests of other files left in the queue, such as jobs on hold whose folder is gone."""
    subprocess.run(user.command("condor_rm", "-constraint", OURS), capture_output=True)
    wait_for(lambda: queue(user) == [])


@pytest.fixture(autouse=True)
def _nothing_left(analysis: Analysis) -> Iterator[None]:
    yield
    subprocess.run(analysis.checkout.user.command("condor_rm", "-constraint", OURS), capture_output=True)


def queue(user: User) -> list[dict[str, Any]]:
    """Return the jobs in the queue."""
    wanted = f"ClusterId,ProcId,JobStatus,RequestMemory,HoldReason,{CONTROL}"
    asked = ("condor_q", "-json", "-constraint", OURS, "-attributes", wanted)
    found: list[dict[str, Any]] = json.loads(user.run(*asked) or "[]")
    return found


def schedd_start() -> str:
    """Return when the schedd was started, as the pool knows; empty while it knows of none."""
    asked = ["condor_status", "-schedd", "-af", "DaemonStartTime"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def started(analysis: Analysis) -> int:
    """Return how often the cut was called."""
    return len(list(analysis.attempts.iterdir()))


def test_gives_the_same_templates(analysis: Analysis, expected: Templates) -> None:
    """Each job has a private copy of the proxy of who submits."""
    proxy = own(write_proxy(analysis.checkout.user.folder / "proxy", 4 * 3600), analysis.checkout.user)
    mine, found = "os.environ['X509_USER_PROXY']", "(mine != theirs, os.stat(mine).st_mode & 0o777, open(mine).read())"
    analysis.fault(f"mine, theirs = {mine}, {str(proxy)!r}; assert {found} == (True, 0o600, open(theirs).read())")
    more = ("--workers", "2", "--events-per-branch", "1000", "--branches-per-merge", "3", "--proxy", str(proxy))
    run = analysis.run("MergeOutputs", *QUICK, *more)
    assert run.code == 0, run.text
    assert started(analysis) == 4
    # RunProcessor has more branches than the local one had, so sums are added in another order
    found = analysis.templates()
    assert found.keys() == expected.keys()
    for name, view in expected.items():
        for field in ("value", "variance"):
            np.testing.assert_allclose(found[name][field], view[field], rtol=1e-12)
    assert submitted(run.text) == [4, 2]
    assert "4 of 4 jobs done" in run.text
    # with all their logs, and nothing that nobody needs any more
    control = analysis.control("htcondor")
    logs = job_logs(control).values()
    assert len(logs) == 4
    assert not list(control.glob("stdall_*.txt"))
    # law loads the analysis once in each
    assert all(log.count("left out: law would start twice") == 1 and "1 > BuildDatasets" not in log for log in logs)
    assert not (control / "submissions").exists()
    assert queue(analysis.checkout.user) == []
    # complete, in whatever way it was made
    assert analysis.run("MergeOutputs", "--events-per-branch", "1000").executed == []


@pytest.mark.slow
def test_a_part_of_the_datasets(analysis: Analysis) -> None:
    limited = ("--limit-chunks", "1", "--chunk-size", "500", "--filter-samples", "DYJetsToMuMu")
    run = analysis.run("MergeOutputs", *QUICK, *limited)
    assert run.code == 0, run.text
    # jobs made what a run on this machine looks for
    assert analysis.run("MergeOutputs", *limited).executed == []
    assert len(list(analysis.checkout.store.rglob("MergeOutputs/*/v1.limited/*/manifest.json"))) == 1


@pytest.mark.slow
def test_job_on_hold_for_memory_gets_more(analysis: Analysis, expected: Templates) -> None:
    # what a pool does that watches its jobs
    analysis.fault("number or hold()")
    process = analysis.checkout.start(analysis.law("MergeOutputs", *QUICK, "--memory", "300"))
    wait_for(lambda: started(analysis) > 1)
    # the other one is quick
    wait_for(lambda: [job["JobStatus"] for job in queue(analysis.checkout.user)] == [2])
    (running,) = queue(analysis.checkout.user)
    hold = ["condor_hold", "-reason", "memory usage exceeded request_memory", "-subcode", "102"]
    analysis.checkout.user.run(*hold, f"{running['ClusterId']}.{running['ProcId']}")
    text, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, text
    assert "needed more memory: memory usage exceeded request_memory" in text
    assert same(analysis.templates(), expected)
    history = ("condor_history", "-constraint", OURS, "-limit", "3", "-af", "RequestMemory")
    assert sorted(analysis.checkout.user.run(*history).split()) == ["300", "300", "600"]
    # nothing stays on hold
    assert queue(analysis.checkout.user) == []


@pytest.mark.slow
def test_job_that_always_fails_is_given_up(analysis: Analysis) -> None:
    analysis.fault("if kwargs['isMC']: raise ValueError(f'attempt {number} was in vain')")
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code != 0
    (sentence,) = run.errors
    assert sentence.startswith("RunProcessor main: 1 of 2 jobs failed for good; the first is of branch 0: ")
    assert "cut 'leading_muon' failed in " in sentence
    assert re.search(r"ValueError: attempt \d+ was in vain", sentence)
    log = sentence.rpartition("(log: ")[2].rstrip(")")
    assert log == str(analysis.control("htcondor") / "stdall_0To1.txt")
    assert "was in vain" in Path(log).read_text()
    # the same error a second time is enough; the other job is done
    assert submitted(run.text) == [2, 1]
    assert queue(analysis.checkout.user) == []


@pytest.mark.slow
def test_jobs_of_a_lost_record_are_found(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("hold()")
    process = analysis.checkout.start(analysis.law("MergeOutputs", *QUICK))
    wait_for(lambda: started(analysis))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (record,) = analysis.control("htcondor").glob("*.json")
    record.unlink()
    analysis.go_on()
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert sum(submitted(run.text)) <= 1
    assert same(analysis.templates(), expected)


@pytest.mark.slow
def test_two_submit_at_once(analysis: Analysis, expected: Templates) -> None:
    command = analysis.law("MergeOutputs", *QUICK)
    runs = [analysis.checkout.start(command) for _ in range(2)]
    texts = [run.communicate(timeout=PATIENCE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    assert same(analysis.templates(), expected)
    assert analysis.run("MergeOutputs").executed == []


@pytest.mark.slow
def test_jobs_are_cancelled(analysis: Analysis) -> None:
    analysis.fault("hold()")
    process = analysis.checkout.start(analysis.law("RunProcessor", *QUICK))
    wait_for(lambda: started(analysis))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    # of the workflow behind the task, and that task doesn't run
    run = analysis.run("MergeOutputs", *QUICK, "--cancel-jobs")
    assert run.code == 0, run.text
    assert "RunProcessor main: 2 jobs removed from the queue" in run.text
    wait_for(lambda: queue(analysis.checkout.user) == [])
    assert not (analysis.checkout.store / "small" / "MergeOutputs" / "main").exists()


@pytest.mark.slow
def test_schedd_is_restarted(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("hold()")
    process = analysis.checkout.start(analysis.law("MergeOutputs", *QUICK))
    wait_for(lambda: started(analysis))
    before = schedd_start()
    assert before
    subprocess.run(["condor_restart", "-schedd"], check=True, capture_output=True)
    wait_for(lambda: schedd_start() not in ("", before))
    analysis.go_on()
    text, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, text
    assert same(analysis.templates(), expected)


@pytest.mark.slow
def test_a_job_that_a_person_holds_is_left_alone(analysis: Analysis, expected: Templates) -> None:
    analysis.fault("if kwargs['isMC']: hold()")
    process = analysis.checkout.start(analysis.law("MergeOutputs", *QUICK))
    wait_for(lambda: started(analysis))
    branches = f'{OURS} && {BRANCHES} == "_0To1"'
    (job,) = analysis.checkout.user.run("condor_q", "-constraint", branches, "-af:j", "ClusterId").split()[:1]
    analysis.checkout.user.run("condor_hold", job)
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lines.extend, args=(iter(process.stdout.readline, ""),))
    reader.start()
    sentence = f"job {job} is on hold, because somebody said so, and left alone"
    held = 5
    analysis.go_on()
    # The other job is done meanwhile.
    wait_for(
        lambda: (
            [ad["JobStatus"] for ad in queue(analysis.checkout.user)] == [held]
            and any(sentence in line for line in lines)
        )
    )
    analysis.checkout.user.run("condor_release", job)
    process.wait(timeout=PATIENCE)
    reader.join()
    process.stdout.close()
    text = "".join(lines)
    assert process.returncode == 0, text
    assert submitted(text) == [2]
    assert same(analysis.templates(), expected)


@pytest.mark.slow
def test_a_job_killed_while_it_copies_its_output(analysis: Analysis, expected: Templates) -> None:
    """It has filled the output in its own folder, and is about to copy it as one file when it is killed."""
    analysis.fault(
        "def kill(event, arguments):\n"
        "        import glob\n"
        "        if event == 'open' and '.tmp-' in str(arguments[0]) and str(arguments[0]).endswith('.packed.zip'):\n"
        "            if glob.glob('tmp/pocketlaw-*/raw.h5'):\n"
        "                os.kill(os.getpid(), signal.SIGKILL)\n"
        "    if number == 0:\n"
        "        sys.addaudithook(kill)"
    )
    run = analysis.run("MergeOutputs", *QUICK)
    assert run.code == 0, run.text
    assert submitted(run.text) == [2, 1]
    assert same(analysis.templates(), expected)
    (fingerprint,) = (analysis.checkout.store / "small" / "RunProcessor" / "main" / "v1").glob("[!.]*")
    (left,) = fingerprint.glob("*/.*.tmp-*")
    # what it left is hidden
    output = left.with_name(left.name[1:].partition(".tmp-")[0])
    assert contents(left) == {}
    outputs = list(fingerprint.glob("[!.]*/[!.]*.zip"))
    assert sorted(path.name for path in output.parent.iterdir()) == sorted([left.name, output.name])
    assert len(outputs) == 2
    assert all(is_complete(path) for path in outputs)


@pytest.mark.slow
def test_a_node_that_ignores_the_image(analysis: Analysis) -> None:
    """As the pool of the tests does, which has no Apptainer."""
    run = analysis.run("RunProcessor", *QUICK, "--container", "/cvmfs/image", "--branches", "0")
    assert run.code != 0
    (sentence,) = run.errors
    assert "didn't start the job in the container /cvmfs/image: choose nodes that have Apptainer" in sentence


@pytest.mark.slow
def test_jobs_use_the_packages_of_the_image(analysis: Analysis, expected: Templates) -> None:
    """Jobs have the variables that an image sets, and packages on its PATH; who submits has .venv."""
    path = f"{analysis.checkout.folder}/.venv/bin:/usr/bin:/bin"
    line = f'environment = "APPTAINER_CONTAINER=/cvmfs/image POCKET_ENVIRONMENT=system PATH={path}"'
    settings = site_settings({"submit": line})
    run = analysis.checkout.run(f"{settings} {analysis.law('MergeOutputs', *QUICK, '--container', '/cvmfs/image')}")
    assert run.code == 0, run.text
    assert same(analysis.templates(), expected)
    logs = job_logs(analysis.control("htcondor")).values()
    assert len(logs) == 2
    # setup.sh put the command law before it, and no .venv of the snapshot
    assert all(re.search(rf"\nPATH           : \S+/tasks/command/bin:{re.escape(path)}\n", log) for log in logs)


@pytest.mark.slow
def test_what_a_site_needs(analysis: Analysis) -> None:
    """Free lines, disk space, a GPU, requirements, and commands that jobs begin with; what jobs could ask for."""
    section = {
        "submit": '+ProjectName = "of_mine"\n+SecondsOfMine = {seconds}',
        "disk": "150",
        "gpus": "1",
        "requirements": "TARGET.Cpus > 0",
        "setup": "export OF_THE_SITE='a b'; echo \"set up: $OF_THE_SITE\"",
    }
    law = analysis.law("RunProcessor", *QUICK, "--runtime", "30min", "--memory", "8GB")
    run = analysis.checkout.run(f"{site_settings(section)} {law}")
    assert run.code == 0, run.text
    assert re.search(
        r"^RunProcessor main: a branch took up to \d+ MB and \d+ s; --memory \d+MB", run.text, re.MULTILINE
    )
    control = analysis.control("htcondor")
    assert "Job submitted from host" in (control / "jobs.log").read_text()
    # law's log has the streams of jobs
    assert [*control.glob("job_*")] == []
    ours = ("-constraint", f'{CONTROL} == "{control}"', "-limit", "1")
    asked = ("-af", "ProjectName", "SecondsOfMine", "RequestDisk", "RequestGPUs")
    found = analysis.checkout.user.run("condor_history", *ours, *asked).split()
    assert found == ["of_mine", "1800", str(150 * 1024), "1"]
    assert "set up: a b" in job_logs(control)["stdall_0To1.txt"]


def test_dry_run_submits_nothing(analysis: Analysis) -> None:
    run = analysis.run("MergeOutputs", *QUICK, "--dry-run")
    assert run.code == 0, run.text
    assert "RunProcessor main: 2 jobs (2 branches, " in run.text
    assert queue(analysis.checkout.user) == []
    control = analysis.control("htcondor")
    assert [path.name for path in control.iterdir()] == ["dry-run"]
    # HTCondor takes what is shown, from the folder of the files
    submit = f"cd {control}/dry-run/1 && condor_submit -dry-run /dev/null htcondor_job.jdl"
    assert "2 job(s) dry-run" in analysis.checkout.user.run("bash", "-c", submit)
