"""Pages that begin with nothing, walked as they are written.

What begins where a tutorial ends is in ``test_how_to.py``, so that both run at the same time; a tutorial that pages of
``test_commands.py`` begin with is walked there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import ROOT, beginning_of, is_walked, read_blocks
from tests.test_commands import FIRST
from tests.walk import reader_of

pytestmark = pytest.mark.slow

WALKED = {page for page in (ROOT / "docs").rglob("*.md") if is_walked(page) and not beginning_of(page)}
PAGES = sorted(WALKED - FIRST)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_and_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    with reader_of(page, tmp_path, pictures=pictures) as reader:
        differences = reader.walk(page)
    assert not differences, "\n".join(differences)
    shown = {block.title for block in read_blocks(page) if block.kind == "picture"}
    assert {path.name for path in pictures.glob("*.png")} == shown
