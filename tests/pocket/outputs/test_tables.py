from __future__ import annotations

import csv
import io
import json

from pocket.outputs.tables import COLUMN, as_csv, as_json, as_text

ROWS = [
    {"bin": "pt 20 to 30", "left": 0.1 + 0.2, "right": float("nan"), "note": None},
    {"bin": "x" * 80, "left": 2, "right": 0.5, "note": None},
]


def test_the_terminal() -> None:
    head, first, second, last = as_text([*ROWS, *ROWS], ["bin", "left", "right", "note"], most=2).splitlines()
    # what is empty in all rows has no column, and numbers are at the right
    assert head.split() == ["bin", "left", "right"]
    assert first.split() == ["pt", "20", "to", "30", "0.3"]
    assert second.split() == ["…" + "x" * (COLUMN - 1), "2", "0.5"]
    assert last == "and 2 more"
    assert head.index("left") + 4 == first.index("0.3") + 3


def test_files_have_all_digits() -> None:
    (first, second) = csv.DictReader(io.StringIO(as_csv(ROWS, ["bin", "left", "right"])))
    assert (float(first["left"]), first["right"]) == (0.1 + 0.2, "")
    assert second == {"bin": "x" * 80, "left": "2", "right": "0.5"}
    assert json.loads(as_json({"rows": ROWS}))["rows"][0] == {**ROWS[0], "right": None}
