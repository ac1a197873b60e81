from __future__ import annotations

import numpy as np
import pytest

from benchmarks.throughput.agreement import compare

PLACE = "variable/sample/category/nominal"


def template(*sumw: float) -> np.ndarray:
    """Return a template whose sums of squares are twice those of weights."""
    return np.array([sumw, 2 * np.array(sumw)])


def test_equal_up_to_rounding() -> None:
    found = compare({PLACE: template(1.0, 2.0)}, {PLACE: template(1.0, 2.0 + 1e-9)})
    assert (found.compared, found.moved, found.different) == (1, 0, ())
    assert found.largest == pytest.approx(5e-10)


def test_one_bin_more_is_a_difference() -> None:
    found = compare({PLACE: template(100.0, 2.0)}, {PLACE: template(100.0, 2.1)})
    assert found.different == (f"{PLACE}: relative difference 0.048",)


def test_few_values_on_an_edge_may_be_on_either_side() -> None:
    found = compare({PLACE: template(500.0, 600.0)}, {PLACE: template(501.0, 599.0)})
    assert (found.moved, found.different) == (1, ())
    found = compare({PLACE: template(500.0, 600.0)}, {PLACE: template(550.0, 550.0)})
    assert (found.moved, len(found.different)) == (0, 1)


def test_weights_of_both_signs_hide_nothing() -> None:
    ours, theirs = np.array([[1.0, -1.0], [5.0, 5.0]]), np.array([[0.0, 0.0], [10.0, 0.0]])
    assert len(compare({PLACE: ours}, {PLACE: theirs}).different) == 1


def test_empty_templates_may_be_missing_and_others_not() -> None:
    assert compare({PLACE: template(0.0, 0.0)}, {}).different == ()
    assert len(compare({}, {PLACE: template(0.0, 1.0)}).different) == 1
    assert len(compare({PLACE: template(1.0, 1.0)}, {PLACE: template(1.0, 1.0, 0.0)}).different) == 1


def test_entries_are_exact() -> None:
    name = "entries/sample/category"
    assert compare({name: np.array([10_000_000])}, {name: np.array([10_000_000])}).different == ()
    assert len(compare({name: np.array([10_000_000])}, {name: np.array([10_000_001])}).different) == 1
