from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text

from pocket.plots.canvas import cms_style
from pocket.plots.scale_factors.pages import label_first, set_ranges, slice_page
from pocket.plots.scale_factors.slices import slice_pages
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.binning import Categories
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION

LEGEND = [Line2D([], [], label=f"a long text {number}") for number in range(5)]


def test_panels_with_titles_and_edges() -> None:
    (page,) = slice_pages(result_of({"pt": PT, "abseta": ABSETA}), LABELS, PlotStyle())
    figure, panels = slice_page(page, "heading", (2.0, 1.0), LEGEND, style=PlotStyle(), **CAPTION)
    assert [each.axes[0].get_title(loc="left") for each in panels] == [one.part.title for one in page.slices]
    assert "heading" in [text.get_text() for text in figure.texts]
    for each in panels:
        upper, lower = each.axes
        assert upper.get_position().height == pytest.approx(2 * lower.get_position().height)
        assert [line.get_xdata()[0] for line in upper.lines] == [30, 50]
        assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "$p_T$ [GeV]")
    label_first(panels, ("up", "down"))
    assert [[ax.get_ylabel() for ax in each.axes] for each in panels] == [["up", "down"], ["", ""]]


def test_slices_of_the_same_categories_have_the_same_range() -> None:
    (page,) = slice_pages(result_of({"pt": PT, "abseta": ABSETA}), {}, PlotStyle())
    _, panels = slice_page(page, "", (2.0,), LEGEND, style=PlotStyle(), **CAPTION)
    set_ranges(panels, 0, [[np.array([1.0, np.nan])], [np.array([2.0])]])
    assert panels[0].axes[0].get_ylim() == panels[1].axes[0].get_ylim() == pytest.approx((0.92, 2.08))


def test_categories_have_ranges_of_their_own() -> None:
    (page,) = slice_pages(result_of({"year": YEARS, "pt": PT}), {}, PlotStyle())
    _, panels = slice_page(page, "", (2.0,), LEGEND, style=PlotStyle(), **CAPTION)
    set_ranges(panels, 0, [[np.array([1.0, 2.0])], [np.full(2, np.nan)]])
    assert [each.axes[0].get_ylim() for each in panels] == [pytest.approx((0.92, 2.08)), pytest.approx((-0.08, 1.08))]
    assert all(each.axes[0].yaxis.get_tick_params()["labelleft"] for each in panels)


def test_nothing_overlaps() -> None:
    samples = Categories(("a sample with a name that is much longer than a panel is wide, as of a merged one", "DY"))
    (page,) = slice_pages(result_of({"sample": samples, "pt": (20.0, 50.0, 1000.0)}), LABELS, PlotStyle())
    with cms_style(22.0):
        figure, panels = slice_page(page, "heading", (2.0,), LEGEND, style=PlotStyle(), **CAPTION)
        figure.canvas.draw()
    (legend,) = figure.legends
    # from the top down: the legend, and below it a title within the width of its panel
    frame = panels[0].axes[0].get_window_extent()
    (title,) = (text for text in panels[0].axes[0].findobj(Text) if text.get_text() == page.slices[0].part.title)
    box = title.get_window_extent()
    assert legend.get_window_extent().y0 > box.y1 > box.y0 > frame.y1
    assert box.x1 <= frame.x1 + 1
    ticks = [text.get_text() for text in panels[0].axes[0].get_xticklabels(which="major")]
    assert {"20", "50", "100", "200", "500", "1000"} <= set(ticks)


def test_names_of_categories_stay_in_their_bins() -> None:
    samples = Categories(tuple(f"a_sample_{letter}_with_a_long_name" for letter in "abcd"))
    (page,) = slice_pages(result_of({"sample": samples}), LABELS, PlotStyle())
    with cms_style(22.0):
        figure, panels = slice_page(page, "heading", (2.0,), LEGEND, style=PlotStyle(), **CAPTION)
        figure.canvas.draw()
    (ax,) = panels[0].axes
    names = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert len(names) == 4
    assert all(right.x0 > left.x1 for left, right in pairwise(names))
    # Other panels may be below, so the page is as it is for short names.
    (short,) = slice_pages(result_of({"sample": Categories(tuple("abcd"))}), LABELS, PlotStyle())
    with cms_style(22.0):
        usual, (panel,) = slice_page(short, "heading", (2.0,), LEGEND, style=PlotStyle(), **CAPTION)
    assert figure.get_size_inches().tolist() == usual.get_size_inches().tolist()
    assert ax.get_position().bounds == panel.axes[0].get_position().bounds
