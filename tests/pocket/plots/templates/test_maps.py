from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import hist
import numpy as np
import pytest
from matplotlib.transforms import Bbox

from pocket.plots.canvas import Period
from pocket.plots.statistics import Prediction
from pocket.plots.style import BlindHists, PlotStyle
from pocket.plots.templates.maps import compare_cells, draw, draw_processes

FEW = hist.axis.Variable([0, 1, 3], name="x", label="x"), hist.axis.Regular(3, 0, 3, name="y", label="y")
MANY = hist.axis.Regular(40, 0, 3, name="x", label="x"), hist.axis.Regular(40, 0, 3, name="y", label="y")


def context(axes: tuple[Any, Any] = FEW, style: PlotStyle | None = None, **changes: Any) -> Any:
    rng = np.random.default_rng(3)
    variations = hist.axis.StrCategory(["nominal", "puUp", "puDown"], name="variation")
    mc = {}
    data = hist.Hist(*axes, storage=hist.storage.Weight())
    for sample, weight in (("DY", 0.5), ("TT", 0.1)):
        mc[sample] = hist.Hist(variations, *axes, storage=hist.storage.Weight())
        x, y = rng.uniform(0, 3, 2000), rng.uniform(0, 3.3, 2000)
        for name, factor in (("nominal", 1.0), ("puUp", 1.1), ("puDown", 0.9)):
            mc[sample].fill(name, x, y, weight=weight * factor)
    data.fill(rng.uniform(0, 3, 1200), rng.uniform(0, 3.3, 1200))
    given = {"data": data, "mc": mc, "histogram": "v", "category": "signal", "xlim": None, "ylim": None, **changes}
    return SimpleNamespace(style=style or PlotStyle(), period=Period(50.0, "toys", 13), blind=False, **given)


def texts(figure: Any) -> list[list[str]]:
    """Return what is written into each panel."""
    return [[text.get_text() for text in ax.texts] for ax in figure.axes if ax.get_title("left")]


def test_all_is_shown() -> None:
    given = context()
    drawn = draw(given)
    assert drawn is not None
    figure, numbers = drawn
    titles = [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]
    assert titles == ["Data", "Simulation", "Data / simulation", "Pull"]
    assert numbers["shape"] == [2, 4]
    assert numbers["edges"] == [["0.0", "1.0", "3.0"], ["0.0", "1.0", "2.0", "3.0", "inf"]]
    assert numbers["data"] == given.data.values(flow=True)[1:-1, 1:].ravel().tolist()
    values = sum(h[{"variation": "nominal"}].values(flow=True)[1:-1, 1:] for h in given.mc.values())
    assert numbers["mc"]["values"] == pytest.approx(values.ravel().tolist())
    np.testing.assert_allclose(numbers["ratio"], np.array(numbers["data"]) / values.ravel())
    # Every cell has its value, and that of simulation its error.
    written = texts(figure)
    assert written[0] == [f"{count:.0f}" for count in numbers["data"]]
    assert [float(text.split("\n")[0]) for text in written[1]] == pytest.approx(numbers["mc"]["values"], abs=1)
    assert [float(text.split("\n±")[1]) for text in written[1]] == pytest.approx(numbers["mc"]["stat"], rel=0.1)


def test_cells_are_compared() -> None:
    data, squares = np.array([12.0, 0.0, 3.0, 5.0]), np.array([12.0, 0.0, 9.0, 5.0])
    values, variances = np.array([10.0, 2.0, 4.0, 0.0]), np.array([1.0, 0.4, 0.5, 0.1])
    shift = np.array([0.5, 0.1, 0.2, 0.0])
    total = Prediction(values, variances, {"pu": (shift, -shift)})
    found = compare_cells(data, squares, total)
    for i, (n, w2, m, v, s) in enumerate(zip(data, squares, values, variances, shift, strict=True)):
        ratio, error, precision, pull = (part[i] for part in found)
        if m <= 0:
            assert math.isnan(ratio)
            assert math.isnan(pull)
            continue
        weight = w2 / n if n else 1.0
        assert precision == pytest.approx(math.sqrt(weight * m + v + s**2) / m)
        assert pull == pytest.approx((n - m) / math.sqrt(weight * m + v + s**2))
        if n:
            assert ratio == pytest.approx(n / m)
            assert error == pytest.approx(math.sqrt(w2 / m**2 + n**2 * (v + s**2) / m**4))
        else:
            assert math.isnan(ratio)


def test_values_are_written_only_where_they_fit() -> None:
    drawn = draw(context(MANY))
    assert drawn is not None
    assert texts(drawn[0]) == [[], [], [], []]


