from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from pocket.plots.scale_factors import range_text, scale_factor_slices
from pocket.plots.style import PlotStyle
from pocket.scale_factors.result import Measurement
from tests.pocket.plots.zmumu import CAPTION, scale_factor

LABELS = {"pt": "$p_T$ [GeV]", "abseta": r"$|\eta|$"}


@pytest.mark.parametrize(
    ("label", "low", "high", "text"),
    [
        ("$p_T$ [GeV]", 20, 25, "20 < $p_T$ < 25 GeV"),
        ("$p_T$ [GeV]", 60, float("inf"), "$p_T$ > 60 GeV"),
        ("$p_T$ [GeV]", -float("inf"), 60, "$p_T$ < 60 GeV"),
        ("eta", -2.4, -1.2, "-2.4 < eta < -1.2"),
    ],
)
def test_ranges_in_words(label: str, low: float, high: float, text: str) -> None:
    assert range_text(label, low, high) == text


def test_a_pair_of_panels_for_each_bin_of_the_second_axis() -> None:
    result = scale_factor()
    figure, numbers = scale_factor_slices(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    _, *panels = figure.axes
    assert [ax.texts[0].get_text() for ax in panels[::2]] == [
        r"muon_id: 0 < $|\eta|$ < 1.2",
        r"muon_id: 1.2 < $|\eta|$ < 2.4",
    ]
    assert {ax.get_ylim() for ax in panels[::2]} == {panels[0].get_ylim()}
    assert {ax.get_ylim() for ax in panels[1::2]} == {panels[1].get_ylim()}
    assert [ax.get_xlabel() for ax in panels[1::2]] == ["$p_T$ [GeV], open-ended"] * 2
    mc, data = (part for part in panels[0].containers if isinstance(part, ErrorbarContainer))
    assert np.asarray(mc[0].get_ydata()) == pytest.approx(result.efficiencies["mc"].value[:, 0])
    assert np.asarray(data[0].get_ydata()) == pytest.approx(result.efficiencies["data"].value[:, 0])
    assert numbers["edges"] == [20, 30, 40, 50]
    assert numbers["slices"][1]["total_up"] == pytest.approx(np.hypot(0.002, 0.003) * np.ones(3))
    json.dumps(numbers, allow_nan=False)


def test_failed_bins_are_grey_and_have_no_point() -> None:
    figure, _ = scale_factor_slices(scale_factor(failed=2), style=PlotStyle(), **CAPTION)
    _, upper, lower, *_ = figure.axes
    for ax in (upper, lower):
        for container in ax.containers:
            assert isinstance(container, ErrorbarContainer)
            assert np.isnan(np.asarray(container[0].get_ydata())).tolist() == [False, True, False]
        spans = [patch for patch in ax.patches if patch.get_facecolor()[:3] == pytest.approx((0xDD / 255,) * 3)]
        assert len(spans) == 1


def flat(measurement: Measurement) -> Measurement:
    return Measurement(measurement.value[0], measurement.up[0], measurement.down[0])


def test_one_axis_without_any_valid_bin() -> None:
    result = scale_factor(pt=(20, 30), abseta=(0, 1), failed=0)
    single = dataclasses.replace(
        result,
        axes={"pt": (20.0, 30.0)},
        scale_factor=flat(result.scale_factor),
        efficiencies={of: flat(part) for of, part in result.efficiencies.items()},
        groups=np.arange(1),
        systematics={},
    )
    figure, _ = scale_factor_slices(single, style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    assert figure.axes[1].texts[0].get_text() == "muon_id"
