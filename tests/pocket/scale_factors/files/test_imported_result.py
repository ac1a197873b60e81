from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pocket.scale_factors import Imported
from pocket.scale_factors.files.imported_result import binned_result, sides
from pocket.scale_factors.files.importing import write
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tests.pocket.scale_factors.correction_trees import ETA, FORMULAS, PT, binning, category, multibinning, published

KEYS = {"nominal": "sf", "up": "systup", "down": "systdown"}
STAT = {"stat_up": "+stat", "stat_down": "-stat"}
SYST = {"syst_up": "+syst", "syst_down": "-syst"}
ERRORS = {"sf": 1.0, "stat": 0.03, "syst": 0.04, "systup": 1.05, "systdown": 0.95}


def result_of(
    content: Mapping[str, Any], inputs: Mapping[str, str], keys: Mapping[str, str] = KEYS
) -> ScaleFactorResult | None:
    """Import a correction with trees for the kinds."""
    declaration = Imported(file="id.json", correction="id", systematic="kind", keys=keys)
    correction = published(category("kind", content), {**inputs, "kind": "string"})
    return binned_result("muon_id", declaration, write("muon_id", declaration, correction))


def in_pt(keys: Mapping[str, str], **changes: float) -> ScaleFactorResult:
    """Import a scale factor with these values and errors in all bins, up to the second one."""
    content = {kind: binning("pt", list(PT), [value, value * 1.1, value]) for kind, value in (ERRORS | changes).items()}
    result = result_of(content, {"pt": "real"}, keys)
    assert result is not None
    return result


def test_values_in_bins() -> None:
    content = {
        kind: multibinning({"pt": list(PT), "eta": list(ETA)}, [value + 0.01 * i for i in range(9)], "error")
        for kind, value in ERRORS.items()
    }
    result = result_of(content, {"eta": "real", "pt": "real"})
    assert result is not None
    assert (result.axes, result.flow) == ({"eta": ETA, "pt": PT}, {"eta": "error", "pt": "error"})
    expected = 1.0 + 0.01 * np.arange(9).reshape(3, 3).T
    np.testing.assert_allclose(result.scale_factor.value, expected, rtol=1e-14)
    np.testing.assert_allclose(result.total_up, 0.05)
    np.testing.assert_allclose(result.total_down, 0.05)
    assert (result.name, result.method, result.valid.all()) == ("muon_id", "Imported", True)
    again = ScaleFactorResult.from_json(result.to_json())
    np.testing.assert_array_equal(again.scale_factor.value, result.scale_factor.value)


def test_sources_that_make_up_the_error_are_kept_apart() -> None:
    result = in_pt(KEYS | STAT | SYST)
    np.testing.assert_allclose(result.scale_factor.up, [0.03, 0.033, 0.03])
    assert list(result.systematics) == ["syst"]
    np.testing.assert_allclose(result.systematics["syst"], [[0.04, 0.044, 0.04], [-0.04, -0.044, -0.04]])
    np.testing.assert_allclose(result.total_up, [0.05, 0.055, 0.05])


@pytest.mark.parametrize("keys", [KEYS, KEYS | STAT, KEYS | {"stat_up": "+systup", "stat_down": "-systup"}])
def test_otherwise_the_published_error_is_the_only_one(keys: Mapping[str, str]) -> None:
    result = in_pt(keys)
    assert list(result.systematics) == ["published"]
    assert not result.scale_factor.up.any()
    np.testing.assert_allclose(result.total_up, [0.05, 0.055, 0.05])
    np.testing.assert_allclose(result.total_down, [0.05, 0.055, 0.05])


def test_without_a_total_error_it_is_that_of_the_sources() -> None:
    result = in_pt({"nominal": "sf"} | STAT | SYST)
    np.testing.assert_allclose(result.total_down, [0.05, 0.055, 0.05])


def test_without_any_error() -> None:
    result = in_pt({"nominal": "sf"})
    assert result.systematics == {}
    assert not result.covariance.any()


def test_shifts_to_the_same_side() -> None:
    up, down = sides((np.array([0.02, -0.01]), np.array([0.01, 0.03])))
    assert (up.tolist(), down.tolist()) == ([0.02, 0.03], [0.0, 0.01])


def test_categories_and_other_edges_in_each() -> None:
    values = {4: binning("pt", [20.0, 30.0, "inf"], [1.0, 1.1]), 5: binning("pt", [20.0, 40.0], [1.2], 1.3)}
    tree = category("flavor", values)
    result = result_of({"sf": tree}, {"flavor": "int", "pt": "real"}, {"nominal": "sf"})
    assert result is not None
    assert result.axes == {"flavor": Categories((4, 5)), "pt": (20.0, 30.0, 40.0, np.inf)}
    assert result.flow == {"pt": "error"}
    # beyond the bins of one flavour is where those of the other one are
    np.testing.assert_allclose(result.scale_factor.value, [[1.0, 1.1, 1.1], [1.2, 1.2, 1.3]])


BINS = binning("pt", list(PT), [1.0, 1.1, 1.2])


@pytest.mark.parametrize(
    ("tree", "inputs"),
    [
        (binning("pt", list(PT), [1.0, 1.1, {**FORMULAS[0], "parameters": [1.0, 0.1]}]), {"pt": "real"}),
        ({"nodetype": "transform", "input": "pt", "rule": 30.0, "content": BINS}, {"pt": "real"}),
        (category("year", {"2017": BINS}, BINS), {"pt": "real", "year": "string"}),
        (BINS, {"pt": "real", "eta": "real"}),
        (BINS, {"pt": "int"}),
        (
            category("flavor", {4: category("year", {"2018": BINS}), 5: category("year", {"2017": BINS})}),
            {"pt": "real", "flavor": "int", "year": "string"},
        ),
        (1.0, {}),
    ],
)
def test_what_is_not_binned(tree: Any, inputs: Mapping[str, str]) -> None:
    assert result_of({"sf": tree}, inputs, {"nominal": "sf"}) is None
