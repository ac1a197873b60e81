"""Edits of the mutation table: each finds what it edits in the checkout as it is, which a moved function ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tasks.mutations.clones import Clone
from tests.tasks.mutations.rows_of_the_engine import ENGINE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, which the edits change one after the other."""
    return Clone.make(tmp_path_factory.mktemp("clone") / "a checkout", tmp_path_factory.mktemp("store")).folder


def test_each_edit_changes_one_file(folder: Path) -> None:
    changed: dict[str, int | str] = {}
    before = texts(folder)
    for row in ENGINE[1:]:
        try:
            row.edit(folder)
        except Exception as error:
            changed[row.name] = repr(error)
            continue
        after = texts(folder)
        if (number := sum(before[file] != after[file] for file in before)) != 1:
            changed[row.name] = number
        before = after
    assert changed == {}


def texts(folder: Path) -> dict[Path, str]:
    return {file: file.read_text() for end in ("py", "yaml") for file in folder.rglob(f"*.{end}")}
