"""The study with its chain run to the end, once for all modules of the mutation table.

The study is no module of tests: its files are written where it is copied to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tasks.mutations.table import enter, finish
from tests.tasks.mutations.world import ENVIRONMENT, World, restore

collect_ignore = ["study"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """The study with its chain run to the end, and a copy of its folder."""
    yield finish(tmp_path_factory.mktemp("mutations"))
    Path(ENVIRONMENT["STUDY_SHARED"]).unlink()


@pytest.fixture
def world(finished: tuple[World, Path], monkeypatch: pytest.MonkeyPatch) -> World:
    """The study as it was when its chain had run."""
    world, copy = finished
    restore(copy, world.folder)
    enter(monkeypatch, world.folder)
    return world
