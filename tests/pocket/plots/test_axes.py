from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import HistogramError
from pocket.plots.axes import Binning, fit_legend, label_x, label_y, projections
from pocket.plots.canvas import Box, cms_style, new_figure
from tests.entries import check_each


@check_each(
    ("axis", "label"),
    [
        (hist.axis.Regular(30, 60, 120, label="$m$ [GeV]"), "Events / 2 GeV"),
        (hist.axis.Regular(60, 60, 120, label="$m$ [GeV]"), "Events / GeV"),
        (hist.axis.Regular(24, -2.4, 2.4, label=r"$\eta$"), "Events / 0.2"),
        (hist.axis.Regular(4, 0, 4, label="score"), "Events / bin"),
        (hist.axis.Variable([20, 30, 60], label="$p_T$ [GeV]"), "Events / bin"),
        (hist.axis.Variable([20, 30, 40, math.inf], label="$p_T$ [GeV]"), "Events / bin"),
        (hist.axis.Integer(0, 5, label="$N$"), "Events"),
        (hist.axis.StrCategory(["ee", "mm"], label="channel"), "Events"),
    ],
)
def test_the_vertical_axis_says_what_is_counted(axis: object, label: str) -> None:
    assert Binning.from_axis(axis).events_label == label


def test_small_integers_and_categories_have_names() -> None:
    assert Binning.from_axis(hist.axis.Integer(0, 3)).names == ("0", "1", "2")
    assert Binning.from_axis(hist.axis.StrCategory(["ee", "mm"])).names == ("ee", "mm")
    assert Binning.from_axis(hist.axis.Integer(0, 80)).names == ()


def test_open_bins_are_as_wide_as_their_neighbours() -> None:
    binning = Binning((-math.inf, 0, 10, 30, math.inf), "x")
    assert binning.edges.tolist() == [-10, 0, 10, 30, 50]
    assert binning.centers.tolist() == [-5, 5, 20, 40]
    assert Binning((20, math.inf), "x").edges.tolist() == [20, 21]
    assert Binning((-math.inf, math.inf), "x").edges.tolist() == [0, 1]


def test_a_logarithmic_axis_stays_logarithmic() -> None:
    binning = Binning.from_axis(hist.axis.Regular(3, 1, 1000, transform=hist.axis.transform.log))
    assert binning.centers == pytest.approx([10**0.5, 10**1.5, 10**2.5])
    ax = new_figure(4, 4, 50).add_subplot()
    label_x([ax], binning, None)
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("log_floor", [None, 0.1])
@pytest.mark.parametrize("shape", ["flat", "left", "right", "peak"])
def test_nothing_drawn_reaches_text_or_legend(shape: str, log_floor: float | None) -> None:
    x = np.linspace(0, 1, 40)
    tops = {"flat": np.ones(40), "left": np.exp(-9 * x), "right": np.exp(9 * x), "peak": np.exp(-99 * (x - 0.5) ** 2)}
    heights = 1000 * tops[shape]
    edges = np.linspace(0, 200, 41)
    with cms_style():
        figure = new_figure(10, 10, 50)
        ax = figure.add_axes((0.15, 0.3, 0.8, 0.6))
        label_x([ax], Binning(edges, "x"), None)
        bars = ax.stairs(heights, edges, label="MC")
        fit_legend(
            ax, edges, [heights], [(bars, f"process {i}") for i in range(9)], ["title", "second line"], log_floor
        )
        figure.canvas.draw()
        legend = ax.get_legend()
        assert legend is not None
        boxes = [Box.of(artist, ax) for artist in (*ax.texts, legend)]
        drawn = (ax.transData - ax.transAxes).transform(np.column_stack([edges[:-1], heights]))
    assert all(box.left >= -0.01 and box.right <= 1.01 for box in boxes)
    for position, height in drawn:
        assert all(height < box.bottom for box in boxes if box.left < position < box.right)
    assert 0.3 < drawn[:, 1].max() < 1


def test_bins_outside_the_range_do_not_scale() -> None:
    edges = np.linspace(0, 10, 11)
    heights = np.ones(10)
    heights[-1] = 1e6
    with cms_style():
        ax = new_figure(10, 10, 50).add_subplot()
        label_x([ax], Binning(edges, "x"), (0, 8))
        fit_legend(ax, edges, [heights], [(ax.stairs(heights, edges), "MC")], ["title"])
    assert ax.get_ylim()[1] < 10


