"""Jobs from the repository of an analysis, whose environment has the wheel, on a real HTCondor pool."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.checkout import Checkout, make_folder, own, site_settings, submitted
from tests.services.conftest import HIDDEN, User
from tests.wheel.conftest import wheel

__all__ = ["wheel"]

pytestmark = [pytest.mark.htcondor, pytest.mark.slow, pytest.mark.usefixtures("htcondor_pool")]

#: all branches are one job
ALWAYS = ("--params", "toys.scale=0.004", "--cores", "1")
HTCONDOR = ("--workflow", "htcondor", "--tasks-per-job", "9", "--poll-interval", "0.2s")


@pytest.fixture
def repository(user: User, checkout: Checkout, wheel: Path) -> Iterator[Checkout]:
    """The repository of an analysis, in a folder whose path has a space, and a store elsewhere."""
    with tempfile.TemporaryDirectory(dir=user.folder) as temporary:
        folder = Path(temporary, "a folder")
        folder.mkdir()
        shutil.copy(wheel, temporary)
        own(Path(temporary), user)
        source = shlex.quote(f"{temporary}/{wheel.name}")
        made = checkout.run(f"cd {shlex.quote(str(folder))} && pocketlaw new muons --source {source}")
        assert made.code == 0, made.text
        yield Checkout(user, folder / "muons", make_folder(user, user.folder / "outputs of muons"))


def templates(repository: Checkout, version: str) -> bytes:
    """Return the merged templates as they are on disk."""
    (folder,) = (repository.store / "muons" / "MergeOutputs" / "main" / version).iterdir()
    return (folder / "histograms.h5").read_bytes()


def law(version: str, *options: str) -> str:
    """Return the command that makes the templates."""
    return " ".join(["law", "run", "MergeOutputs", "--version", version, *ALWAYS, *options])


def test_jobs_of_a_repository(repository: Checkout) -> None:
    """Jobs share it, or see nothing of it and have a bundle."""
    here = repository.run(law("here"))
    assert here.code == 0, here.text
    hidden = repository.folder.parents[1]
    section = {"submit": f'+{HIDDEN} = "{hidden}"', "setup": f'[ -z "$(ls {hidden})" ]'}
    for environment, settings in {"shared": "", "bundle": site_settings(section)}.items():
        there = repository.run(f"{settings} {law(environment, *HTCONDOR, '--environment', environment)}")
        assert there.code == 0, f"{environment}: {there.text}"
        assert submitted(there.text) == [1], environment
        assert templates(repository, environment) == templates(repository, "here"), environment
