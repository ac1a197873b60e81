"""A store of a group, with batch jobs of two accounts: both can work, and neither runs code as the other."""

from __future__ import annotations

import dataclasses
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.law_runner import ROOT, Run
from tests.services.checkout import Analysis, Checkout, copy_analysis, copy_project, site_settings, submitted
from tests.services.conftest import User
from tests.waiting import wait_for

pytestmark = [pytest.mark.root, pytest.mark.slow]

QUICK = "--poll-interval 0.2s --retry-delay 0.5"
CHANGED = "the scripts of the job are not those that were submitted: somebody has changed them"


@pytest.fixture(scope="module")
def group(user: User) -> Iterator[str]:
    """A group of the ordinary user, whose home the other members may pass through."""
    name, home = f"pocketlaw-{secrets.token_hex(4)}", Path(pwd.getpwuid(user.uid).pw_dir)
    mode = stat.S_IMODE(home.stat().st_mode)
    subprocess.run(["groupadd", name], check=True)
    subprocess.run(["usermod", "--append", "--groups", name, home.owner()], check=True)
    home.chmod(0o711)
    yield name
    home.chmod(mode)
    subprocess.run(["groupdel", name], check=True)


@pytest.fixture(scope="module")
def other(group: str) -> Iterator[User]:
    """Another member of the group."""
    name = f"pocketlaw-{secrets.token_hex(4)}"
    subprocess.run([ROOT / ".ci" / "user", name], check=True)
    subprocess.run(["usermod", "--append", "--groups", group, name], check=True)
    entry = pwd.getpwnam(name)
    yield User(entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))
    subprocess.run(["userdel", "--force", "--remove", name], stderr=subprocess.DEVNULL)


@pytest.fixture
def store(group: str) -> Iterator[Path]:
    """An empty store, beside the homes, which jobs see."""
    with tempfile.TemporaryDirectory(dir="/home", prefix="pocketlaw-group-") as folder:
        shutil.chown(folder, group=group)
        Path(folder).chmod(0o2775)
        yield Path(folder)


@pytest.fixture(scope="module")
def checkout_of_other(checkout: Checkout, other: User) -> Checkout:
    environment = (checkout.folder / ".venv").resolve().parent
    return copy_project(other, like=dataclasses.replace(checkout, folder=environment))


@pytest.fixture
def first(checkout: Checkout, store: Path) -> Analysis:
    return copy_analysis(dataclasses.replace(checkout, store=store))


@pytest.fixture
def second(checkout_of_other: Checkout, store: Path) -> Analysis:
    return copy_analysis(dataclasses.replace(checkout_of_other, store=store))


def run(analysis: Analysis, task: str, *options: str) -> Run:
    return analysis.checkout.run(f"umask 002 && {analysis.law(task, *options)}")


def both_work(first: Analysis, second: Analysis, system: str) -> None:
    options = ("--workflow", system, *QUICK.split())
    made = run(first, "MergeOutputs", *options)
    assert made.code == 0, made.text
    assert run(second, "MergeOutputs", *options).executed == []
    branches = first.control(system).parent.rglob("*-*.zip")
    next(branch for branch in branches if branch.name[0] != ".").unlink()
    again = run(second, "MergeOutputs", *options)
    assert again.code == 0, again.text
    assert submitted(again.text) == [1]
    assert run(first, "MergeOutputs", *options).executed == []
    users = first.checkout.user.uid, second.checkout.user.uid
    controls = [first.control(system), first.control(system).with_name(f".{system}-{users[1]}")]
    assert [(each.stat().st_uid, each.stat().st_mode & 0o777) for each in controls] == [(user, 0o700) for user in users]
    assert all(path.stat().st_uid == users[1] for path in controls[1].rglob("*"))


@pytest.mark.htcondor
def test_both_submit_to_htcondor(first: Analysis, second: Analysis, htcondor_pool: list[str]) -> None:
    both_work(first, second, "htcondor")


@pytest.mark.slurm
def test_both_submit_to_slurm(first: Analysis, second: Analysis, slurm_cluster: None) -> None:
    both_work(first, second, "slurm")


def replace_scripts(second: Analysis, control: Path, evidence: Path) -> list[Path]:
    """Let the other account put scripts of its own in the place of those that are queued; return them."""
    scripts = [path for path in control.rglob("*") if path.suffix in (".sh", ".jdl")]
    assert scripts
    attacker = second.checkout.user
    for path in scripts:
        for attempt in (f"echo >{path}", f"rm {path}", f"mv {path} {path}.away"):
            with pytest.raises(AssertionError, match="Permission denied"):
                attacker.run("bash", "-c", attempt)
    # The folder around is the group's, so that anything in it can be renamed.
    attacker.run("mv", str(control), f"{control}.away")
    for path in scripts:
        attacker.run("mkdir", "--parents", str(path.parent))
        path_text = f'#!/bin/bash\ntouch {evidence}-$(id -u)-$LAW_HTCONDOR_JOB_PROCESS\n[ -z "$2" ] || touch $2\n'
        attacker.run("bash", "-c", f"cat >{path} && chmod 755 {path}", text=path_text)
    attacker.run("chmod", "--recursive", "777", str(control))
    return scripts


