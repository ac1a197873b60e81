from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from matplotlib.figure import Figure

from pocket.errors import ConfigError
from pocket.plots.files import save_plots


def test_plots_are_saved_with_their_numbers(tmp_path: Path) -> None:
    save_plots([("a", Figure(), {"data": [1.0]}), ("b", Figure(), {})], tmp_path / "new", ["png", "svg"])
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {f"{stem}.{suffix}" for stem in "ab" for suffix in ("json", "png", "svg")}
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"data": [1.0]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.float32(0.5), 0.5),
        ([1.0, float("nan"), -np.inf], [1.0, None, None]),
        ((np.array([np.nan, 1.5]), {"name": np.bool_(True), 3: None}), [[None, 1.5], {"name": True, "3": None}]),
        (ak.Array([[1, 2], []]), [[1, 2], []]),
    ],
)
def test_numbers_of_plots_have_a_form_in_json(tmp_path: Path, value: Any, written: Any) -> None:
    save_plots([("a", Figure(), {"value": value})], tmp_path, ["svg"])
    assert json.loads((tmp_path / "a.json").read_text()) == {"value": written}


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            {"mc": [1, {2}]},
            r"plot mll_x: numbers\['mc'\]\[1\] is of type set, expected numbers, strings, arrays, lists",
        ),
        ({"mc": Figure()}, r"plot mll_x: numbers\['mc'\] is of type Figure, expected"),
        (
            {"mc": {("tt", 1): 2}},
            r"plot mll_x: numbers\['mc'\]: the key \('tt', 1\) is of type tuple, expected a string$",
        ),
    ],
)
def test_other_objects_among_numbers_of_plots_are_named(tmp_path: Path, numbers: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        save_plots([("mll_x", Figure(), numbers)], tmp_path, ["png"])
    assert not list(tmp_path.iterdir())
