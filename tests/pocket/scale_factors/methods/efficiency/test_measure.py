from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pocket.errors import ScaleFactorError
from pocket.scale_factors import EfficiencyRatio
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors import toys

DECLARATION = EfficiencyRatio(**toys.DECLARED, flow={"abseta": "error"}, description="a trigger")


def test_numbers_of_one_bin() -> None:
    data = toys.template(is_mc=False, mass_axis=False)
    mc = toys.template(is_mc=True, mass_axis=False)
    for i, j in np.ndindex(toys.SHAPE):
        toys.fill(data, i, j, [1] * 90 + [0] * 10)
        toys.fill(mc, i, j, [1] * 95 + [0] * 5, weight=2.0)
    result = measure("trigger", DECLARATION, {"data": data, "dy": mc})
    assert result.method == "EfficiencyRatio"
    assert result.flow == {"pt": "clamp", "abseta": "error"}
    assert result.description == "a trigger"
    assert result.status == ("valid",) * 6
    assert result.scale_factor.value == pytest.approx(np.full(toys.SHAPE, 0.9 / 0.95))
    high = stats.beta.isf(stats.norm.sf(1), 91, 10) - 0.9
    binomial = np.sqrt(0.95 * 0.05 / 100)
    expected = 0.9 / 0.95 * np.hypot(high / 0.9, binomial / 0.95)
    assert result.scale_factor.up == pytest.approx(np.full(toys.SHAPE, expected))


def one_bin(passing: float, failing: float, is_mc: bool, weight: float = 1.0) -> hist.Hist[Any]:
    axes: list[Any] = [hist.axis.StrCategory(["baseline"], name="cat")]
    if is_mc:
        axes.append(hist.axis.StrCategory(["nominal"], name="variation"))
    axes += [hist.axis.Integer(0, 2, name="passing"), hist.axis.Regular(1, 20, 30, name="pt")]
    histogram = hist.Hist(*axes, storage=hist.storage.Weight())
    sums = np.array([failing, passing])[:, np.newaxis]
    histogram.view().value[...] = sums * weight
    histogram.view().variance[...] = np.abs(sums) * weight**2
    return histogram


counts = st.integers(0, 30)


@given(counts, counts, st.integers(-3, 30), st.integers(-3, 30))
@settings(max_examples=150)
def test_a_number_or_an_error(passing: int, failing: int, mc_passing: int, mc_failing: int) -> None:
    declaration = EfficiencyRatio(**{**toys.DECLARED, "axes": ("pt",)})
    templates = {"data": one_bin(passing, failing, False), "dy": one_bin(mc_passing, mc_failing, True, 0.25)}
    if passing > 0 and mc_passing > 0 and mc_failing >= 0:
        measured = measure("trigger", declaration, templates).scale_factor
        assert measured.value.item() == pytest.approx(
            passing / (passing + failing) / (mc_passing / (mc_passing + mc_failing))
        )
        assert np.isfinite([measured.up, measured.down]).all()
        assert measured.down.item() > 0
        assert measured.up.item() > 0
    else:
        with pytest.raises(ScaleFactorError, match=r"trigger in (data|simulation): no efficiency in pt \[20, 30\)"):
            measure("trigger", declaration, templates)
