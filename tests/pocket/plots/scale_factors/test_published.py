from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import StepPatch

from pocket.plots.scale_factors.published import published_pages
from pocket.plots.style import PlotStyle
from pocket.scale_factors.files.comparison import PublishedComparison
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION


def comparison(result: ScaleFactorResult) -> PublishedComparison:
    """Published values of 0.8 + 0.02 n in bin n, with errors of 0.01 up and 0.02 down."""
    value = 0.8 + 0.02 * result.groups
    published = Measurement(value, np.full_like(value, 0.01), np.full_like(value, 0.02))
    return PublishedComparison("official", {"year": "2018"}, published, 0.5 * result.groups, 12.3, 6, 0.056)


def test_both_and_their_ratio() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA})
    other = comparison(result)
    ((stem, figure, numbers),) = published_pages(result, other, style=PlotStyle(), labels=LABELS, **CAPTION)
    assert stem == ""
    assert r"sf: $\chi^2$/ndf = 12.3/6, p = 0.056" in [text.get_text() for text in figure.texts]
    _, _, _, upper, lower = figure.axes
    measured, published = result.scale_factor.value[:, 1], other.published.value[:, 1]
    for ax, factor in ((upper, np.ones(3)), (lower, 1 / published)):
        band, line = (patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch))
        assert line.values == pytest.approx(published * factor)
        assert band.values == pytest.approx((published + 0.01) * factor)
        assert band.baseline == pytest.approx((published - 0.02) * factor)
        total, stat = (part for part in ax.containers if isinstance(part, ErrorbarContainer))
        for points, up, down in (
            (total, result.total_up[:, 1], result.total_down[:, 1]),
            (stat, result.scale_factor.up[:, 1], result.scale_factor.down[:, 1]),
        ):
            assert np.asarray(points[0].get_ydata()) == pytest.approx(measured * factor)
            ends = np.array([segment[:, 1] for segment in points[2][1].get_segments()]).T
            assert ends == pytest.approx(np.array([measured - down, measured + up]) * factor)
    assert (numbers["chi2"], numbers["ndf"], numbers["p_value"]) == (12.3, 6, 0.056)
    assert numbers["slices"][1]["ratio"] == pytest.approx(measured / published)
    assert numbers["slices"][1]["pull"] == pytest.approx([0.5, 1.5, 2.5])
    json.dumps(numbers, allow_nan=False)


def test_bins_that_are_not_valid_and_published_zeros_have_no_ratio() -> None:
    result = result_of({"pt": PT}, status=("valid", "no convergence", "valid"))
    other = comparison(result)
    other.published.value[2] = 0
    ((_, figure, numbers),) = published_pages(result, other, style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    (shown,) = numbers["slices"]
    assert shown["ratio"] == [pytest.approx(0.9 / 0.8), None, None]
    assert shown["pull"] == [0, None, 1.0]


def test_a_page_for_each_category() -> None:
    result = result_of({"year": YEARS, "pt": PT, "abseta": ABSETA}, quantity="efficiency")
    other = dataclasses.replace(comparison(result), ndf=0)
    pages = list(published_pages(result, other, style=PlotStyle(), **CAPTION))
    assert [stem for stem, _, _ in pages] == ["2017", "2018"]
    assert pages[0][1].axes[1].get_ylabel() == "Efficiency"
