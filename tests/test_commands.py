"""Pages of which only the commands are run, and the tutorial that they begin with; all share one run of its chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.pages import ROOT, beginning_of, page_of, pages_with_commands, read_blocks
from tests.walk import keep, reader_of

pytestmark = pytest.mark.slow

#: those that have something to run
COMMANDS = [
    page
    for page in pages_with_commands()
    if any(block.is_executed and block.kind == "shell" for block in read_blocks(page))
]
FIRST = {page_of(beginning_of(page)) for page in COMMANDS}


def distance(page: Path) -> int:
    """Return how many pages one has to walk before a page."""
    before = beginning_of(page)
    return 1 + distance(page_of(before)) if before else 0


def order(page: Path) -> tuple[int, Path]:
    """Return what pages are sorted by: those that others begin with go first."""
    return distance(page), page


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """What pages begin with is kept here."""
    with TemporaryDirectory(prefix="walk-") as temporary:
        yield Path(temporary)


@pytest.mark.parametrize("page", sorted(FIRST.union(COMMANDS), key=order), ids=named)
def test_a_page_does_and_prints_what_it_shows(page: Path, folder: Path, tmp_path: Path) -> None:
    with reader_of(page, folder, pictures=tmp_path) as reader:
        differences = reader.walk(page)
        if page in FIRST:
            keep(reader, folder, page.stem)
    assert not differences, "\n".join(differences)
    pictures = {block.title for block in read_blocks(page) if block.kind == "picture"}
    assert {path.name for path in tmp_path.iterdir()} == pictures
