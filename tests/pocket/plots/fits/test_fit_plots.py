from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from pocket.errors import StatisticsError
from pocket.plots.canvas import Period, save_figure
from pocket.plots.fits.correlations import SHOWN, draw_correlations
from pocket.plots.fits.curves import draw_goodness, draw_limits, draw_scan
from pocket.plots.fits.regions import draw_region
from pocket.plots.fits.results import draw_fit, with_processes
from pocket.plots.fits.rows import ROWS, draw_impacts, draw_pulls
from pocket.plots.style import PlotStyle
from pocket.statistics.predictions import Prediction
from pocket.statistics.results import FitResult, GoodnessOfFit, Impact, ParameterResult, Scan, ToyLimit, UpperLimit

STYLE, PERIOD = PlotStyle(), Period(59830.0, "2018", 13)


def fit_of(nuisances: int) -> FitResult:
    """A fit with one parameter of interest, a free one and nuisances with growing pulls."""
    parameters = {
        "r": ParameterResult("r", "poi", 1.2, 0.3),
        "norm": ParameterResult("norm", "free", 0.9, 0.1),
        **{
            f"nuisance{n}": ParameterResult(f"nuisance{n}", "nuisance", 0.01 * n, 0.9, pull=0.01 * n)
            for n in range(nuisances)
        },
        "frozen": ParameterResult("frozen", "nuisance", 0.0, 0.0, floating=False, pull=0.0),
    }
    names = tuple(name for name, one in parameters.items() if one.floating)
    matrix = np.eye(len(names))
    for n in range(1, len(names)):
        matrix[0, n] = matrix[n, 0] = -0.9 * n / len(names)
    return FitResult(parameters, (names, tuple(map(tuple, matrix.tolist()))), 10.0, 5, 1e-9, "newton")


def texts(figure: Figure) -> list[str]:
    """All texts of a figure that show something."""
    labels = [label.get_text() for ax in figure.axes for label in (*ax.get_xticklabels(), *ax.get_yticklabels())]
    return [*labels, *(text.get_text() for ax in figure.axes for text in ax.texts)]


def test_pulls_have_a_row_for_each_floating_nuisance() -> None:
    ((name, figure, numbers),) = draw_pulls(fit_of(5), STYLE, PERIOD)
    assert name == "pulls"
    assert list(numbers["parameters"]) == [f"nuisance{n}" for n in range(5)]
    assert numbers["parameters"]["nuisance3"] == {"pull": 0.03, "value": 0.03, "error": 0.9}
    points = figure.axes[1].lines
    assert [0.0, 0.01, 0.02, 0.03, 0.04] in [list(line.get_xdata()) for line in points]