def test_blinded_projections_hide_cells_of_data() -> None:
    blind = BlindHists(categories=["signal"], histograms={"v_x": [0.5, 0.9], "v_y": [2.2, 2.5]})
    drawn = draw(context(style=PlotStyle(blind_hists=blind)))
    assert drawn is not None
    figure, numbers = drawn
    shown = np.array(numbers["data"], dtype=float).reshape(2, 4)
    np.testing.assert_array_equal(np.isnan(shown), [[True] * 4, [False, False, True, False]])
    for key in ("ratio", "pull"):
        np.testing.assert_array_equal(np.isnan(np.array(numbers[key], dtype=float).reshape(2, 4)), np.isnan(shown))
    assert None not in numbers["mc"]["values"]
    assert "data partly blinded" in [text.get_text() for text in figure.texts]
    counts, simulation, *_ = texts(figure)
    assert (len(counts), len(simulation)) == (3, 8)


def test_a_range_leaves_cells_out_and_says_how_much() -> None:
    given = context(ylim=(0, 2))
    drawn = draw(given)
    assert drawn is not None
    figure, numbers = drawn
    counts = np.array(numbers["data"]).reshape(2, 4)
    (note,) = [text.get_text() for text in figure.texts if "not shown" in text.get_text()]
    assert f"data {counts[:, 2:].sum():.4g}" in note
    assert len(texts(figure)[0]) == 4


def test_without_data_there_is_the_uncertainty() -> None:
    drawn = draw(context(data=None))
    assert drawn is not None
    figure, numbers = drawn
    assert [ax.get_title("left") for ax in figure.axes if ax.get_title("left")] == [
        "Simulation",
        "Relative uncertainty",
    ]
    assert "data" not in numbers
    assert draw(context(mc={})) is None


def test_processes() -> None:
    given = context()
    drawn = draw_processes(given)
    assert drawn is not None
    figure, numbers = drawn
    assert [ax.get_title("left") for ax in figure.axes if ax.get_title("left")] == ["DY", "TT"]
    expected = given.mc["TT"][{"variation": "nominal"}].values(flow=True)[1:-1, 1:]
    assert numbers["processes"]["TT"]["values"] == pytest.approx(expected.ravel().tolist())
    assert draw_processes(context(style=PlotStyle(only_samples=["DY"]))) is None
    assert draw_processes(context(mc={})) is None


def test_a_logarithmic_scale_has_no_colour_for_nothing() -> None:
    drawn = draw(context(style=PlotStyle(log_histograms=["v"])))
    assert drawn is not None
    mesh = next(ax for ax in drawn[0].axes if ax.get_title("left") == "Data").collections[-1]
    assert type(mesh.norm).__name__ == "LogNorm"


@pytest.mark.parametrize("length", [1, 30])
def test_names_of_categories_neither_meet_nor_leave_the_figure(length: int) -> None:
    axes = [
        hist.axis.StrCategory([letter * length for letter in "abcd"], name=name, label=name, overflow=False)
        for name in "xy"
    ]
    filled = hist.Hist(*axes, storage=hist.storage.Weight())
    filled.view()["value"] = filled.view()["variance"] = np.arange(16.0).reshape(4, 4)
    drawn = draw(context(data=filled, mc={"DY": filled}))
    assert drawn is not None
    figure, _ = drawn
    figure.canvas.draw()
    panels = [ax for ax in figure.axes if ax.get_title("left")]
    assert len(panels) == 4
    rooms = []
    for ax in panels:
        below, beside = ([text.get_window_extent() for text in axis.get_ticklabels()] for axis in (ax.xaxis, ax.yaxis))
        assert all(right.x0 > left.x1 for left, right in itertools.pairwise(below))
        assert all(above.y0 > under.y1 for under, above in itertools.pairwise(beside))
        labels = [axis.label.get_window_extent() for axis in (ax.xaxis, ax.yaxis)]
        assert labels[0].y1 <= min(each.y0 for each in below)
        assert labels[1].x1 <= min(each.x0 for each in beside)
        rooms.append(Bbox.union([ax.bbox, *below, *beside, *labels]))
    for one, room in enumerate(rooms):
        assert figure.bbox.x0 <= room.x0 < room.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= room.y0 < room.y1 <= figure.bbox.y1
        assert not any(room.overlaps(other) for other in rooms[:one])
    bars = [ax.bbox for ax in figure.axes if ax not in panels and ax.axison]
    assert len(bars) == 4
    assert not any(room.overlaps(bar) for room in rooms for bar in bars)
