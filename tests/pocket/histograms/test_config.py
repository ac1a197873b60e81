from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from tests.entries import check_each


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"field": "nJet"}, "nJet"),
        ({"coll": "custom", "field": "bdt"}, "bdt"),
        ({"coll": "JetGood", "field": "pt"}, "JetGood_pt"),
        ({"coll": "JetGood", "field": "pt", "pos": 1}, "JetGood_pt_1"),
        ({"coll": "JetGood", "field": "pt", "pos": 1, "name": "second_pt"}, "second_pt"),
    ],
)
def test_default_name(settings: dict[str, Any], name: str) -> None:
    assert Axis(**settings, bins=2, start=0, stop=1).name == name


def test_a_list_of_edges_makes_a_variable_axis() -> None:
    axis = Axis(field="pt", bins=[0, 10, 50])
    assert (axis.type, axis.bins) == ("variable", (0, 10, 50))
    assert Axis(field="pt", bins=OmegaConf.create([0, 10, 50])) == axis


def test_axes_as_pocketcoffea_takes_them() -> None:
    named = Axis(field="pt", label="$p_T$", bins=5, start=0, stop=10, coll="JetGood", name="jets", pos=1)
    assert Axis("pt", "$p_T$", 5, 0, 10, "JetGood", "jets", 1, growth=False) == named
    edges = np.linspace(0, 1, 3)
    assert Axis("x", "x", edges) == Axis("x", "x", list(edges)) == Axis("x", "x", bins=[0.0, 0.5, 1.0])
    assert Axis("n", "n", np.int64(4), 0, 4).bins == 4
    assert Axis("n", "n", start=0, stop=4, type="int") == Axis("n", "n", start=0, stop=4, type="integer")
    assert HistConf([named], "weight", True, False) == HistConf([named], variations=False, metadata_hist=False)


