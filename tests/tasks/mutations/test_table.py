"""The mutation table: what each edit of the study's code and parameters makes run again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pocket.errors import PocketError
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.framework.base import StoreTask
from tests.tasks.mutations.row import CORRECTED, FROM_PROBES, MAIN, MEASURED, NOTHING, PLOT, PROBES, Row
from tests.tasks.mutations.rows_of_byways import RECORDED, REFUSED_BYWAYS
from tests.tasks.mutations.rows_of_code import DYNAMIC, IDIOMS, UNCHANGED
from tests.tasks.mutations.rows_of_configurations import FILLED, SCALE_FACTORS, SELECTIONS
from tests.tasks.mutations.rows_of_files import PARAMETERS, READ, REFUSED
from tests.tasks.mutations.rows_of_texts import READ_TEXTS, TEXTS
from tests.tasks.mutations.table import check_row, enter, needless_rows
from tests.tasks.mutations.world import World, restore

pytestmark = pytest.mark.slow

TABLE = [
    *UNCHANGED,
    *TEXTS,
    *READ_TEXTS,
    *IDIOMS,
    *DYNAMIC,
    *SELECTIONS,
    *FILLED,
    *SCALE_FACTORS,
    *PARAMETERS,
    *READ,
    *REFUSED,
    *RECORDED,
    *REFUSED_BYWAYS,
]
#: tasks → the one that they begin with, by its family and options; rows that make just these run again share a look at
#: all, since those that follow wait for the first one
FIRST: Mapping[frozenset[str], tuple[type[StoreTask] | None, Mapping[str, str]]] = {
    NOTHING: (None, {}),
    MAIN: (RunProcessor, {"config": "main"}),
    CORRECTED: (RunProcessor, {"config": "corrected"}),
    PROBES: (RunProcessor, {"config": "probes"}),
    FROM_PROBES: (RunProcessor, {"config": "probes"}),
    MEASURED: (ComputeScaleFactors, {"scale_factor": "tight"}),
    PLOT: (PlotTemplates, {}),
}


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
            return made if set(world.remade(reruns)) == reruns else set()
        except PocketError:
            return set()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "-"))
def test_row(together: frozenset[str], row: Row, request: pytest.FixtureRequest) -> None:
    if row.name not in together:
        check_row(request.getfixturevalue("world"), row, request.getfixturevalue("monkeypatch"))
        return
    first, params = FIRST[row.reruns]
    if first is not None:
        world: World = request.getfixturevalue("world")
        row.edit(world)
        # the others wait for it
        assert not world.is_complete(first, **params), "stale"


def test_what_rows_begin_with_is_there_before_an_edit(world: World) -> None:
    gone = [first.__name__ for first, params in FIRST.values() if first and not world.is_complete(first, **params)]
    assert gone == []


def test_most_rows_are_looked_at_together(together: frozenset[str]) -> None:
    alone = {
        ", ".join(sorted(reruns)): names - together
        for reruns in FIRST
        if len(together & (names := {row.name for row in edits_of(reruns)})) <= 0.7 * len(names)
    }
    assert alone == {}
