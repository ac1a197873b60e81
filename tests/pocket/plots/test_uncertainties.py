from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from pocket.plots.style import PlotStyle
from pocket.plots.uncertainties import breakdown_pages, correlation_page, group_texts, relative_uncertainties
from pocket.scale_factors.binning import Categories
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION


def test_relative_uncertainties_in_percent() -> None:
    result = result_of({"pt": PT}, systematics={"signal": (np.array([0.01, -0.02, 0]), np.array([-0.03, 0.01, 0]))})
    relative = relative_uncertainties(result)
    value = result.scale_factor.value
    assert relative["signal"] == pytest.approx(100 * np.array([0.03, 0.02, 0]) / value)
    assert relative["stat"] == pytest.approx(100 * np.array([0.0035, 0.0045, 0.0055]) / value)
    assert relative["total"] == pytest.approx(50 * (result.total_up + result.total_down) / value)


def test_bins_that_are_not_valid_have_none() -> None:
    result = result_of({"pt": PT}, status=("valid", "no convergence", "valid"))
    assert np.isnan(relative_uncertainties(result)["signal"]).tolist() == [False, True, False]


def test_a_line_for_each_source() -> None:
    sources = tuple(f"source{number}" for number in range(12))
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 1], [2, 3], [2, 4]], sources=sources)
    ((stem, figure, numbers),) = breakdown_pages(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    assert stem == ""
    _, first, second = figure.axes
    legend = dict(
        zip((text.get_text() for text in figure.legends[0].get_texts()), figure.legends[0].get_lines(), strict=True)
    )
    assert list(legend) == ["Total", "Statistics", *sources]
    looks = {(line.get_color(), line.get_linestyle()) for line in legend.values()}
    assert len(looks) == len(legend)
    drawn = {patch.get_edgecolor(): patch for patch in first.patches if isinstance(patch, StepPatch)}
    assert len(first.patches) == len(legend)
    relative = relative_uncertainties(result)
    assert drawn[0.0, 0.0, 0.0, 1.0].get_data().values == pytest.approx(relative["total"][:2, 0])
    assert first.get_ylim() == second.get_ylim()
    assert first.get_ylim()[0] == 0
    assert numbers["slices"][1]["percent"]["source3"] == pytest.approx(relative["source3"][:, 1])
    json.dumps(numbers, allow_nan=False)


def test_correlation_of_all_bins() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 1], [2, 3], [2, 4]])
    figure, numbers = correlation_page(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    error = np.sqrt(np.diag(result.covariance))
    expected = result.covariance / error / error[:, np.newaxis]
    assert np.array(numbers["correlation"]) == pytest.approx(expected)
    assert np.asarray(figure.axes[1].collections[0].get_array()) == pytest.approx(expected)
    assert numbers["bins"][2] == r"30 < $p_T$ < 100, 0 < $|\eta|$ < 1.2"
    json.dumps(numbers, allow_nan=False)


def test_correlations_with_bins_that_are_not_valid_are_undefined() -> None:
    result = result_of({"pt": PT}, status=("valid", "no convergence", "valid"))
    figure, numbers = correlation_page(result, style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    assert numbers["correlation"][1] == [None] * 3
    assert None not in (numbers["correlation"][0][0], numbers["correlation"][0][2])


def test_labels_are_on_the_page() -> None:
    result = result_of({"year": YEARS, "sample": Categories(("TTToSemiLeptonic", "DY")), "pt": PT})
    figure, _ = correlation_page(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    figure.canvas.draw()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert min(box.x0, box.y0) > 0
            assert box.x1 < figure.bbox.x1
            assert box.y1 < figure.bbox.y1


def test_bins_in_words() -> None:
    axes = {"sample": Categories(("TT", "DY", "ST")), "pt": PT}
    result = result_of(axes, groups=[[0, 1, 1], [2, 3, 4], [0, 1, 1]])
    assert group_texts(result, LABELS, PlotStyle()) == [
        "TT + ST, 20 < $p_T$ < 30",
        "TT + ST, 30 < $p_T$ < 100",
        "DY, 20 < $p_T$ < 30",
        "DY, 30 < $p_T$ < 50",
        "DY, 50 < $p_T$ < 100",
    ]
