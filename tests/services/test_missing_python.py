"""Nodes without the Python of who submits: jobs install nothing, and say what is missing."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.services.checkout import Checkout, copy_analysis, copy_project, make_folder, own
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool")]


def own_environment(here: Checkout) -> Path:
    """Give a checkout an environment of its own that has the packages of another one, and return it."""
    environment = here.folder / ".venv"
    shared = environment.resolve()
    environment.unlink()
    shutil.copytree(shared / "bin", environment / "bin", symlinks=True)
    (environment / "lib").symlink_to(shared / "lib")
    shutil.copy(shared / "pyvenv.cfg", environment)
    # what setup.sh knows it by
    stamp = (shared / ".pocketlaw").read_text()
    (environment / ".pocketlaw").write_text(stamp.replace(str(shared), str(environment.resolve())))
    own(environment, here.user)
    return environment


def state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return what the files and links of a folder are."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        target = str(path.readlink()) if path.is_symlink() else ""
        found[str(path)] = (status.st_ino, status.st_mtime_ns, target)
    return found


@pytest.mark.slow
def test_node_without_the_python_of_the_submitter(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(checkout.user, checkout.user.folder / "nodes")
    here = copy_project(checkout.user, folder / "checkout", like=checkout)
    environment = own_environment(here)
    analysis = copy_analysis(here, folder)
    waits, go = folder / "waits", folder / "go"
    # a job begins with the set-up commands of its site: there it waits until its node is as it shall be
    setup = f"touch {shlex.quote(str(waits))}; while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.1; done"
    monkeypatch.setenv("LAW__site_local__setup", setup)
    quick = ("--workflow", "htcondor", "--poll-interval", "0.2s", "--retry-delay", "0.5", "--retries", "0")
    process = here.start(analysis.law("RunProcessor", *quick))
    wait_for(lambda: waits.exists() or process.poll() is not None)
    python = environment / "bin" / "python"
    target = python.readlink()
    for link in (environment / "bin").glob("python*"):
        if link.is_symlink():
            link.unlink()
            link.symlink_to("/gone/python3")
    before = state(environment)
    go.touch()
    text, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, text
    (sentence,) = {line for line in text.splitlines() if line.startswith("error: ")}
    assert f"can't run the Python of {here.folder}/.venv, /gone/python3: choose nodes or a container" in sentence
    assert "Traceback" not in text
    # neither moved aside nor made anew
    assert state(environment) == before
    assert not (here.folder / ".law" / "venv.before").exists()
    # where it is there, the same command goes on
    for link in (environment / "bin").glob("python*"):
        if link.is_symlink():
            link.unlink()
            link.symlink_to(target)
    run = analysis.run("RunProcessor", *quick, "--retries", "1")
    assert run.code == 0, run.text
