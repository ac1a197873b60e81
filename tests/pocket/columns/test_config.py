from __future__ import annotations

from typing import Any

import pytest

from pocket.columns import ColOut
from pocket.errors import ConfigError
from tests.entries import check_each


def test_names_are_fixed() -> None:
    out = ColOut("JetGood", ["pt", "eta"], depends_on=["Jet"])
    assert (out.columns, out.depends_on) == (("pt", "eta"), ("Jet",))
    assert hash(out) == hash(ColOut("JetGood", ("pt", "eta"), depends_on=("Jet",)))


@check_each(
    ("changes", "message"),
    [
        ({"columns": "pt"}, "columns must be a list of names, not 'pt'"),
        ({"depends_on": "Jet"}, "depends_on must be a list of names, not 'Jet'"),
        ({"columns": []}, "a collection and at least one column are needed"),
        ({"collection": ""}, "a collection and at least one column are needed"),
        ({"columns": ["pt", "eta", "pt"]}, "columns has pt more than once"),
        ({"pos_start": -1}, "needs 0 <= pos_start < pos_end, not -1 and None"),
        ({"pos_start": 2, "pos_end": 2}, "needs 0 <= pos_start < pos_end, not 2 and 2"),
        ({"pos_end": 0}, "needs 0 <= pos_start < pos_end, not None and 0"),
        ({"collection": "events", "pos_end": 1}, "events have no positions"),
    ],
)
def test_wrong_declarations(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ColOut(**{"collection": "JetGood", "columns": ["pt"], **changes})


@pytest.mark.parametrize(
    ("depends_on", "changed", "written"),
    [
        (None, {"Jet"}, True),
        (None, set(), True),
        (["Jet"], {"Jet", "MET"}, True),
        (["Jet", "Muon"], {"Muon"}, True),
        (["Jet"], {"Muon"}, False),
        ([], {"Jet"}, False),
        ([], None, True),
        (["Jet"], None, True),
    ],
)
def test_what_a_shape_variation_writes(depends_on: list[str] | None, changed: set[str] | None, written: bool) -> None:
    out = ColOut("JetGood", ["pt"], depends_on=depends_on)
    assert out.is_written(None if changed is None else frozenset(changed)) == written
