from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.peer.comparison import Quantity, quantities, relative_difference
from tests.benchmarks.peer.sides import DATA, MC, histogram, side


def found(**changes: Any) -> dict[tuple[str, ...], Quantity]:
    """Compare the plain output with one in which parts are replaced; kind and place → what differs."""
    return {(q.kind, *q.place): q for q in quantities(side(), side(**changes)) if not q.equal}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.0], [1.0, 2.5], 0.2),
        ([4.0, 2.0], [1.0, 2.5], 0.75),
        ([0.0], [1e-9], 1.0),
        ([-1.0], [1.0], 2.0),
        ([0.0], [0.0], 0.0),
        ([], [], 0.0),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.nan], [1.0], np.inf),
        ([np.inf], [np.inf], 0.0),
        ([1.0], [1.0, 1.0], np.inf),
        ([3], [4], 0.25),
    ],
)
def test_relative_difference_is_the_largest_one(first: list[float], second: list[float], expected: float) -> None:
    ours, theirs = np.array(first), np.array(second)
    assert relative_difference(ours, theirs) == pytest.approx(expected)
    assert relative_difference(theirs, ours) == pytest.approx(expected)


@pytest.mark.parametrize(("values", "expected"), [([0.0, 0.0], 0.0), ([], 0.0), ([0.0, 1e-9], 1.0)])
def test_what_is_missing_counts_as_zeros(values: list[float], expected: float) -> None:
    assert relative_difference(np.array(values), None) == expected
    assert relative_difference(None, np.array(values)) == expected
    assert relative_difference(None, None) == 0.0


def test_equal_outputs_are_compared_completely() -> None:
    kinds = [quantity.kind for quantity in quantities(side(), side())]
    numbers = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    assert numbers == {
        "edges": 1,
        "sumw": 4,  # two categories, two variations
        "sumw2": 4,
        "sum_genweights": 1,
        "sum_signOf_genweights": 1,
        "cutflow": 4,
        "category_sumw": 1,
        "category_sumw2": 1,
        "column": 2,
    }
    assert found() == {}


def test_order_and_flow_of_category_axes_do_not_matter() -> None:
    reordered = histogram(["bb", "a"], ["pileupUp", "nominal"], overflow=True)
    assert found(variables={"x": {"DY": {MC: reordered}}}) == {}


def test_every_bin_counts_flow_included() -> None:
    changed = histogram(["a", "bb"], ["nominal", "pileupUp"])
    changed.fill(cat="bb", variation="pileupUp", x=99.0, weight=1e-3)
    differing = found(variables={"x": {"DY": {MC: changed}}})
    place = ("x", "DY", MC, "bb", "pileupUp")
    assert set(differing) == {("sumw", *place)}  # the square of the small weight is below the tolerance
    content = 2.0 + 10 * len("pileupUp")
    assert differing["sumw", *place].difference == pytest.approx(1e-3 / (content + 1e-3))


def test_a_difference_of_the_variances_alone_is_found() -> None:
    changed = histogram(["a", "bb"], ["nominal", "pileupUp"])
    changed.view(flow=True)["variance"][0] *= 1.5
    differing = found(variables={"x": {"DY": {MC: changed}}})
    assert {(kind, category) for kind, *_, category, _ in differing} == {("sumw2", "a")}


def test_another_binning_is_a_difference() -> None:
    changed = histogram(["a", "bb"], ["nominal", "pileupUp"], stop=2.5)
    assert ("edges", "x", "DY", MC) in found(variables={"x": {"DY": {MC: changed}}})


def test_missing_parts_are_differences() -> None:
    fewer = histogram(["a"], ["nominal"])
    places = {place[-2:] for place in found(variables={"x": {"DY": {MC: fewer}}})}
    assert places == {("a", "pileupUp"), ("bb", "nominal"), ("bb", "pileupUp")}
    assert len(found(variables={})) == 8


def test_cutflow_sums_and_columns_are_compared() -> None:
    cutflow = {"initial": {MC: 10, DATA: 6}, "a": {MC: {"DY": {"nominal": 3}}}}
    assert set(found(cutflow=cutflow)) == {("cutflow", "initial", DATA), ("cutflow", "a", DATA, "DATA", "nominal")}
    assert set(found(sumw={"a": {MC: {"DY": {"nominal": 1.6}}}})) == {("category_sumw", "a", MC, "DY", "nominal")}
    columns = {f"DY/{MC}/a/nominal/weight": np.array([1.0, -2.1]), f"DY/{MC}/a/nominal/x": np.array([0.1, 0.2])}
    assert set(found(columns=columns)) == {("column", "DY", MC, "a", "nominal", "weight")}


@pytest.mark.parametrize(("kind", "equal"), [("sumw", True), ("column", True), ("cutflow", False)])
def test_only_numbers_of_events_must_be_exactly_equal(kind: str, equal: bool) -> None:
    assert Quantity(kind, ("a",), np.array([10_000_000]), np.array([10_000_001])).equal is equal
    assert not Quantity(kind, ("a",), np.array([100_000]), np.array([100_001])).equal
