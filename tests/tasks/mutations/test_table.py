"""The mutation table: what each edit of the study's code and parameters makes run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import PocketError
from tasks.chain.processing import RunProcessor
from tests.tasks.mutations.row import CORRECTED, MAIN, NOTHING, Row
from tests.tasks.mutations.rows_of_code import DYNAMIC, IDIOMS, UNCHANGED
from tests.tasks.mutations.rows_of_configurations import FILLED, SCALE_FACTORS, SELECTIONS
from tests.tasks.mutations.rows_of_files import PARAMETERS, READ, REFUSED
from tests.tasks.mutations.table import check_row, enter, needless_rows
from tests.tasks.mutations.world import World, restore

pytestmark = pytest.mark.slow

TABLE = [*UNCHANGED, *IDIOMS, *DYNAMIC, *SELECTIONS, *FILLED, *SCALE_FACTORS, *PARAMETERS, *READ, *REFUSED]
#: tasks → the configuration with whose processor they begin; rows that make just these run again share a look at all
FIRST = {NOTHING: "", MAIN: "main", CORRECTED: "corrected"}


def edits_of(reruns: frozenset[str]) -> list[Row]:
    """Return the rows that only edit something and make these tasks run again; no edit undoes an earlier one."""
    return [
        row for row in reversed(TABLE) if row == Row(row.name, row.edit, reruns) and row.name not in needless_rows()
    ]


@pytest.fixture(scope="module")
def together(finished: tuple[World, Path]) -> frozenset[str]:
    """Names of rows that run nothing too much again, because all edits that make the same run again together don't."""
    return frozenset(name for reruns in FIRST for name in names_together(*finished, reruns))


def names_together(world: World, copy: Path, reruns: frozenset[str]) -> set[str]:
    """Make all edits that make some tasks run again; return their names if no other task does, else nothing."""
    restore(copy, world.folder)
    made = set()
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, world.folder)
        for row in edits_of(reruns):
            try:
                row.edit(world)
            # another edit has left nothing of what it replaces: it is looked at by itself
            except AssertionError:
                continue
            made.add(row.name)
        try:
            return made if set(world.incomplete()) == reruns else set()
        except PocketError:
            return set()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "-"))
def test_row(together: frozenset[str], row: Row, request: pytest.FixtureRequest) -> None:
    if row.name in together and row.reruns == NOTHING:
        return
    world: World = request.getfixturevalue("world")
    if row.name in together:
        row.edit(world)
        # the others wait for it
        assert not world.is_complete(RunProcessor, config=FIRST[row.reruns]), "stale"
    else:
        check_row(world, row, request.getfixturevalue("monkeypatch"))


@pytest.mark.parametrize("reruns", FIRST, ids=lambda reruns: FIRST[reruns] or "nothing")
def test_most_rows_are_looked_at_together(together: frozenset[str], reruns: frozenset[str]) -> None:
    names = {row.name for row in edits_of(reruns)}
    assert len(together & names) > 0.7 * len(names)
