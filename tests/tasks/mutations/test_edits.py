"""Edits of the mutation table: each finds what it edits in the checkout as it is, which a moved function ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tasks.mutations.clones import Clone
from tests.tasks.mutations.rows_of_the_engine import ENGINE, EngineRow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, which the edits change one after the other."""
    return Clone.make(tmp_path_factory.mktemp("clone") / "a checkout", tmp_path_factory.mktemp("store")).folder


@pytest.mark.parametrize("row", ENGINE[1:], ids=lambda row: row.name.replace(" ", "-"))
def test_edit_changes_one_file(folder: Path, row: EngineRow) -> None:
    before = texts(folder)
    row.edit(folder)
    after = texts(folder)
    assert sum(before[file] != after[file] for file in before) == 1


def texts(folder: Path) -> dict[Path, str]:
    return {file: file.read_text() for end in ("py", "yaml") for file in folder.rglob(f"*.{end}")}
