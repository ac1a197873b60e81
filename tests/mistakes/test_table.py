"""The table of mistakes: each row is one sentence, known at the earliest step."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.entries import check_each
from tests.mistakes.table import BUILT, EVENTS, MERGE, NEVER, PLAN, Row, first_mistake
from tests.pocket.configs import configure, only

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("rows_of_*.py") if path.stem != "rows_of_user_code")


def rows() -> list[Row]:
    """Return the rows of all modules."""
    modules = [importlib.import_module(f"tests.mistakes.{name}") for name in MODULES]
    return [row for module in modules for row in module.ROWS]


ROWS = rows()


@check_each("row", ROWS, ids=[row.mistake for row in ROWS])
def test_mistake(row: Row, tmp_path: Path) -> None:
    step, error = first_mistake(row, tmp_path)
    assert step == row.known, error
    sentence = str(error)
    assert re.fullmatch(row.sentence, sentence), sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence


def test_without_a_mistake_there_is_no_sentence(tmp_path: Path) -> None:
    weights = {"common": {"inclusive": ["genWeight", "lumi", "XS"]}}
    right = Row("none", "", lambda folder: configure(weights=weights, datasets=only("TT")))
    assert first_mistake(right, tmp_path) == (NEVER, None)


def test_the_table_has_many_different_rows() -> None:
    assert len({row.mistake for row in ROWS}) == len(ROWS) >= 40
    assert {row.known for row in ROWS} == {BUILT, PLAN, EVENTS, MERGE}