def test_pulls_of_a_fit_without_signal_are_beside() -> None:
    alone = fit_of(3)
    alone.parameters["nuisance1"] = dataclasses.replace(alone.parameters["nuisance1"], pull=-1.5, value=-1.5, error=0.7)
    ((_, figure, numbers),) = draw_pulls(fit_of(3), STYLE, PERIOD, background=alone)
    assert numbers["parameters"]["nuisance1"]["background"] == {"pull": -1.5, "value": -1.5, "error": 0.7}
    (ax,) = (ax for ax in figure.axes if ax.get_xlabel())
    open_ones = [line for line in ax.lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in open_ones] == [[0.0, -1.5, 0.02]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["with signal", "without signal"]
    ((_, figure, _),) = draw_pulls(fit_of(3), STYLE, PERIOD)
    assert all(ax.get_legend() is None for ax in figure.axes)


def test_pulls_outside_of_the_range_have_arrows() -> None:
    fit = fit_of(4)
    for name, pull in (("nuisance1", -9.0), ("nuisance2", 25.0)):
        fit.parameters[name] = dataclasses.replace(fit.parameters[name], pull=pull)
    ((_, figure, _),) = draw_pulls(fit, STYLE, PERIOD)
    (ax,) = (ax for ax in figure.axes if ax.get_xlabel())
    assert ax.get_xlim() == (-6.0, 6.0)
    arrows = {line.get_marker(): line for line in ax.lines if line.get_marker() in ("<", ">")}
    assert {marker: list(line.get_ydata()) for marker, line in arrows.items()} == {"<": [1], ">": [2]}
    assert all(-6 < x < 6 for line in arrows.values() for x in line.get_xdata())


def test_many_nuisances_take_several_pages() -> None:
    pages = list(draw_pulls(fit_of(2 * ROWS + 1), STYLE, PERIOD))
    assert [name for name, _, _ in pages] == ["pulls_1", "pulls_2", "pulls_3"]
    assert sum(len(numbers["parameters"]) for _, _, numbers in pages) == 2 * ROWS + 1


def test_impacts_are_ranked_by_their_size() -> None:
    impacts = [
        Impact("nuisance0", 0.0, (0.9, 0.9), {"r": (-0.01, 0.02)}),
        Impact("nuisance1", 0.01, (0.9, 0.8), {"r": (0.3, -0.2)}),
        Impact("norm", 0.9, (0.1, 0.1), {"r": (0.1, -0.1)}),
    ]
    ((name, figure, numbers),) = draw_impacts(impacts, fit_of(2), "r", STYLE, PERIOD)
    assert name == "impacts_r"
    assert list(numbers["parameters"]) == ["nuisance1", "norm", "nuisance0"]
    assert numbers["parameters"]["nuisance1"] == {"down": 0.3, "up": -0.2, "value": 0.01, "errors": [0.9, 0.8]}
    assert {"r = 1.20 ± 0.30", "0.90 ± 0.10"} <= set(texts(figure))
    widths = [patch.get_width() for patch in figure.axes[2].patches if patch.get_height() == pytest.approx(0.7)]
    assert widths == pytest.approx([0.3, 0.1, -0.01, -0.2, -0.1, 0.02])


def simulated(number: int, effect: float, prior: float = 1.0) -> Impact:
    value = 0.5 * prior + (prior < 1)
    return Impact(f"mc_sr_bin{number}", value, (0.9 * prior,) * 2, {"r": (-effect, effect)}, float(prior < 1), prior)


def test_errors_of_simulation_are_ranked_if_they_matter() -> None:
    """The error of r is 0.3, so that effects from 0.003 have a row."""
    impacts = [Impact("nuisance0", 0.0, (0.9, 0.9), {"r": (-0.01, 0.02)})]
    simulation = [simulated(0, 0.1, prior=0.5), simulated(1, 0.003), simulated(2, 0.002), simulated(3, -0.0015)]
    ((_, figure, numbers),) = draw_impacts(impacts, fit_of(1), "r", STYLE, PERIOD, simulation=simulation)
    rows = ["mc_sr_bin0", "nuisance0", "mc_sr_bin1", "2 others of mc_stat"]
    assert list(numbers["parameters"]) == rows == [text for text in texts(figure) if text in rows]
    assert numbers["parameters"]["2 others of mc_stat"]["up"] == pytest.approx(0.0025)
    # Pulls are in units of the errors before the fit, and the sum of several has none.
    assert [0.5, 0.0, 0.5] in [list(line.get_xdata()) for line in figure.axes[1].lines]
    (bars,) = figure.axes[1].containers[0].lines[2]  # type: ignore[attr-defined]
    first = bars.get_segments()[0]
    assert (first[0][0], first[1][0]) == pytest.approx((0.5 - 0.9, 0.5 + 0.9))
    many = [simulated(n, 0.1) for n in range(200)]
    _, (_, _, numbers) = draw_impacts(impacts, fit_of(1), "r", STYLE, PERIOD, simulation=many)
    assert numbers["parameters"]["161 others of mc_stat"]["up"] == pytest.approx(0.1 * math.sqrt(161))


def test_only_simulation_has_impacts() -> None:
    results = {"fit": fit_of(0), "impacts": (), "impacts_of_simulation": (simulated(0, 0.001),)}
    plots = {stem: numbers for stem, _, numbers in draw_fit(results, {}, STYLE, PERIOD, {}, is_data=False)}
    assert list(plots["impacts_r"]["parameters"]) == ["1 parameters of mc_stat"]


def test_correlations_show_the_largest() -> None:
    _, figure, numbers = draw_correlations(fit_of(SHOWN + 5), STYLE, PERIOD)
    assert len(numbers["parameters"]) == SHOWN
    assert numbers["parameters"][0] == "r"
    assert "nuisance0" not in numbers["parameters"]
    assert numbers["parameters"][-1] == f"nuisance{SHOWN + 4}"
    last = numbers["correlations"][0][-1]
    assert last == pytest.approx(-0.9 * (SHOWN + 6) / (SHOWN + 7))
    assert f"−{abs(100 * last):.0f}" in texts(figure)
    assert figure.axes[1].get_ylabel() == "Correlation [%]"


def test_profiles_of_one_parameter_and_of_two() -> None:
    points = [(value,) for value in (2.0, 0.0, 1.0)]
    name, figure, numbers = draw_scan(Scan(("r",), tuple(points), (1.0, 1.0, 0.0), (1.0,)), STYLE, PERIOD)
    assert (name, numbers["rise"]) == ("scan_r", [1.0, 1.0, 0.0])
    curve = figure.axes[0].lines[0]
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([0, 1, 2], [1, 0, 1])
    grid = [(x, y) for x in np.linspace(-3, 3, 13) for y in np.linspace(-2, 2, 9)]
    rise = tuple(x**2 + y**2 for x, y in grid)
    name, figure, _ = draw_scan(Scan(("a", "b"), tuple(grid), rise, (0.0, 0.0)), STYLE, PERIOD)
    assert name == "scan_a_b"
    heights = figure.axes[0].collections[0].get_array()
    assert heights is not None
    assert np.asarray(heights).shape == (9, 13)
    assert np.asarray(heights)[0, 6] == pytest.approx(4.0)
    # A circle has 68 % CL at √−2 ln 0.32, and its contour isn't that of the coarse grid.
    contours = figure.axes[0].collections[1].get_paths()
    radii = np.hypot(*np.array(contours[0].vertices).T)
    np.testing.assert_allclose(radii, math.sqrt(-2 * math.log(0.32)), rtol=5e-3)


@pytest.mark.parametrize(
    ("scan", "sentence"),
    [
        (Scan(("a", "b"), ((0.0, 0.0), (1.0, 1.0)), (0.0, 1.0), (0.0, 0.0)), "the scan of a and b isn't on a grid"),
        (Scan(("a", "b", "c"), ((0.0, 0.0, 0.0),), (0.0,), (0.0,) * 3), "a scan of 3 parameters can't be drawn"),
    ],
)
def test_what_is_no_map_is_refused(scan: Scan, sentence: str) -> None:
    with pytest.raises(StatisticsError, match=sentence):
        draw_scan(scan, STYLE, PERIOD)


@pytest.mark.parametrize(
    ("best", "text"), [(0.0, r"$\leftarrow$ at its bound"), (1.0, None), (2.0, r"at its bound $\rightarrow$")]
)
def test_profiles_that_end_at_a_bound_have_an_arrow(best: float, text: str | None) -> None:
    points, rise = ((0.0,), (1.0,), (2.0,)), tuple((value - best) ** 2 for value in (0.0, 1.0, 2.0))
    _, figure, _ = draw_scan(Scan(("r",), points, rise, (best,)), STYLE, PERIOD)
    shown = [one.get_text() for one in figure.axes[0].texts if "bound" in one.get_text()]
    assert shown == ([text] if text else [])


@pytest.mark.parametrize("observed", [True, False])
def test_limits_have_their_bands(observed: bool) -> None:
    limits = {"all": UpperLimit("r", 0.95, 1.7, (0.8, 1.1, 1.5, 2.1, 2.9))}
    _, figure, numbers = draw_limits(limits, STYLE, PERIOD, data=observed)
    outer, inner = (band.get_paths()[0].get_extents() for band in figure.axes[0].collections[:2])
    assert (outer.x0, outer.x1, inner.x0, inner.x1) == (0.8, 2.9, 1.1, 2.1)
    assert numbers["limits"]["all"]["observed"] == (1.7 if observed else None)
    drawn = [tuple(line.get_xdata()) for line in figure.axes[0].lines]
    assert ((1.7, 1.7) in drawn) is observed


def test_limits_that_were_not_found_are_left_out() -> None:
    found = UpperLimit("r", 0.95, 1.7, (0.8, 1.1, 1.5, 2.1, 2.9))
    nothing = (math.nan,) * 5
    missing = UpperLimit("mu", 0.95, math.nan, nothing, missing={"observed": "no minimum"})
    partly = UpperLimit("k", 0.95, 1.7, (0.8, 1.1, 1.5, 2.1, math.nan), missing={"expected +2σ": "no minimum"})

    def drawn(*limits: Any, toys: Any = ()) -> dict[str, Any]:
        records = {"fit": fit_of(1), "limits": limits, "toy_limits": toys}
        plots = draw_fit(records, {}, STYLE, PERIOD, {}, is_data=False)
        return {stem: numbers for stem, _, numbers in plots}

    limits = drawn(found, missing, partly)["limits"]["limits"]
    assert list(limits) == ["r", "k"]
    assert limits["k"]["expected"] == [0.8, 1.1, 1.5, 2.1, None]
    assert set(drawn(missing)) == {"pulls", "correlations"}
    by_toys = ToyLimit("r", 0.95, 1.8, 0.1, (math.nan, 1.2, 1.6, 2.0, 2.8), (1.0, 2.0), (0.2, 0.01), (0.01, 0.01))
    limits = drawn(found, toys=(by_toys,))["limits"]["limits"]
    assert list(limits) == ["r", "r by toys"]
    assert limits["r by toys"]["expected"] == [None, 1.2, 1.6, 2.0, 2.8]


def test_a_power_of_ten_is_beside_the_label() -> None:
    limits = {"r": UpperLimit("r", 0.95, 1.7e-4, (0.8e-4, 1.1e-4, 1.5e-4, 2.1e-4, 2.9e-4))}
    _, figure, _ = draw_limits(limits, STYLE, PERIOD, data=False)
    figure.canvas.draw()
    axis = figure.axes[0].xaxis
    assert axis.get_offset_text().get_text()
    assert not axis.get_offset_text().get_window_extent().overlaps(axis.label.get_window_extent())


def test_goodness_of_fit_needs_toys() -> None:
    with pytest.raises(StatisticsError, match="no toys"):
        draw_goodness(GoodnessOfFit(12.0, 10, 0.3), STYLE, PERIOD)
    toys = tuple(float(n) for n in range(20))
    _, figure, numbers = draw_goodness(GoodnessOfFit(12.0, 10, 0.3, {}, toys, 0.4), STYLE, PERIOD)
    assert numbers["p_toys"] == 0.4
    counts = figure.axes[0].patches[0].get_data().values  # type: ignore[attr-defined]
    assert counts.sum() == 20
    for data, label in ((True, "Data"), (False, "Asimov data")):
        _, figure, _ = draw_goodness(GoodnessOfFit(12.0, 10, 0.3, {}, toys, 0.4), STYLE, PERIOD, data=data)
        legend = figure.axes[0].get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == ["20 toys", label]


def region(data: Any, edges: Any = (0.0, 1.0, 3.0)) -> Prediction:
    total = np.array([30.0, 12.0])[: len(edges) - 1 if edges is not None else 1]
    parts = {"signal": 0.25 * total, "other": 0.75 * total}
    error = 0.1 * total
    edges = None if edges is None else np.array(edges)
    errors = {name: 0.1 * part for name, part in parts.items()}
    return Prediction("sr", edges, data, parts, errors, total, np.diag(error**2), {})


@pytest.mark.parametrize("stage", ["prefit", "postfit"])
def test_regions_show_processes_data_and_pulls(stage: str) -> None:
    name, figure, numbers = draw_region(region(np.array([36.0, 12.0])), stage, STYLE, PERIOD, "$p_T$ [GeV]")
    assert name == f"sr_{stage}"
    assert numbers["pulls"] == pytest.approx([6 / math.sqrt(30 + 9), 0])
    assert numbers["processes"]["other"] == [22.5, 9.0]
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Data", "other", "signal", "Uncertainty"]


def test_blind_and_counting_regions() -> None:
    _, figure, numbers = draw_region(region(None), "prefit", STYLE, PERIOD)
    assert "data" not in numbers
    assert "data blinded" in texts(figure)
    _, figure, numbers = draw_region(region(np.array([33.0]), edges=None), "postfit", STYLE, PERIOD, asimov=True)
    assert numbers["edges"] == [0.0, 1.0]
    assert {"sr", "all events"} <= set(texts(figure))
    # Asimov data have no pulls worth drawing.
    assert figure.axes[1].get_ylabel() == "Rel. unc."


def test_pulls_of_open_ended_bins_are_drawn() -> None:
    _, figure, numbers = draw_region(region(np.array([36.0, 12.0]), (0.0, 1.0, math.inf)), "postfit", STYLE, PERIOD)
    (bars,) = (patch for patch in figure.axes[1].patches if isinstance(patch, StepPatch))
    values, edges, _ = bars.get_data()
    assert list(edges) == [0.0, 1.0, 2.0]
    assert list(values) == pytest.approx(numbers["pulls"])


def test_categories_are_named() -> None:
    def ticks(given: Any, names: tuple[str, ...]) -> list[str]:
        plots = draw_fit(
            {"fit": fit_of(1)}, {"prefit": {"sr": given}}, STYLE, PERIOD, {}, is_data=False, names={"sr": names}
        )
        figure = {stem: figure for stem, figure, _ in plots}["sr_prefit"]
        return [text.get_text() for text in figure.axes[1].get_xticklabels()]

    assert ticks(region(None), ("-1", "1")) == ["-1", "1"]
    # Bins may have been joined.
    assert "b" not in ticks(region(None), ("a", "b", "c"))
    assert ticks(region(None, None), ("-1", "1")) == ["all events"]


def test_regions_have_the_luminosity_of_their_own_data() -> None:
    regions = {name: dataclasses.replace(region(None), region=name) for name in ("sr", "cr")}
    predictions = {"prefit": regions, "postfit": regions}
    periods = {"sr": Period(1000.0, "2017", 13)}
    plots = draw_fit(
        {"fit": fit_of(1)}, predictions, STYLE, Period(3000.0, "2017+2018", 13), {}, is_data=False, periods=periods
    )
    found = {stem: texts(figure) for stem, figure, _ in plots}
    for stem in ("sr_prefit", "sr_postfit"):
        assert any("1 $" in text and ", 2017 (13 TeV)" in text for text in found[stem])
    for stem in ("pulls", "cr_prefit"):
        assert any("3 $" in text and ", 2017+2018 (13 TeV)" in text for text in found[stem])


def test_regions_have_the_scale_of_their_histograms() -> None:
    style = with_processes(PlotStyle(log_histograms=["m*"]), {}, {"sr": "mll", "cr": "npvs"})
    assert [style.is_log(name) for name in ("sr", "cr", "mll")] == [True, False, False]
    _, figure, _ = draw_region(region(np.array([36.0, 12.0])), "prefit", style, PERIOD)
    assert figure.axes[0].get_yscale() == "log"
    low, high = figure.axes[0].get_ylim()
    assert 0 < low < 3 < 36 < high


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_correlations(fit_of(3), STYLE, PERIOD, data=False),
        lambda: next(draw_pulls(fit_of(3), STYLE, PERIOD, data=False)),
        lambda: draw_region(region(None), "prefit", STYLE, PERIOD),
    ],
)
def test_equal_figures_have_equal_bytes(draw: Callable[[], Any], tmp_path: Any) -> None:
    first, second = (save_figure(draw()[1], tmp_path / f"{n}", ["png"])[0] for n in (1, 2))
    assert first.read_bytes() == second.read_bytes()


def test_processes_look_like_their_samples() -> None:
    style = PlotStyle(
        labels_mc={"DY": "Drell-Yan", "top": "Top quarks", "own": "Own"},
        colors_mc={"DY": "#123456"},
        samples_groups={"top": ["tt", "st"]},
    )
    samples = {"z": ["DY"], "t": ["st", "tt"], "own": ["DY"], "rest": ["DY", "tt"]}
    found = with_processes(style, samples)
    assert [found.label_of(name) for name in samples] == ["Drell-Yan", "Top quarks", "Own", "rest"]
    assert [found.color_of(name) for name in samples] == ["#123456", None, "#123456", None]
