"""The mutation table: what each edit of the study's code and parameters makes run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import PocketError
from tests.tasks.mutations.row import Row
from tests.tasks.mutations.rows_of_code import DYNAMIC, IDIOMS, UNCHANGED
from tests.tasks.mutations.rows_of_configurations import FILLED, SCALE_FACTORS, SELECTIONS
from tests.tasks.mutations.rows_of_files import PARAMETERS, READ
from tests.tasks.mutations.table import check_row, enter, needless_rows
from tests.tasks.mutations.world import World, restore

TABLE = [*UNCHANGED, *IDIOMS, *DYNAMIC, *SELECTIONS, *FILLED, *SCALE_FACTORS, *PARAMETERS, *READ]
#: rows that only edit something, and must change nothing; in an order in which no edit undoes an earlier one
QUIET = [row for row in reversed(TABLE) if row == Row(row.name, row.edit) and row.name not in needless_rows()]


@pytest.fixture(scope="module")
def quiet(finished: tuple[World, Path]) -> frozenset[str]:
    """Names of rows that change nothing, because all of these edits together don't; there may be none."""
    world, copy = finished
    restore(copy, world.folder)
    made = set()
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, world.folder)
        for row in QUIET:
            try:
                row.edit(world)
            # another edit has left nothing of what it replaces: it is looked at by itself
            except AssertionError:
                continue
            made.add(row.name)
        try:
            return frozenset() if world.incomplete() else frozenset(made)
        except PocketError:
            return frozenset()


@pytest.mark.parametrize("row", [row for row in TABLE if row in QUIET], ids=lambda row: row.name.replace(" ", "-"))
def test_row_that_changes_nothing(quiet: frozenset[str], row: Row, request: pytest.FixtureRequest) -> None:
    if row.name not in quiet:
        check_row(request.getfixturevalue("world"), row, request.getfixturevalue("monkeypatch"))


@pytest.mark.parametrize("row", [row for row in TABLE if row not in QUIET], ids=lambda row: row.name.replace(" ", "-"))
def test_row(world: World, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    check_row(world, row, monkeypatch)


def test_rows_that_change_nothing_are_looked_at_together(quiet: frozenset[str]) -> None:
    assert len(quiet) > len(QUIET) // 2
