"""Pages that begin with nothing, walked as they are written.

What begins where a tutorial ends is in ``test_how_to.py``, so that both run at the same time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import ROOT, is_walked, read_blocks, read_marks
from tests.walk import reader_of

pytestmark = pytest.mark.slow

PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if is_walked(page) and not read_marks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_and_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    with reader_of(page, tmp_path, pictures=pictures) as reader:
        differences = reader.walk(page)
    assert not differences, "\n".join(differences)
    shown = {block.title for block in read_blocks(page) if block.kind == "picture"}
    assert {path.name for path in pictures.glob("*.png")} == shown