def test_ticks_are_plain_and_their_power_of_ten_a_formula() -> None:
    edges = np.linspace(0, 10, 11)
    with cms_style():
        figure = new_figure(10, 10, 50)
        ax = figure.add_subplot()
        ax.set_ylim(0, 2e6)
        label_x([ax], Binning(edges, "x"), None)
        label_y(ax, "Events")
        figure.draw_without_rendering()
    assert ax.yaxis.get_offset_text().get_text() == r"$\times\mathdefault{10^{6}}\mathdefault{}$"
    texts = {text.get_text() for text in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    assert {"0.50", "1.00", "4", "10"} < texts
    assert not any("$" in text for text in texts)


def test_projections_are_the_sums_over_the_other_axes() -> None:
    rng = np.random.default_rng(1)
    h = hist.Hist(
        hist.axis.StrCategory(["nominal", "puUp"], name="variation"),
        hist.axis.Regular(3, 0, 1, name="x"),
        hist.axis.Regular(4, 0, 1, name="y"),
        hist.axis.Regular(2, 0, 1, name="z"),
        storage="weight",
    )
    x, y, z = rng.uniform(-0.2, 1.2, (3, 200))
    h.fill("nominal", x, y, z, weight=2.0)
    projected = projections(h)
    assert list(projected) == ["x", "y", "z"]
    for name, values in (("x", x), ("y", y), ("z", z)):
        bins = projected[name].axes[name].size
        expected = 2.0 * np.histogram(values, bins, (0, 1))[0]
        assert projected[name][{"variation": "nominal"}].values() == pytest.approx(expected)
        assert projected[name][{"variation": "nominal"}].variances() == pytest.approx(2 * expected)


def test_projections_need_dense_axes_alone() -> None:
    with pytest.raises(HistogramError, match="choose a category"):
        projections(hist.Hist(hist.axis.StrCategory(["a"], name="cat"), hist.axis.Regular(2, 0, 1, name="x")))
    with pytest.raises(HistogramError, match="no dense axis"):
        projections(hist.Hist(hist.axis.StrCategory(["nominal"], name="variation")))


def extents(artists: list[Any]) -> list[Any]:
    return [artist.get_window_extent() for artist in artists]


@pytest.mark.parametrize("names", [("no", "yes"), ("DYJetsToMuMu_M-50", "TTToSemiLeptonic", "W", "DATA_SingleMuon")])
def test_names_of_bins_neither_meet_nor_leave_the_figure(names: tuple[str, ...]) -> None:
    binning = Binning(np.arange(len(names) + 1.0), "sample", names)
    with cms_style():
        figure = new_figure(10, 10, 50)
        upper, lower = figure.add_axes((0.15, 0.34, 0.81, 0.595)), figure.add_axes((0.15, 0.11, 0.81, 0.215))
        before = np.array([ax.bbox.size for ax in (upper, lower)])
        label_x((upper, lower), binning, None)
        figure.canvas.draw()
        shown = extents(lower.get_xticklabels())
        assert all(right.x0 > left.x1 for left, right in pairwise(shown))
        (label,) = extents([lower.xaxis.label])
        assert 0 <= label.y0 < label.y1 <= min(each.y0 for each in shown)
    assert [text.get_text() for text in lower.get_xticklabels()] == list(names)
    # The panels are as large as for short names, the figure isn't.
    np.testing.assert_allclose([ax.bbox.size for ax in (upper, lower)], before)
    assert (figure.get_figheight() > 10) == (len(names) > 2)


def test_a_long_title_stays_in_the_axes() -> None:
    with cms_style():
        figure = new_figure(10, 10, 50)
        ax = figure.add_axes((0.15, 0.1, 0.81, 0.8))
        label_x([ax], Binning((0.0, 1.0), "x"), None)
        title = "one_electron_and_one_muon_with_four_jets_of_which_two_are_tagged"
        fit_legend(ax, np.array([0.0, 1.0]), [np.ones(1)], [(ax.plot([], [])[0], "Data")], [title, "second"])
        boxes = extents([text for text in ax.texts if text.get_text() in (title, "second")])
        assert all(ax.bbox.x0 < box.x0 < box.x1 < ax.bbox.x1 for box in boxes)
        assert boxes[1].y1 <= boxes[0].y0


@pytest.mark.parametrize("log_floor", [None, 0.1])
def test_a_long_legend_leaves_room(log_floor: float | None) -> None:
    names = [f"Process_{number}_with_a_long_name_TuneCP5_13TeV-madgraphMLM" for number in range(12)]
    with cms_style():
        figure = new_figure(10, 10, 50)
        ax = figure.add_axes((0.15, 0.315, 0.81, 0.62))
        label_x([ax], Binning(np.arange(11.0), "x"), None)
        lines = [(ax.plot([], [])[0], name) for name in names]
        fit_legend(ax, np.arange(11.0), [np.full(10, 1000.0)], lines, ["title"], log_floor)
        figure.canvas.draw()
        (box,) = extents([ax.get_legend()])
    assert ax.bbox.x0 <= box.x0 < box.x1 <= ax.bbox.x1
    top = ax.transData.transform((5.0, 1000.0))[1]
    assert top < box.y0 < box.y1 <= ax.bbox.y1
    assert top - ax.bbox.y0 > 0.3 * ax.bbox.height
