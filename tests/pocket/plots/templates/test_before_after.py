from __future__ import annotations

import json
import math
from typing import Any

import hist
import numpy as np
import pytest
from matplotlib.patches import StepPatch

from pocket.errors import HistogramError
from pocket.plots.statistics import Prediction, chi2_data_mc
from pocket.plots.style import PlotStyle
from pocket.plots.templates.before_after import draw, ratio_error
from tests.pocket.plots.zmumu import counts, drawn, z_peak


def before_after(data: Any, before: Any, after: Any, style: PlotStyle, **given: Any) -> Any:
    return drawn(draw, data, after, style, before=before, **given)


def test_both_sides_are_compared_with_data() -> None:
    data, before = z_peak()
    after = {sample: h * 0.8 for sample, h in before.items()}
    figure, numbers = before_after(data, before, after, style=PlotStyle())
    for name, mc in (("before", before), ("after", after)):
        assert numbers[name]["comparison"] == chi2_data_mc(data, mc).as_dict()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    entries = [text.get_text() for text in legend.get_texts()]
    assert entries[0] == f"Data: {data.values().sum():.0f}"
    for entry, name in zip(entries[1:], ("before", "after"), strict=True):
        comparison = numbers[name]["comparison"]
        assert entry.startswith(f"MC {name} SF: {comparison['mc_yield']:.0f} ")
        assert f"{comparison['chi2']:.1f}/{comparison['ndf']}, p " in entry
    assert [ax.get_ylabel() for ax in figure.axes] == ["Events / 2 GeV", "Data / MC", "After / before"]
    assert figure.axes[2].get_xlabel() == r"$m_{\mu\mu}$ [GeV]"
    json.dumps(numbers, allow_nan=False)


def test_data_that_a_calibrator_changes_are_compared_with_their_own_simulation() -> None:
    data, before = z_peak()
    moved = data.copy()
    moved.view()[:] = np.roll(data.view(), 1)
    after = {sample: h * 0.8 for sample, h in before.items()}
    figure, numbers = before_after(data, before, after, data_before=moved, style=PlotStyle())
    assert numbers["before"]["comparison"] == chi2_data_mc(moved, before).as_dict()
    assert numbers["after"]["comparison"] == chi2_data_mc(data, after).as_dict()
    assert numbers["data_before"]["values"] == moved.values().tolist()
    assert numbers["data"]["values"] == data.values().tolist()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    entries = [text.get_text().partition(":")[0] for text in legend.get_texts()]
    assert entries == ["Data before", "Data after", "MC before", "MC after"]
    # the same data are drawn once
    _, same = before_after(data, before, after, data_before=data.copy(), style=PlotStyle())
    assert "data_before" not in same


def test_the_change_has_no_error_unless_it_is_known() -> None:
    data, before = z_peak()
    after = {sample: h * 0.98 for sample, h in before.items()}
    figure, numbers = before_after(data, before, after, style=PlotStyle())
    assert numbers["after_over_before"]["values"] == pytest.approx(np.full(25, 0.98))
    assert numbers["after_over_before"]["error"] is None
    assert [text.get_text() for text in figure.axes[2].texts] == ["same events: no independent error"]


Events = dict[str, tuple[Any, Any, Any]]
AXIS = hist.axis.Regular(3, 0, 3, name="x")


def events(seed: int) -> Events:
    """Sample → bin, weight before and scale factor of each event."""
    rng = np.random.default_rng(seed)
    found = {}
    for sample, size, mean in (("DYJetsToMuMu", 3000, 0.9), ("TTToSemiLeptonic", 600, 1.3)):
        sign = np.where(rng.random(size) < 0.1, -1.0, 1.0)
        found[sample] = (rng.integers(0, 3, size), sign * rng.uniform(0.5, 2, size), rng.normal(mean, 0.2, size))
    return found


def filled(events: Events, power: float) -> dict[str, Any]:
    """Return sample → histogram, with the weight times a power of the scale factor."""
    histograms = {}
    for sample, (bins, weight, factor) in events.items():
        h = hist.Hist(hist.axis.StrCategory(["nominal"], name="variation"), AXIS, storage=hist.storage.Weight())
        h.fill("nominal", bins, weight=weight * factor**power)
        histograms[sample] = h
    return histograms


