from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import hist
import numpy as np
import pytest

from pocket.plots.canvas import Period
from pocket.plots.style import BlindHists, PlotStyle
from pocket.plots.templates.shapes import draw
from tests.pocket.plots.zmumu import z_peak


def context(style: PlotStyle, **changes: Any) -> Any:
    data, mc = z_peak()
    given = {
        "data": data,
        "mc": mc,
        "histogram": "mll",
        "category": "z_window",
        "xlim": None,
        "blind": False,
        **changes,
    }
    return SimpleNamespace(style=style, period=Period(50.0, "toys", 13), **given)


def test_all_shapes_have_the_same_area() -> None:
    drawn = draw(context(PlotStyle()))
    assert drawn is not None
    figure, numbers = drawn
    widths = np.diff(numbers["edges"])
    _, mc = z_peak()
    assert set(numbers["processes"]) == set(mc)
    for shape in (numbers["data"], *numbers["processes"].values()):
        assert (np.array(shape["values"]) * widths).sum() == pytest.approx(1.0)
    nominal = mc["DYJetsToMuMu"][{"variation": "nominal"}]
    expected = np.sqrt(nominal.variances()) / nominal.values().sum() / widths
    np.testing.assert_allclose(numbers["processes"]["DYJetsToMuMu"]["stat"], expected)
    assert figure.axes[0].get_ylabel() == "Fraction of events / GeV"


def test_bins_with_few_events_do_not_decide_how_high_the_axis_is() -> None:
    def drawn(mc: Any) -> tuple[Any, Any]:
        found = draw(context(PlotStyle(), mc=mc))
        assert found is not None
        return found

    _, mc = z_peak()
    (before,) = drawn(mc)[0].axes
    assert not any(line.get_marker() == "^" and len(line.get_xdata()) for line in before.lines)
    # A process with one event of a large weight in one bin, beside the others.
    tower = mc["DYJetsToMuMu"].copy()
    view = tower.view()
    view["value"], view["variance"] = 0.0, 0.0
    view["value"][..., 3], view["variance"][..., 3] = 7.0, 49.0
    figure, numbers = drawn({**mc, "rare": tower})
    (ax,) = figure.axes
    high = 1 / np.diff(numbers["edges"])[3]
    assert numbers["processes"]["rare"]["values"][3] == pytest.approx(high)
    assert ax.get_ylim()[1] < 0.7 * high
    assert ax.get_ylim()[1] < 3 * before.get_ylim()[1]
    (arrows,) = (line for line in ax.lines if line.get_marker() == "^" and len(line.get_xdata()))
    assert list(arrows.get_xdata()) == [np.mean(numbers["edges"][3:5])]
    assert arrows.get_ydata()[0] < ax.get_ylim()[1]
    assert "arrows: few events, beyond the axis" in [text.get_text() for text in ax.texts]
    # Alone, it decides itself.
    (ax,) = drawn({"rare": tower})[0].axes
    assert ax.get_ylim()[1] > high


def test_blinded_data_have_no_shape() -> None:
    blind = BlindHists(categories=["z_window"], histograms={"mll": [80.0, 100.0]})
    drawn = draw(context(PlotStyle(blind_hists=blind)))
    assert drawn is not None
    assert "data" not in drawn[1]


def test_nothing_is_drawn_without_simulation() -> None:
    assert draw(context(PlotStyle(), mc={})) is None


@pytest.mark.parametrize("width", [0.02, 1.0, 50.0])
def test_logarithmic_axes_show_the_smallest_bins_of_any_width(width: float) -> None:
    axis = hist.axis.Regular(10, 0, 10 * width, name="x", label="x")
    falling = hist.Hist(hist.axis.StrCategory(["nominal"], name="variation"), axis, storage="weight")
    view: Any = falling.view()
    view["value"] = view["variance"] = 10.0 ** np.arange(5, 0, -0.5)
    drawn = draw(context(PlotStyle(log_histograms=["x"]), histogram="x", data=None, mc={"DY": falling}))
    assert drawn is not None
    low, high = drawn[0].axes[0].get_ylim()
    shown = view["value"].ravel() / view["value"].sum() / width
    # The smallest bins may be below, as in other plots: of a curve, one in twenty.
    assert low == pytest.approx(0.5 * np.quantile(shown, 0.05))
    assert low < shown.min() < shown.max() < high
