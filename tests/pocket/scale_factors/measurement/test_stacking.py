from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import FitDiagnostics, Measurement, ScaleFactorResult
from pocket.scale_factors.measurement.stacking import stack

PT = (20.0, 30.0, 50.0, 80.0)


def result(first: float, **changes: Any) -> ScaleFactorResult:
    """A measurement of three bins, the last two of which are joined."""
    value = np.array([first, first + 0.1, first + 0.1])
    measured = Measurement(value, value / 100, value / 50)
    fit = FitDiagnostics("pt [20, 30)", "nominal", np.array([60.0, 120.0]), {}, 1.0, 1, {}, "valid", 1)
    fields: dict[str, Any] = {
        "name": "sf",
        "method": "EfficiencyRatio",
        "description": "",
        "quantity": "weight",
        "axes": {"pt": PT},
        "flow": {"pt": "clamp"},
        "scale_factor": measured,
        "systematics": {"pileup": (value / 10, -value / 10)},
        "groups": np.array([0, 1, 1]),
        "status": ("valid", "joined", "joined"),
        "efficiencies": {"data": measured, "mc": measured},
        "diagnostics": (fit,),
    }
    return ScaleFactorResult(**{**fields, **changes})


def test_names_become_the_first_axis() -> None:
    one, other = result(0.9), result(0.8)
    both = stack("year", {"2017": one, "2018": other})
    assert both.axes == {"year": Categories(("2017", "2018")), "pt": PT}
    assert both.flow == {"pt": "clamp"}
    assert both.scale_factor.value.tolist() == [one.scale_factor.value.tolist(), other.scale_factor.value.tolist()]
    assert both.efficiencies["mc"].down.tolist() == [part.scale_factor.down.tolist() for part in (one, other)]
    assert both.systematics["pileup"][1].tolist() == [part.systematics["pileup"][1].tolist() for part in (one, other)]
    assert both.groups.tolist() == [[0, 1, 1], [2, 3, 3]]
    assert both.status == ("valid", "joined", "joined") * 2
    assert both.stat_covariance is None
    assert [fit.label for fit in both.diagnostics] == ["year 2017, pt [20, 30)", "year 2018, pt [20, 30)"]


def test_stacked_twice() -> None:
    parts = {
        year: stack("sample", {"tt": result(first), "dy": result(first + 0.2)})
        for year, first in (("2017", 0.5), ("2018", 0.6))
    }
    both = stack("year", parts)
    assert list(both.axes) == ["year", "sample", "pt"]
    assert both.groups.ravel().tolist() == [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7]
    assert both.scale_factor.value[1, 1].tolist() == result(0.8).scale_factor.value.tolist()


def test_one_measurement_with_two_names() -> None:
    same, other = result(0.9), result(0.8)
    both = stack("sample", {"st": same, "dy": other, "tt": same})
    assert both.groups.tolist() == [[0, 1, 1], [2, 3, 3], [0, 1, 1]]
    assert both.scale_factor.value[0].tolist() == both.scale_factor.value[2].tolist()
    assert both.statistical_covariance.shape == (4, 4)


def test_covariance_is_that_of_both() -> None:
    covariance = np.array([[4.0, 1.0], [1.0, 9.0]]) * 1e-4
    correlated = result(0.9, stat_covariance=covariance)
    both = stack("year", {"2017": correlated, "2018": result(0.8)})
    independent = ((0.8 * 0.03 / 2) ** 2, (0.9 * 0.03 / 2) ** 2)
    assert both.statistical_covariance[:2, :2] == pytest.approx(covariance)
    assert both.statistical_covariance[2:, 2:] == pytest.approx(np.diag(independent))
    assert not both.statistical_covariance[:2, 2:].any()


def test_source_that_one_lacks_does_not_shift_it() -> None:
    one = result(0.9, systematics={}, coupled={"hf": (np.full(3, 0.1), np.full(3, -0.2))})
    both = stack("sample", {"tt": one, "dy": result(0.8)})
    assert both.systematics["pileup"][0][0].tolist() == [0, 0, 0]
    assert both.systematics["pileup"][0][1].tolist() == pytest.approx([0.08, 0.09, 0.09])
    assert both.coupled["hf"][1].tolist() == [[-0.2] * 3, [0] * 3]


def test_nothing_shifts() -> None:
    both = stack("sample", {"tt": result(0.9, systematics={}), "dy": result(0.8, systematics={})})
    assert both.systematics == both.coupled == {}


def test_other_bins() -> None:
    other = dataclasses.replace(result(0.8), axes={"pt": (20.0, 30.0, 50.0, 90.0)})
    with pytest.raises(ScaleFactorError, match=r"^sf: year '2018' has other bins than year '2017'$"):
        stack("year", {"2017": result(0.9), "2018": other})