def ran_as(evidence: Path) -> list[str]:
    """Return the accounts that ran the scripts, with the numbers of jobs on HTCondor."""
    return [path.name.removeprefix(f"{evidence.name}-") for path in evidence.parent.glob(f"{evidence.name}-*")]


def attack(first: Analysis, system: str, **site: str) -> subprocess.Popen[str]:
    """Submit jobs that wait, and are tried again only after the test."""
    command = first.law("RunProcessor", "--workflow", system, "--poll-interval", "0.2s", "--retry-delay", "600")
    return first.checkout.start(f"umask 002 && {site_settings(site)} {command}")


def logs(first: Analysis, system: str) -> list[str]:
    """Return what jobs say, by number."""
    return [path.read_text() for path in sorted(first.control(system).glob("stdall_*.txt"))]


@pytest.mark.htcondor
def test_nobody_runs_code_as_another_on_htcondor(
    first: Analysis, second: Analysis, store: Path, htcondor_pool: list[str]
) -> None:
    evidence, user = store / "evidence", first.checkout.user
    process = attack(first, "htcondor", requirements="PocketlawGo =?= True")
    try:
        wait_for(lambda: len(user.run("condor_q", "-af", "ProcId").split()) == 2)
        scripts = replace_scripts(second, first.control("htcondor"), evidence)
        # The control: the second job doesn't compare its scripts, as it was before.
        (wrapper,) = [path.name for path in scripts if path.name.startswith("htcondor_wrapper")]
        user.run("condor_qedit", "-constraint", "ProcId == 1", "Arguments", f'"{wrapper} _1To2 stdall_1To2.txt"')
        user.run("condor_qedit", "-constraint", "true", "PocketlawGo", "True")
        wait_for(lambda: ran_as(evidence) and any(CHANGED in log for log in logs(first, "htcondor")))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        subprocess.run(user.command("condor_rm", "-all"), capture_output=True)
    assert ran_as(evidence) == [f"{user.uid}-1"]
    assert CHANGED in logs(first, "htcondor")[0]


def slurm(*command: str) -> str:
    """Run a command of Slurm, and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.slurm
def test_nobody_runs_code_as_another_on_slurm(
    first: Analysis, second: Analysis, store: Path, slurm_cluster: None
) -> None:
    evidence, user = store / "evidence", first.checkout.user
    process = attack(first, "slurm", submit="hold =")
    try:
        wait_for(lambda: len(slurm("squeue", "--noheader", "--array", "--format=%i").split()) == 2)
        scripts = replace_scripts(second, first.control("slurm"), evidence)
        slurm("scontrol", "release", slurm("squeue", "--noheader", "--format=%F").split()[0])
        wait_for(lambda: len(logs(first, "slurm")) == 2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        slurm("scancel", f"--user={user.uid}")
    assert all(CHANGED in log for log in logs(first, "slurm"))
    assert ran_as(evidence) == []
    # The control: what the job would have run, had it not compared its scripts.
    user.run("bash", next(str(path) for path in scripts if path.name.startswith("slurm_job")))
    assert ran_as(evidence) == [f"{user.uid}-"]
    again = run(first, "RunProcessor", "--workflow", "slurm", *QUICK.split())
    assert again.code == 0, again.text


def test_a_folder_of_another_is_refused(first: Analysis, second: Analysis) -> None:
    made = first.checkout.run(f"umask 002 && law run BuildDatasets --version v1 --analysis {first.folder}")
    assert made.code == 0, made.text
    shown = run(first, "RunProcessor", "--workflow", "slurm", "--dry-run")
    assert shown.code == 0, shown.text
    control, attacker = first.control("slurm"), second.checkout.user
    # Both names that the user would take belong to the other one.
    shutil.rmtree(control)
    for name in (control, control.with_name(f".slurm-{first.checkout.user.uid}")):
        attacker.run("mkdir", "--mode=777", str(name))
    refused = run(first, "RunProcessor", "--workflow", "slurm", "--dry-run")
    assert refused.code != 0
    assert f".slurm-{first.checkout.user.uid} belongs to somebody else" in refused.errors[-1]
