"""Jobs from the repository of an analysis, whose environment has the wheel, on a real HTCondor pool."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.checkout import Checkout, make_folder, own, submitted
from tests.services.conftest import User
from tests.wheel.conftest import wheel

__all__ = ["wheel"]

pytestmark = [pytest.mark.htcondor, pytest.mark.slow, pytest.mark.usefixtures("htcondor_pool")]

#: all branches are one job
ALWAYS = ("--params", "toys.scale=0.004", "--cores", "1")
HTCONDOR = ("--workflow", "htcondor", "--tasks-per-job", "9", "--poll-interval", "0.2s")


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> str:
    """How jobs get code and packages."""
    return str(request.param)


@pytest.fixture
def repository(user: User, checkout: Checkout, wheel: Path, environment: str) -> Iterator[Checkout]:
    """The repository of an analysis, which jobs see if they share it, with a store that all jobs see."""
    # Below /tmp a job has a folder of its own.
    place = None if environment == "bundle" else user.folder
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        folder = Path(temporary, "a folder")
        folder.mkdir()
        shutil.copy(wheel, temporary)
        own(Path(temporary), user)
        source = shlex.quote(f"{temporary}/{wheel.name}")
        made = checkout.run(f"cd {shlex.quote(str(folder))} && pocketlaw new muons --source {source}")
        assert made.code == 0, made.text
        yield Checkout(user, folder / "muons", make_folder(user, user.folder / f"outputs of muons {environment}"))


def templates(repository: Checkout, version: str) -> bytes:
    """Return the merged templates as they are on disk."""
    (folder,) = (repository.store / "muons" / "MergeOutputs" / "main" / version).iterdir()
    return (folder / "histograms.h5").read_bytes()


def law(version: str, *options: str) -> str:
    """Return the command that makes the templates."""
    return " ".join(["law", "run", "MergeOutputs", "--version", version, *ALWAYS, *options])


@pytest.mark.parametrize("environment", ["bundle", "shared"], indirect=True)
def test_jobs_of_a_repository(repository: Checkout, environment: str) -> None:
    here = repository.run(law("here"))
    assert here.code == 0, here.text
    there = repository.run(law("there", *HTCONDOR, "--environment", environment))
    assert there.code == 0, there.text
    assert submitted(there.text) == [1]
    assert templates(repository, "there") == templates(repository, "here")
