"""Energy scales and smearings against those that toys were made with, event by event."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest
from scipy import stats

from pocket.errors import ConfigError, ScaleFactorError
from pocket.histograms.config import Axis
from pocket.scale_factors import EnergyScale
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import Measured, ScaleFactorResult
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.methods.energy_scale.measure import in_pairs
from pocket.scale_factors.methods.energy_scale.measure import measure as measure_energies
from tests.pocket.scale_factors import energy_toys as toys

TRUTH = np.array([toys.SCALES, toys.SMEARINGS])


def result(histograms: dict[str, hist.Hist[Any]], **arguments: Any) -> ScaleFactorResult:
    return measure("energy", toys.declared(**arguments), histograms)


def measured(histograms: dict[str, hist.Hist[Any]], declaration: EnergyScale) -> Measured:
    return measure_energies(
        declaration, Templates("energy", declaration, histograms, find_bins("energy", declaration, histograms))
    )


def test_scales_and_smearings_are_those_of_the_toys() -> None:
    found = np.array([result(toys.histograms(seed)).scale_factor.value for seed in range(40)])
    errors = np.array([(one.up + one.down) / 2 for one in (result(toys.histograms(s)).scale_factor for s in range(6))])
    pulls = (found - TRUTH) / errors.mean(axis=0)
    assert np.abs(pulls.mean(axis=0)).max() < 4 / np.sqrt(len(found))
    assert stats.chi2.sf((pulls.mean(axis=0) ** 2).sum() * len(found), 4) > 1e-3
    widths = pulls.std(axis=0, ddof=1)
    assert ((widths > 0.65) & (widths < 1.4)).all()


def test_errors_have_the_statistics_of_simulation() -> None:
    many, few = (result(toys.histograms(1, simulated=size)).scale_factor.up for size in (400_000, 20_000))
    assert (few > 1.15 * many).all()
    # Variances are 1 + 1/r for r times as many effective events in simulation as in data.
    assert few[0] / many[0] == pytest.approx(np.sqrt((1 + 1 / 0.81) / (1 + 1 / (20 * 0.81))), rel=0.15)


def test_the_axes_and_what_is_written() -> None:
    one = result(toys.histograms(1))
    assert list(one.axes) == ["parameter", "abseta"]
    assert one.quantity == "calibration"
    assert [fit.label for fit in one.diagnostics] == [
        "abseta [0, 1.5) and abseta [0, 1.5)",
        "abseta [0, 1.5) and abseta [1.5, 2.5)",
        "abseta [1.5, 2.5) and abseta [1.5, 2.5)",
    ]
    p_values = [stats.chi2.sf(fit.chi2, fit.ndf) for fit in one.diagnostics]
    assert all(1e-3 < p_value < 0.999 for p_value in p_values)


def test_the_order_of_the_leptons_does_not_matter() -> None:
    made = toys.histograms(2)
    exchanged = {}
    for name, histogram in made.items():
        swapped = histogram.copy()
        for key in ("value", "variance"):
            swapped.view(flow=True)[key] = np.swapaxes(histogram.view(flow=True)[key], -1, -2)
        exchanged[name] = swapped
    assert result(exchanged).scale_factor.value == pytest.approx(result(made).scale_factor.value, rel=1e-9)


def test_pairs_add_both_orders() -> None:
    contents = np.arange(9.0).reshape(3, 3)
    # the diagonal counts once
    assert in_pairs(contents).tolist() == [0, 1 + 3, 2 + 6, 4, 5 + 7, 8]


def test_without_smearing_the_scale_alone() -> None:
    made = toys.histograms(1, smearings=np.zeros(2))
    found = measured(made, toys.declared(smearing=False))
    assert found.leading is not None
    assert found.leading[1].values == ("scale",)
    pulls = (found.values.value - toys.SCALES) / found.values.up
    assert np.abs(pulls).max() < 3.5


def test_wrong_templates() -> None:
    made = toys.histograms(1)
    narrow = toys.declared(mass_range=(90, 92))
    axes = [Axis("x", name=name, bins=2, start=0, stop=2.5) for name in ("abseta", "other_abseta")]
    for refuse in (
        lambda: measured(made, narrow),
        lambda: narrow.check_axes([*axes, Axis("x", name="mass", bins=100, start=70, stop=110)], "scale factor 'a'"),
    ):
        with pytest.raises(ConfigError, match=r"axis 'mass': mass_range holds 5 bins, a fit needs 10"):
            refuse()
    empty = {**made, "data": toys.template(is_mc=False)}
    empty["data"].fill("baseline", np.full(50, 90.0), 0.5, 0.5)
    with pytest.raises(ScaleFactorError, match=r"energy: no pairs in data or simulation in abseta \[1\.5, 2\.5\)"):
        measured(empty, toys.declared())