def test_the_error_of_the_change_is_that_of_the_same_events() -> None:
    made, data = events(1), counts([1000.0, 900.0, 1100.0])
    style = PlotStyle.from_parameters({"rescale_samples": {"TTToSemiLeptonic": 3.0}})
    histograms = {name: filled(made, power) for name, power in (("before", 0), ("after", 1), ("covariance", 0.5))}
    figure, numbers = before_after(data, **histograms, style=style)
    # one event after the other, and as often as a Poisson distribution says
    bins, weight, factor = (np.concatenate(parts) for parts in zip(*made.values(), strict=True))
    weight[len(made["DYJetsToMuMu"][0]) :] *= 3
    ratios = np.empty((2000, 3))
    copies = np.random.default_rng(2).poisson(1, (2000, bins.size))
    for number in range(3):
        own = bins == number
        ratio = (weight * factor)[own].sum() / weight[own].sum()
        expected = math.sqrt(sum(((weight * factor - ratio * weight)[own]) ** 2)) / weight[own].sum()
        assert numbers["after_over_before"]["values"][number] == pytest.approx(ratio)
        assert numbers["after_over_before"]["error"][number] == pytest.approx(expected, rel=1e-9)
        ratios[:, number] = (copies[:, own] @ (weight * factor)[own]) / (copies[:, own] @ weight[own])
    assert np.std(ratios, axis=0) == pytest.approx(np.array(numbers["after_over_before"]["error"]), rel=0.08)
    assert not figure.axes[2].texts
    (band,) = (patch for patch in figure.axes[2].patches if isinstance(patch, StepPatch) and patch.get_fill())
    change = numbers["after_over_before"]
    assert np.asarray(band.get_data().values) == pytest.approx(np.array(change["values"]) + change["error"])


def test_the_same_factor_for_all_events_has_no_error() -> None:
    same = {sample: (bins, weight, np.full(bins.size, 0.98)) for sample, (bins, weight, _) in events(3).items()}
    histograms = {name: filled(same, power) for name, power in (("before", 0), ("after", 1), ("covariance", 0.5))}
    _, numbers = before_after(counts([1000.0, 900.0, 1100.0]), **histograms, style=PlotStyle())
    assert numbers["after_over_before"]["error"] == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_bin_without_anything_before_has_no_change() -> None:
    empty = Prediction(np.array([0.0, 2.0]), np.array([0.0, 2.0]))
    error = ratio_error(empty, empty, np.array([0.0, 2.0]), "x")
    np.testing.assert_array_equal(error, [np.nan, 0.0])


def test_a_covariance_of_other_events_is_refused() -> None:
    before, after, covariance = (filled(events(4), power) for power in (0, 1, 0.5))
    data = counts([1000.0, 900.0, 1100.0])
    with pytest.raises(
        HistogramError, match="mll: the sums of squares of before, after and their covariance aren't of the"
    ):
        before_after(data, before, after, covariance={name: 2 * h for name, h in covariance.items()}, style=PlotStyle())
    covariance.pop("TTToSemiLeptonic")
    with pytest.raises(HistogramError, match="mll: before, after and their covariance have different samples"):
        before_after(data, before, after, covariance=covariance, style=PlotStyle())


def test_blinded_data_are_hidden_on_both_sides() -> None:
    data, mc = z_peak()
    blind = {"categories": ["z_window"], "histograms": {"mll": [86.0, 96.0]}}
    style = PlotStyle.from_parameters({"blind_hists": blind, "log_histograms": ["mll"]})
    figure, numbers = before_after(data, mc, mc, style=style)
    assert numbers["data"]["values"].count(None) == 5
    assert figure.axes[0].get_yscale() == "log"
    assert "data partly blinded" in [text.get_text() for text in figure.axes[0].texts]


def test_nothing_is_compared_without_data_or_simulation() -> None:
    data, mc = z_peak()
    for given in ((data, {}, mc), (data, mc, {}), (None, mc, mc)):
        assert before_after(*given, style=PlotStyle()) is None
