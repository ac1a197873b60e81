from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import StepPatch

from pocket.plots.scale_factors.values import scale_factor_pages, systematic
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.result import Measurement
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION, scale_factor


def heights(ax: Axes) -> list[np.ndarray]:
    """Heights of all points."""
    return [np.asarray(part[0].get_ydata()) for part in ax.containers if isinstance(part, ErrorbarContainer)]


def test_efficiencies_above_the_scale_factor() -> None:
    result = scale_factor()
    ((stem, figure, numbers),) = scale_factor_pages(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    assert stem == ""
    _, *panels = figure.axes
    assert [ax.get_title(loc="left") for ax in panels[::2]] == [r"0 < $|\eta|$ < 1.2", r"1.2 < $|\eta|$ < 2.4"]
    assert {ax.get_ylim() for ax in panels[::2]} == {panels[0].get_ylim()}
    assert {ax.get_ylim() for ax in panels[1::2]} == {panels[1].get_ylim()}
    assert [ax.get_xlabel() for ax in panels[1::2]] == ["$p_T$ [GeV], open-ended"] * 2
    for drawn, of in zip(heights(panels[0]), ("mc", "data"), strict=True):
        assert drawn == pytest.approx(result.efficiencies[of].value[:, 0])
    assert numbers["slices"][0]["edges"] == [20, 30, 40, 50]
    assert numbers["slices"][0]["efficiency_data"]["value"] == pytest.approx(result.efficiencies["data"].value[:, 0])
    json.dumps(numbers, allow_nan=False)


def test_statistical_systematic_and_total_errors() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA})
    ((_, figure, numbers),) = scale_factor_pages(result, style=PlotStyle(), **CAPTION)
    _, *panels = figure.axes
    assert [ax.get_ylabel() for ax in panels] == ["Scale factor", ""]
    value = result.scale_factor.value[:, 1]
    total, syst = (patch for patch in panels[1].patches if isinstance(patch, StepPatch))
    # quadratic sums written out
    up = [
        np.sqrt(sum(max(pair[0][i, 1], pair[1][i, 1], 0) ** 2 for pair in result.systematics.values()))
        for i in range(3)
    ]
    assert syst.get_data().values == pytest.approx(value + up)
    assert total.get_data().values == pytest.approx(value + np.hypot(up, result.scale_factor.up[:, 1]))
    assert total.get_data().baseline == pytest.approx(value - result.total_down[:, 1])
    (points,) = (part for part in panels[1].containers if isinstance(part, ErrorbarContainer))
    ends = [segment[:, 1] for segment in points[2][1].get_segments()]
    expected = [value - result.scale_factor.down[:, 1], value + result.scale_factor.up[:, 1]]
    assert np.array(ends) == pytest.approx(np.array(expected).T)
    shown = numbers["slices"][1]
    assert shown["scale_factor"]["value"] == pytest.approx(value)
    assert shown["syst_up"] == pytest.approx(up)
    assert shown["total_down"] == pytest.approx(result.total_down[:, 1])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["Scale factor (stat.)", "syst.", r"stat. $\oplus$ syst."]


def test_no_boxes_without_systematics() -> None:
    ((_, figure, _),) = scale_factor_pages(result_of({"pt": PT}, sources=()), style=PlotStyle(), **CAPTION)
    assert not figure.axes[1].patches
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Scale factor (stat.)"]


def test_joined_bins_are_one_point_and_open_in_several_panels() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 0], [1, 2], [1, 3]])
    ((_, figure, numbers),) = scale_factor_pages(result, style=PlotStyle(), **CAPTION)
    alone, shared = heights(figure.axes[1])
    assert alone[1:] == pytest.approx([0.91])
    assert np.isnan(alone[0])
    assert shared[:1] == pytest.approx([0.90])
    assert numbers["slices"][0]["edges"] == [20, 30, 100]
    assert "same in several panels" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_failed_bins_are_grey_and_have_no_point() -> None:
    ((_, figure, _),) = scale_factor_pages(scale_factor(failed=2), style=PlotStyle(), **CAPTION)
    _, upper, lower, *_ = figure.axes
    for ax in (upper, lower):
        for drawn in heights(ax):
            assert np.isnan(drawn).tolist() == [False, True, False]
        spans = [patch for patch in ax.patches if patch.get_facecolor()[:3] == pytest.approx((0xDD / 255,) * 3)]
        assert len(spans) == 1


def test_maps_show_the_efficiency() -> None:
    result = result_of({"pt": PT}, quantity="efficiency")
    result = dataclasses.replace(result, efficiencies={"mc": result.scale_factor})
    ((_, figure, _),) = scale_factor_pages(result, style=PlotStyle(), **CAPTION)
    _, panel = figure.axes
    assert panel.get_ylabel() == "Efficiency"
    (drawn,) = heights(panel)
    assert drawn == pytest.approx(result.scale_factor.value)
    # no need to reach one, as scale factors do
    assert panel.get_ylim()[1] < 1


def test_one_page_for_each_category() -> None:
    result = result_of({"year": YEARS, "pt": PT, "abseta": ABSETA})
    pages = list(scale_factor_pages(result, style=PlotStyle(), **CAPTION))
    assert [stem for stem, _, _ in pages] == ["2017", "2018"]
    for number, (_, figure, _) in enumerate(pages):
        assert heights(figure.axes[2])[0] == pytest.approx(result.scale_factor.value[number, :, 1])


def test_one_bin_that_is_not_valid() -> None:
    result = result_of({"pt": (20.0, 30.0)}, sources=(), status=("no convergence",))
    ((_, figure, numbers),) = scale_factor_pages(result, style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    assert numbers["slices"][0]["scale_factor"]["value"] == [None]


def test_systematic_errors_are_what_is_left_of_the_total() -> None:
    result = result_of({"pt": PT}, systematics={"signal": (np.array([0.03, 0, -0.04]), np.array([-0.01, 0, -0.02]))})
    assert systematic(result)[0] == pytest.approx([0.03, 0, 0])
    assert systematic(result)[1] == pytest.approx([0.01, 0, 0.04])
    measurement = Measurement(np.ones(3), np.full(3, 0.1), np.full(3, 0.1))
    assert systematic(dataclasses.replace(result, systematics={}, scale_factor=measurement))[0] == pytest.approx(0)
