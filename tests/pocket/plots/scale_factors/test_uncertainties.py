from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from pocket.plots.scale_factors.uncertainties import breakdown_pages, correlation_page, coupled_pages, group_texts
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.binning import Categories
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION


def percent(numbers: dict[str, Any], number: int = 0) -> dict[str, list[float | None]]:
    """The lines of a slice by their names."""
    return {line["name"]: line["values"] for line in numbers["slices"][number]["percent"]}


def drawn(ax: Axes) -> list[np.ndarray]:
    """Heights of the lines, that on top first."""
    return [patch.get_data().values for patch in reversed(ax.patches) if isinstance(patch, StepPatch)]


def test_relative_uncertainties_in_percent() -> None:
    result = result_of({"pt": PT}, systematics={"total": (np.array([0.01, -0.02, 0]), np.array([-0.03, 0.01, 0]))})
    ((_, _, numbers),) = breakdown_pages(result, style=PlotStyle(), **CAPTION)
    value = result.scale_factor.value
    shown = percent(numbers)
    assert list(shown) == ["Total", "Statistics", "total"]
    assert shown["total"] == pytest.approx(100 * np.array([0.03, 0.02, 0]) / value)
    assert shown["Statistics"] == pytest.approx(100 * np.array([0.0035, 0.0045, 0.0055]) / value)
    assert shown["Total"] == pytest.approx(50 * (result.total_up + result.total_down) / value)


def test_bins_that_are_not_valid_have_none() -> None:
    result = result_of({"pt": PT}, status=("valid", "no convergence", "valid"))
    ((_, figure, numbers),) = breakdown_pages(result, style=PlotStyle(), **CAPTION)
    assert [value is None for value in percent(numbers)["signal"]] == [False, True, False]
    assert np.isnan(drawn(figure.axes[1])[0]).tolist() == [False, True, False]


def test_a_line_for_each_source() -> None:
    sources = tuple(f"source{number}" for number in range(12))
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 1], [2, 3], [2, 4]], sources=sources)
    ((stem, figure, numbers),) = breakdown_pages(result, style=PlotStyle(), labels=LABELS, **CAPTION)
    assert stem == ""
    _, first, second = figure.axes
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["Total", "Statistics", *sources]
    looks = {(line.get_color(), line.get_linestyle()) for line in legend.get_lines()}
    assert len(looks) == 14
    for number, ax in enumerate((first, second)):
        assert ax.get_ylim() == first.get_ylim()
        for line, values in zip(drawn(ax), percent(numbers, number).values(), strict=True):
            assert line == pytest.approx(values)
    # the joined bins are one
    assert drawn(first)[3] == pytest.approx(100 * np.array([0.004, 0.008]) / np.array([0.90, 0.92]))
    json.dumps(numbers, allow_nan=False)


def test_variations_of_the_weight_have_signs() -> None:
    shifts = (np.array([0.01, 0.02, -0.03]), np.array([-0.01, 0.01, 0.02]))
    result = result_of({"pt": PT}, sources=(), coupled={f"hf{number}": shifts for number in range(10)})
    ((_, figure, numbers),) = coupled_pages(result, style=PlotStyle(), **CAPTION)
    assert list(percent(numbers))[:3] == ["hf0 up", "hf0 down", "hf1 up"]
    for name, shift in zip(("hf9 up", "hf9 down"), shifts, strict=True):
        assert percent(numbers)[name] == pytest.approx(100 * shift / result.scale_factor.value)
    low, high = figure.axes[1].get_ylim()
    assert low < -100 * 0.03 / 0.92 < 100 * 0.02 / 0.91 < high
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.legends[0].get_lines()}) == 20


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
