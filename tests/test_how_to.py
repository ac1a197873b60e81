"""Pages that begin where a tutorial ends, walked as they are written; all share one run of its chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.pages import ROOT, beginning_of, is_walked
from tests.walk import reader_of

pytestmark = pytest.mark.slow

PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if is_walked(page) and beginning_of(page))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """What all pages begin with is kept here."""
    with TemporaryDirectory(prefix="walk-") as temporary:
        yield Path(temporary)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_and_prints_what_it_shows(page: Path, folder: Path) -> None:
    with reader_of(page, folder) as reader:
        differences = reader.walk(page)
    assert not differences, "\n".join(differences)
