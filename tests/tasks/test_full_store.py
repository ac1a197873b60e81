"""A store on a small file system, which fills up while a task writes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket.io.store import is_complete
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.skimming import SkimEvents
from tasks.framework.base import StoreTask
from tests.tasks.chain.test_skimming import skim
from tests.tasks.small_chain import Chain, unfinished

pytestmark = [pytest.mark.slow, pytest.mark.root]


@pytest.fixture
def folder(chain: Chain) -> Iterator[Path]:
    """A folder for the outputs of one task, on a file system of its own."""
    folder = chain.store / "mounted"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def outputs(folder: Path) -> list[Path]:
    """Return the outputs below a folder, without hidden ones."""
    found = [*(path.parent for path in folder.rglob("manifest.json")), *folder.rglob("*.zip")]
    return [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]


@pytest.mark.parametrize(
    ("task", "kilobytes"),
    [(RunProcessor, 4), (RunProcessor, 12), (MergeOutputs, 12), (PlotTemplates, 16), (SkimEvents, 4), (SkimEvents, 16)],
)
def test_full_store(chain: Chain, folder: Path, task: type[StoreTask], kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", folder], check=True)
    place = chain.store / "small" / task.__name__
    if place.exists():
        place.rename(chain.folder / "before")
    place.symlink_to(folder)
    if task is SkimEvents:
        skim(chain, '{"main": Skim(config="main")}')
    error = chain.error(task, config="main")
    assert error.startswith("can't write ")
    assert "in the store: No space left on device" in error
    assert unfinished(chain.store) == []
    assert all(map(is_complete, outputs(folder)))

    subprocess.run(["mount", "-o", "remount,size=50m", folder], check=True)
    chain.build(task, config="main")
    assert outputs(folder)
    assert all(map(is_complete, outputs(folder)))
