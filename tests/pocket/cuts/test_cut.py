from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.cuts.cut import Cut
from pocket.errors import ConfigError

EVENTS = ak.Array([{"x": 1.0, "pt": [5.0, 7.0]}, {"x": None, "pt": []}, {"x": 3.0, "pt": [2.0]}])


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x > params["threshold"]


def mask_of(cut: Cut, **kwargs: Any) -> list[bool]:
    mask = cut.get_mask(EVENTS, {"limit": 2.0}, year="2018", sample="DY", isMC=True, **kwargs)
    assert mask.dtype == np.bool_
    found: list[bool] = mask.tolist()
    return found


def test_none_counts_as_false() -> None:
    assert mask_of(Cut("above", {"threshold": 0.0}, above)) == [True, False, True]
    assert mask_of(Cut("above", {"threshold": 2.0}, above)) == [False, False, True]
    assert mask_of(Cut("nothing", {}, lambda events, params, **kwargs: ak.Array([None] * 3))) == [False] * 3


def test_function_is_told_everything() -> None:
    seen: dict[str, Any] = {}

    def function(events: Any, params: Any, **kwargs: Any) -> Any:
        seen.update(kwargs, params=params)
        return np.ones(len(events), dtype=bool)

    assert mask_of(Cut("all", {"a": 1}, function), metadata={"era": "A"}) == [True] * 3
    assert seen == {
        "params": {"a": 1},
        "processor_params": {"limit": 2.0},
        "year": "2018",
        "sample": "DY",
        "isMC": True,
        "metadata": {"era": "A"},
    }


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (EVENTS.pt > 4, "not one per object"),
        (EVENTS.x, "not 3 of type float64"),
        (np.array([True, False]), "not 2 of type bool"),
        (np.array([1, 0, 1]), "not 3 of type int64"),
        (True, "not True"),
        (None, "not None"),
    ],
)
def test_what_is_no_mask(result: Any, message: str) -> None:
    cut = Cut("odd", {}, lambda events, params, **kwargs: result)
    with pytest.raises(ConfigError, match=rf"cut 'odd' must return one boolean per event \(3\), {message}"):
        mask_of(cut)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, r"Cut\(\): the name is empty, give the cut a name"),
        ({"function": "above"}, "cut 'a': function must be callable, not 'above'"),
        ({"collection": ""}, "cut 'a': collection must be 'events' or the name of a collection"),
    ],
)
def test_wrong_cut(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cut(**{"name": "a", "params": {}, "function": above} | settings)


def test_equal_cuts_have_one_hash_and_id() -> None:
    first, same = Cut("x", {"a": 1, "b": [2]}, above), Cut("x", {"b": [2], "a": 1}, above)
    assert len({first, same}) == 1
    assert first.id == same.id
    others = [
        Cut("x", {"a": 1, "b": [3]}, above),
        Cut("x", {"a": 1, "b": [2]}, above, collection="Jet"),
        Cut("y", {"a": 1, "b": [2]}, above),
    ]
    assert len({first, *others}) == 4
    assert len({cut.id for cut in (first, *others)}) == 4
    assert Cut("x", {"threshold": np.float64(3.5)}, above).id.startswith("x__")
