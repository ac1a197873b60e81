from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pocket.scale_factors import TagAndProbeFit
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult
from tests.pocket.scale_factors import toys


def result(systematics: dict[str, tuple[list[float], list[float]]]) -> ScaleFactorResult:
    ones = Measurement(np.ones(2), np.full(2, 0.03), np.full(2, 0.01))
    return ScaleFactorResult(
        name="sf",
        method="EfficiencyRatio",
        quantity="weight",
        description="",
        axes={"pt": (20.0, 30.0, np.inf)},
        flow={"pt": "clamp"},
        efficiencies={"data": ones, "mc": ones},
        scale_factor=ones,
        systematics={source: (np.array(up), np.array(down)) for source, (up, down) in systematics.items()},
        groups=np.arange(2),
        status=("valid", "valid"),
    )


def test_total_adds_shifts_to_their_side() -> None:
    # In the first bin both shifts go up, in the second the source called up goes down.
    measured = result({"signal": ([0.04, -0.1], [0.02, 0.0]), "background": ([0.0, 0.02], [0.0, -0.02])})
    assert measured.total_up == pytest.approx([np.hypot(0.03, 0.04), np.hypot(0.03, 0.02)])
    assert measured.total_down == pytest.approx([0.01, np.sqrt(0.01**2 + 0.1**2 + 0.02**2)])


def test_covariance_is_that_of_drawn_scale_factors() -> None:
    measured = result({"signal": ([0.04, -0.02], [-0.04, 0.02]), "background": ([0.01, 0.05], [-0.01, -0.05])})
    rng = np.random.default_rng(1)
    size = 200_000
    drawn = 0.02 * rng.normal(size=(size, 2))  # mean of up and down
    for up, _ in measured.systematics.values():
        drawn += rng.normal(size=(size, 1)) * up
    assert measured.covariance == pytest.approx(np.cov(drawn.T), rel=0.03)


def test_json_is_lossless() -> None:
    declaration = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=("background",))
    measured = measure("muon_id", declaration, toys.tag_and_probe(1, pairs=1000, simulated=2000))
    again = ScaleFactorResult.from_json(measured.to_json())
    assert again.to_json() == measured.to_json()
    assert again.axes == measured.axes
    assert again.flow == measured.flow
    assert again.status == measured.status
    pairs = [(again.scale_factor, measured.scale_factor)]
    pairs += [(again.efficiencies[of], measured.efficiencies[of]) for of in ("data", "mc")]
    for one, other in pairs:
        for side in ("value", "up", "down"):
            np.testing.assert_array_equal(getattr(one, side), getattr(other, side))
    np.testing.assert_array_equal(again.systematics["background"], measured.systematics["background"])
    for one, other in zip(again.diagnostics, measured.diagnostics, strict=True):
        assert (one.label, one.model, one.chi2, one.ndf) == (other.label, other.model, other.chi2, other.ndf)
        assert one.parameters == other.parameters
        np.testing.assert_array_equal(one.regions["fail"].postfit_signal, other.regions["fail"].postfit_signal)


def test_json_with_categories_correlations_and_coupled_sources() -> None:
    groups = np.array([[0, 1], [2, 2]])
    value = np.array([[0.9, 1.1], [1.0, 1.0]])
    measured = ScaleFactorResult(
        name="norm",
        method="NormRatio",
        quantity="weight",
        description="b tagging",
        axes={"sample": Categories(("tt", "dy")), "flavor": Categories((0, 5))},
        flow={"sample": "clamp", "flavor": "error"},
        scale_factor=Measurement(value, value / 10, value / 7),
        systematics={"pileup": (value / 30, -value / 30)},
        coupled={"hf": (value / 3, value / 11)},
        groups=groups,
        status=("valid", "valid", "joined", "joined"),
        stat_covariance=np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 1 / 3]]),
    )
    again = ScaleFactorResult.from_json(measured.to_json())
    assert again.to_json() == measured.to_json()
    assert again.axes == measured.axes
    assert [type(value) for axis in again.axes.values() for value in axis.values] == [str, str, int, int]  # type: ignore[union-attr]
    assert (again.flow, again.status, again.efficiencies) == (measured.flow, measured.status, {})
    np.testing.assert_array_equal(again.coupled["hf"], measured.coupled["hf"])
    np.testing.assert_array_equal(again.groups, groups)
    assert again.groups.dtype == np.int64
    np.testing.assert_array_equal(again.covariance, measured.covariance)
    assert again.valid.all()


def test_covariance_of_groups_counts_joined_bins_once() -> None:
    measured = result({"signal": ([0.04, 0.04], [-0.04, -0.04])})
    joined = dataclasses.replace(measured, groups=np.array([0, 0]), status=("joined", "joined"))
    assert joined.covariance == pytest.approx(np.array([[0.02**2 + 0.04**2]]))


def test_a_covariance_of_its_own_stays_as_it_is() -> None:
    own = np.array([[0.3, 0.1], [0.1, 0.2]])
    measured = dataclasses.replace(result({"signal": ([0.04, -0.02], [-0.04, 0.02])}), stat_covariance=own.copy())
    shift = np.array([0.04, -0.02])
    for _ in range(2):
        assert measured.covariance == pytest.approx(own + np.outer(shift, shift))
        assert measured.statistical_covariance.tolist() == own.tolist()


def test_infinite_edge_is_plain_json() -> None:
    measured = result({})
    assert json.loads(measured.to_json(), parse_constant=pytest.fail)["axes"] == {"pt": [20.0, 30.0, "inf"]}
    assert ScaleFactorResult.from_json(measured.to_json()).axes == {"pt": (20.0, 30.0, np.inf)}


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        result({"signal": ([np.nan, 0.0], [0.0, 0.0])}).to_json()
