from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peer.comparison import Quantity
from benchmarks.peer.known_differences import explanation
from tests.benchmarks.peer.sides import DATA, MC, side

SHAPE = "muon_scaleUp"
COUNTED = side(cutflow={"a": {MC: {"DY": {"nominal": 3, SHAPE: 2}}}})


def why(kind: str, place: tuple[str, ...], ours: list[float], theirs: list[float] | None) -> str | None:
    """Return the explanation of a difference."""
    return explanation(Quantity(kind, place, np.array(ours), None if theirs is None else np.array(theirs)), COUNTED)


def test_missing_sums_of_data_are_explained() -> None:
    place = ("a", DATA, "DATA", "nominal")
    assert "of data" in str(why("category_sumw", place, [2.0], None))
    assert why("category_sumw", place, [2.0], [3.0]) is None
    assert why("category_sumw", ("a", MC, "DY", "nominal"), [2.0], None) is None
    assert why("cutflow", place, [2.0], None) is None


@pytest.mark.parametrize(("kind", "scale"), [("category_sumw", 4.0), ("category_sumw2", 16.0)])
def test_unnormalised_sums_are_explained_only_by_the_sum_of_generator_weights(kind: str, scale: float) -> None:
    assert "unnormalised" in str(why(kind, ("a", MC, "DY", SHAPE), [0.5], [0.5 * scale]))
    assert why(kind, ("a", MC, "DY", SHAPE), [0.5], [0.5 * scale * 1.001]) is None
    assert why(kind, ("a", MC, "DY", "nominal"), [0.5], [0.5 * scale]) is None


@pytest.mark.parametrize("kind", ["sumw", "sumw2"])
def test_empty_shape_variation_is_explained_only_where_ours_is_nominal_and_it_was_processed(kind: str) -> None:
    content = 1.0 + 10 * len("nominal")
    nominal = [content if kind == "sumw" else content**2] * 4
    place, empty = ("x", "DY", MC, "a"), [0.0] * 4
    assert "empty" in str(why(kind, (*place, SHAPE), nominal, empty))
    assert why(kind, (*place, SHAPE), [1.0, *nominal[1:]], empty) is None
    assert why(kind, (*place, SHAPE), nominal, [1.0, *empty[1:]]) is None
    assert why(kind, (*place, "pileupUp"), nominal, empty) is None


def test_weights_in_columns_are_explained_by_normalisation_and_the_own_weight_of_a_subsample() -> None:
    place = (MC, "a", "nominal", "weight")
    assert "unnormalised" in str(why("column", ("DY", *place), [0.5, -1.0], [2.0, -4.0]))
    assert "subsample" in str(why("column", ("DY__low", *place), [1.3, -2.6], [4.0, -8.0]))
    assert why("column", ("DY", *place), [1.3, -2.6], [4.0, -8.0]) is None
    assert why("column", ("DY", *place), [0.5, -1.0], [2.0, -4.1]) is None
    assert why("column", ("DY", MC, "a", "nominal", "x"), [0.5, -1.0], [2.0, -4.0]) is None
    assert why("column", ("DATA", DATA, "a", "nominal", "weight"), [0.5, -1.0], [2.0, -4.0]) is None


def test_columns_of_variations_that_are_not_asked_for_are_explained_by_nominal_ones() -> None:
    place = ("DY", MC, "a", "nominal")
    assert "has no column" in str(why("column", (*place, "weight_variation_pileupUp"), [0.25, -0.5], None))
    assert why("column", (*place, "weight_variation_pileupUp"), [0.25, -0.6], None) is None
    assert why("column", (*place, "x"), [0.25, -0.5], None) is None
    assert why("column", ("DY", MC, "b", "nominal", "weight_variation_pileupUp"), [0.25, -0.5], None) is None


def test_other_differences_are_not_explained() -> None:
    assert why("edges", ("x", "DY", MC), [0.0, 1.0], [0.0, 2.0]) is None
    assert why("column", ("DY", MC, "a", "nominal", "x"), [0.0, 1.0], [0.0, 2.0]) is None
