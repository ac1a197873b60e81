from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from pocket.errors import HistogramError
from pocket.plots.before_after import before_after
from pocket.plots.compare import chi2_data_mc
from pocket.plots.style import PlotStyle
from tests.pocket.plots.zmumu import CAPTION, z_peak

NAMES: dict[str, Any] = {"histogram": "mll", "category": "z_window", **CAPTION}


def test_both_sides_are_compared_with_data() -> None:
    data, before = z_peak()
    after = {sample: h * 0.8 for sample, h in before.items()}
    figure, numbers = before_after(data, before, after, style=PlotStyle(), title="Z window", **NAMES)
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


def test_the_change_has_an_error_only_if_it_is_known() -> None:
    data, before = z_peak()
    after = {sample: h * 0.98 for sample, h in before.items()}
    unknown, numbers = before_after(data, before, after, style=PlotStyle(), **NAMES)
    assert numbers["after_over_before"]["values"] == pytest.approx(np.full(25, 0.98))
    assert numbers["after_over_before"]["error"] is None
    assert [text.get_text() for text in unknown.axes[2].texts] == ["same events: no independent error"]
    known, numbers = before_after(data, before, after, style=PlotStyle(), ratio_error=np.full(25, 0.01), **NAMES)
    assert numbers["after_over_before"]["error"] == [0.01] * 25
    assert not known.axes[2].texts
    (band,) = (patch for patch in known.axes[2].patches if isinstance(patch, StepPatch) and patch.get_fill())
    assert np.asarray(band.get_data().values) == pytest.approx(np.full(25, 0.99))


def test_blinded_data_are_hidden_on_both_sides() -> None:
    data, mc = z_peak()
    blind = {"categories": ["z_window"], "histograms": {"mll": [86.0, 96.0]}}
    style = PlotStyle.from_parameters({"blind_hists": blind, "log_histograms": ["mll"]})
    figure, numbers = before_after(data, mc, mc, style=style, **NAMES)
    assert numbers["data"]["values"].count(None) == 5
    assert figure.axes[0].get_yscale() == "log"
    assert "data partly blinded" in [text.get_text() for text in figure.axes[0].texts]


def test_missing_simulation_is_refused() -> None:
    data, mc = z_peak()
    with pytest.raises(HistogramError, match="no MC sample is left to draw of none"):
        before_after(data, {}, mc, style=PlotStyle(), **NAMES)
