"""One fingerprint of all shipped configurations wherever, by whom and in which Python they are run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pocket.configuration.loading import available_analyses
from tests.tasks.mutations.clones import Clone

pytestmark = pytest.mark.slow

ANALYSES = available_analyses()
#: names another Python that has the locked packages
VARIABLE = "POCKET_OTHER_PYTHON"
NOBODY = 65534


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that all users can read, which those of pytest aren't."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def other_python() -> tuple[str, str] | None:
    """Return another Python with the locked packages and its version, if there is one.

    That is the one that ``$POCKET_OTHER_PYTHON`` names, or that of the checkout in which an ordinary user runs the
    tests of batch systems, which setup.sh has made for the Python of the system.
    """
    named = os.environ.get(VARIABLE)
    environments = Path(home).glob(".cache/*/.venv/bin/python") if (home := _home("pocketlaw")) else ()
    for python in (named, *map(str, sorted(environments))):
        if python and os.access(python, os.X_OK):
            command = [python, "-c", "import sys, law, coffea; print(*sys.version_info[:2], sep='.')"]
            found = subprocess.run(command, capture_output=True, text=True)
            if found.returncode == 0:
                return python, found.stdout.strip()
    return None


def _home(user: str) -> str | None:
    try:
        return pwd.getpwnam(user).pw_dir
    except KeyError:
        return None


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """What different clones say, by what is different; all of them are asked at the same time."""
    one = Clone.make(folder / "one", folder / "store", variables={"PYTHONHASHSEED": "1"})
    clones = {
        "": one,
        "place": Clone.make(folder / "a space" / "two", folder / "another store", variables={"PYTHONHASHSEED": "2"}),
    }
    if found := other_python():
        python, _ = found
        clones["python"] = Clone(one.folder, folder / "store of the other Python", python=python)
        if os.geteuid() == 0 and shutil.which("setpriv"):
            store = folder / "store of another user"
            store.mkdir()
            os.chown(store, NOBODY, NOBODY)
            ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            wrapper = ("setpriv", *ids, "--inh-caps=-all")
            home = {"HOME": str(store), "USER": "nobody"}
            clones["user"] = Clone(one.folder, store, python=python, wrapper=wrapper, variables=home)
    with ExitStack() as stack:
        asked = {name: stack.enter_context(clone.asked()) for name, clone in clones.items()}
        for questions in asked.values():
            questions.send(*ANALYSES)
        return {name: questions.answer() for name, questions in asked.items()}


def test_all_tasks_are_there(answers: dict[str, dict[str, dict[str, str]]]) -> None:
    assert set(answers[""]) == set(ANALYSES) >= {"zmumu", "ttbar"}
    families = {name.partition(" ")[0] for tasks in answers[""].values() for name in tasks}
    assert {"BuildDatasets", "RunProcessor", "MergeOutputs", "ComputeScaleFactors", "PlotTemplates"} <= families
    folders = [folder for tasks in answers[""].values() for folder in tasks.values()]
    assert len(folders) > 80
    assert all(len(folder.split("/")[-1]) == 12 for folder in folders)


@pytest.mark.parametrize("what", ["place", "python", "user"])
def test_the_same_everywhere(answers: dict[str, dict[str, dict[str, str]]], what: str) -> None:
    if what not in answers:
        pytest.skip(f"needs another Python with the locked packages that others may run: name it in {VARIABLE}")
    for analysis in ANALYSES:
        here, there = answers[""][analysis], answers[what][analysis]
        assert {name: folder for name, folder in here.items() if there[name] != folder} == {}
