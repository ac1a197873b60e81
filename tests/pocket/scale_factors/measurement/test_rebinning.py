from __future__ import annotations

import itertools
import math
from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import ConfigError
from pocket.scale_factors import EfficiencyMap, EfficiencyRatio
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.rebinning import in_bins, read_axis
from tests.pocket.scale_factors.toys import DECLARED

EDGES = (0.0, 10.0, 20.0, 35.0, 40.0, 60.0)
AXES = {
    "variable": hist.axis.Variable(EDGES, name="pt", label="pT"),
    "no flow": hist.axis.Variable(EDGES, name="pt", flow=False),
    "no overflow": hist.axis.Variable(EDGES, name="pt", overflow=False),
    "to infinity": hist.axis.Variable([*EDGES[:-1], math.inf], name="pt"),
    "integers": hist.axis.Integer(0, 60, name="pt"),
}


def folding(**changes: Any) -> EfficiencyMap:
    return EfficiencyMap(**{**{key: DECLARED[key] for key in ("input", "variable", "category", "mc")}, **changes})


def entries(axis: Any) -> tuple[hist.Hist[Any], np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A histogram in flavour and an axis, and the entries that it has: flavour, value and weight."""
    rng = np.random.default_rng(1)
    values, weights, flavours = rng.integers(-20, 90, 500), rng.normal(1, 1, 500), rng.choice([0, 5], 500)
    histogram = hist.Hist(hist.axis.IntCategory([0, 5], name="flavor"), axis, storage=hist.storage.Weight())
    histogram.fill(flavours, values, weight=weights)
    inside = np.ones(500, dtype=bool)
    if not axis.traits.underflow:
        inside &= values >= axis.edges[0]
    if not axis.traits.overflow:
        # without an overflow the last bin has its upper edge
        inside &= values <= axis.edges[-1]
    return histogram, flavours[inside], values[inside], weights[inside]


def sums(flavours: Any, values: Any, weights: Any, edges: Any) -> Any:
    """Sum of weights per flavour and bin, one entry after the other."""
    total = np.zeros((2, len(edges) - 1))
    for flavour, value, weight in zip(flavours, values, weights, strict=True):
        for index, (low, high) in enumerate(itertools.pairwise(edges)):
            if low <= value < high:
                total[int(flavour == 5), index] += weight
    return total


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
@given(chosen=st.lists(st.sampled_from(EDGES[:-1]), min_size=2, max_size=5, unique=True).map(sorted))
@settings(max_examples=25)
def test_sums_of_the_entries(axis: Any, chosen: list[float]) -> None:
    histogram, flavours, values, weights = entries(axis)
    for folded in (False, True):
        declaration: Any = (
            folding(axes=("flavor", "pt"), bins={"pt": chosen})
            if folded
            else EfficiencyRatio(**{**DECLARED, "axes": ("flavor", "pt"), "bins": {"pt": chosen}})
        )
        found = in_bins(histogram, declaration)
        assert read_axis(found.axes["pt"]) == tuple(chosen)
        assert found.axes["flavor"] == histogram.axes["flavor"]
        edges = [-np.inf, *(chosen[1:-1] if folded else chosen), np.inf]
        expected, squares = (sums(flavours, values, each, edges) for each in (weights, weights**2))
        contents: Any = found.view(flow=True)
        inner = slice(1, -1) if folded else slice(None)
        assert contents["value"][:2, inner] == pytest.approx(expected)
        assert contents["variance"][:2, inner] == pytest.approx(squares)
        if folded:
            assert not contents["value"][:, [0, -1]].any()


def test_infinite_edge() -> None:
    histogram, flavours, values, weights = entries(AXES["to infinity"])
    found = in_bins(histogram, folding(axes=("flavor", "pt"), bins={"pt": (10, math.inf)}))
    assert read_axis(found.axes["pt"]) == (10.0, math.inf)
    assert found.values()[:, 0] == pytest.approx(sums(flavours, values, weights, [-np.inf, np.inf])[:, 0])


def test_flow_that_is_an_error_is_not_folded() -> None:
    histogram, flavours, values, weights = entries(AXES["variable"])
    found = in_bins(histogram, folding(axes=("flavor", "pt"), flow={"pt": "error"}))
    assert found.values() == pytest.approx(sums(flavours, values, weights, EDGES))
    found = in_bins(histogram, folding(axes=("flavor", "pt")))
    assert found.values() == pytest.approx(sums(flavours, values, weights, [-np.inf, *EDGES[1:-1], np.inf]))


def test_label_stays_and_the_histogram_itself_too() -> None:
    histogram = entries(AXES["variable"])[0]
    before = histogram.copy()
    found = in_bins(histogram, folding(axes=("flavor", "pt"), bins={"pt": (0, 60)}))
    assert found.axes["pt"].label == "pT"
    assert histogram == before


@pytest.mark.parametrize(
    ("bins", "text"),
    [
        ({"pt": (0, 16)}, "16 is no edge of the histogram's axis 'pt', nearest: 20"),
        ({"pt": (0, math.inf)}, "inf is no edge of the histogram's axis 'pt', nearest: 60"),
        ({"flavor": (0, 5)}, "axis 'flavor' has categories, not edges"),
    ],
)
def test_wrong_bins(bins: dict[str, tuple[float, ...]], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        in_bins(entries(AXES["variable"])[0], folding(axes=("flavor", "pt"), bins=bins))


def test_read_axis() -> None:
    assert read_axis(hist.axis.IntCategory([0, 5])) == Categories((0, 5))
    assert read_axis(hist.axis.StrCategory(["a"])) == Categories(("a",))
    assert read_axis(hist.axis.Regular(2, 0, 1)) == (0.0, 0.5, 1.0)
    assert read_axis(hist.axis.Integer(0, 2)) == (0.0, 1.0, 2.0)