@check_each(
    ("settings", "message"),
    [
        ({"bins": 3, "start": 0, "stop": 1, "growth": True}, r"axis 'x': axes don't grow \(growth=True\)"),
        ({"bins": 0, "start": 0, "stop": 1}, "axis 'x': bins must be a positive number, not 0"),
        ({"start": 0, "stop": 1}, "axis 'x': bins must be a positive number, not None"),
        ({"bins": "10", "start": 0, "stop": 1}, "axis 'x': bins must be a positive number, not '10'"),
        ({"type": "strcat", "bins": "ee"}, "axis 'x': bins must be a list of categories, not 'ee'"),
        ({"bins": [0, 1], "start": 0, "stop": 1}, r"axis 'x': bins must be a positive number, not \(0, 1\)"),
        ({"bins": 3, "start": 1, "stop": 1}, "axis 'x': needs finite start < stop, not 1 and 1"),
        ({"bins": 3, "start": 1}, "axis 'x': needs finite start < stop, not 1 and None"),
        ({"bins": 3, "start": float("nan"), "stop": 1}, "needs finite start < stop"),
        ({"bins": 3, "start": 0, "stop": float("inf")}, "needs finite start < stop, not 0 and inf"),
        ({"bins": 3, "start": 0, "stop": 9, "transform": "log"}, "with transform 'log' can't start at 0"),
        ({"bins": 3, "start": -1, "stop": 9, "transform": "sqrt"}, "with transform 'sqrt' can't start at -1"),
        ({"bins": 3, "start": 1, "stop": 9, "transform": "log", "overflow": False}, "always has .* overflow"),
        ({"bins": [1]}, r"at least two edges, not \(1,\)"),
        ({"bins": [0, 2, 1]}, r"edges must rise, not \[0, 2, 1\]"),
        ({"bins": [0, 1, 1]}, "edges must rise"),
        ({"bins": [0, float("nan"), 1]}, "edges must rise"),
        ({"type": "integer", "start": 3, "stop": 1}, "needs finite start < stop"),
        ({"type": "integer", "start": float("-inf"), "stop": 3}, "needs finite start < stop, not -inf and 3"),
        ({"type": "integer", "start": 0.5, "stop": 3}, "must be integers, not 0.5 and 3"),
        ({"type": "intcat", "bins": 3}, "bins must be a list of categories, not 3"),
        ({"type": "intcat", "bins": ["a"]}, "different values of type int, not"),
        ({"type": "strcat", "bins": []}, "bins must be a list of categories"),
        ({"type": "strcat", "bins": ["a", "a"]}, "different values of type str, not"),
        ({"name": "variation", "bins": 3, "start": 0, "stop": 1}, "axis 'variation': the name is taken"),
        ({"name": "samples", "bins": 3, "start": 0, "stop": 1}, "axis 'samples': the name is taken"),
        ({"name": "cat", "bins": 3, "start": 0, "stop": 1}, "axis 'cat': the name is taken"),
        ({"name": "weight", "bins": 3, "start": 0, "stop": 1}, "axis 'weight': the name is taken"),
        ({"bins": 3, "start": 0, "stop": 1, "pos": -1}, "pos must be 0 or more, not -1"),
        ({"coll": "metadata", "bins": 3, "start": 0, "stop": 1}, "metadata are strings, use type='strcat'"),
    ],
)
def test_wrong_axis(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Axis(field="x", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "regulr"}, "unknown axis type 'regulr' in axis 'x', did you mean 'regular'"),
        ({"transform": "lgo"}, "unknown transform 'lgo' in axis 'x'.*log"),
    ],
)
def test_unknown_name_in_axis(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        Axis(field="x", bins=3, start=1, stop=2, **settings)


X = Axis(field="x", bins=3, start=0, stop=1)


@check_each(
    ("axes", "settings", "message"),
    [
        ([], {}, r"axes must be a list of one or more Axis objects, not \[\]"),
        (["x"], {}, r"axes must be a list of one or more Axis objects, not \['x'\]"),
        (X, {}, r"axes must be a list of one or more Axis objects, not Axis\(field='x'"),
        ([X, X], {}, "two axes of one histogram are named 'x'"),
        ([X], {"storage": "wieght"}, "unknown storage 'wieght' in histogram of x, did you mean 'weight'"),
        ([X], {"storage": "int64"}, "histogram of x: storage 'int64' counts entries, set no_weights=True"),
        (
            [X],
            {"only_categories": ["a"], "exclude_categories": ["b"]},
            "give only_categories or exclude_categories, not both",
        ),
        ([X], {"only_samples": [], "exclude_samples": ["b"]}, "give only_samples or exclude_samples, not both"),
        ([X], {"autofill": False}, "histogram of x: autofill=False, but the engine fills all from events"),
        ([X], {"metadata_hist": True}, "histogram of x: metadata_hist=True, but the engine fills all from events"),
        ([X], {"nan": "overflows"}, "unknown nan 'overflows' in histogram of x, did you mean 'overflow'"),
        ([X], {"variations": False, "only_variations": ["up"]}, "only_variations needs variations=True"),
    ],
)
def test_wrong_histogram(axes: list[Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HistConf(axes, **settings)


def test_what_is_filled() -> None:
    everything = HistConf([X])
    assert everything.fills_sample("DY")
    assert everything.fills_category("SR")
    assert everything.fills_variation("pileupUp")
    only = HistConf([X], only_samples=["DY"], only_categories=["SR"], only_variations=["pileupUp"])
    assert [only.fills_sample(sample) for sample in ("DY", "TT")] == [True, False]
    assert [only.fills_category(category) for category in ("SR", "CR")] == [True, False]
    assert [only.fills_variation(name) for name in ("nominal", "pileupUp", "pileupDown")] == [True, True, False]
    exclude = HistConf([X], exclude_samples=["DY"], exclude_categories=["SR"], variations=False)
    assert [exclude.fills_sample(sample) for sample in ("DY", "TT")] == [False, True]
    assert [exclude.fills_category(category) for category in ("SR", "CR")] == [False, True]
    assert [exclude.fills_variation(name) for name in ("nominal", "pileupUp")] == [True, False]
