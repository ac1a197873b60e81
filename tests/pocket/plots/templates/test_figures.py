from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from pocket.errors import ConfigError, HistogramError
from pocket.histograms.config import Axis, HistConf
from pocket.plan.plot import SHIPPED, TemplatePlot
from pocket.plots.canvas import Period
from pocket.plots.specification import figure_specs, figure_style
from pocket.plots.templates.figures import draw_templates, period_from, period_of
from pocket.weights.theory import QCDScalePoints
from tests.pocket.configs import LUMI, PARAMETERS, configure

AXES = [Axis(field="x", bins=4, start=0, stop=2, label="$x$ [GeV]"), Axis(field="y", bins=2, start=0, stop=1)]
STYLED = OmegaConf.merge(
    PARAMETERS, {"lumi": {"sqrt_s": {"2018": 13}}, "plotting_style": {"label": "Private work", "formats": ["png"]}}
)


def config(axes: list[Axis]) -> Any:
    return configure(parameters=STYLED, variables={"v": HistConf(axes)}).figure_plan()


def shipped(*names: str) -> list[TemplatePlot]:
    """Return the shipped plots that a test is about, so that others may be added."""
    return [plot for plot in SHIPPED if plot.name in names]


def templates(axes: list[Axis], scale: float = 1.0) -> dict[str, Any]:
    """Every sample's histogram, bin contents 10 per dense bin in category a, 20 in b."""
    dense = [hist.axis.Regular(axis.bins, axis.start, axis.stop, name=axis.name, label="old") for axis in axes]
    category = hist.axis.StrCategory(["baseline", "other"], name="cat")
    variation = hist.axis.StrCategory(["nominal"], name="variation")
    found = {}
    for sample, is_mc in (("DY", True), ("TT", True), ("DATA", False)):
        h = hist.Hist(category, *([variation] if is_mc else []), *dense, storage="weight")
        view: Any = h.view()
        view["value"] = 10.0 * scale if is_mc else 10.0
        view["value"][1] *= 2
        view["variance"] = view["value"]
        found[sample] = h
    return found


def test_shipped_plots_are_drawn_unless_others_are_chosen() -> None:
    one, two = (templates(axes) for axes in (AXES[:1], AXES))
    stems = {stem for stem, _, _ in draw_templates(config(AXES[:1]), "v", "baseline", one, one, "nominal")}
    assert stems >= {"v", "v_vs_nominal"}
    stems = {stem for stem, _, _ in draw_templates(config(AXES), "v", "baseline", two, two, "nominal")}
    assert stems >= {"v_x", "v_y", "v_x_vs_nominal", "v_y_vs_nominal", "v_map", "v_map_processes"}


def test_one_axis_gives_a_stack_and_the_comparison() -> None:
    given = config(AXES[:1]), "v", "baseline", templates(AXES[:1]), templates(AXES[:1], 1.5), "nominal"
    plots = list(draw_templates(*given, plots=shipped("data_mc", "before_after", "map")))
    assert [stem for stem, _, _ in plots] == ["v", "v_vs_nominal"]
    numbers = plots[0][2]
    assert numbers["axis"] == "$x$ [GeV]"  # the label of today's configuration, not the one that was stored
    np.testing.assert_allclose(numbers["mc"]["values"], np.full(4, 20.0))


def test_no_plot_gets_data_of_a_blind_category() -> None:
    seen = []

    def own(context: Any) -> Any:
        seen.append((context.data, context.blind))
        return None

    given = config(AXES[:1]), "v", "baseline", templates(AXES[:1]), templates(AXES[:1]), "nominal"
    ((_, figure, numbers),) = draw_templates(
        *given, plots=[*shipped("data_mc", "before_after"), TemplatePlot("own", own)], blind=True
    )
    assert "data" not in numbers
    assert "data blinded" in [text.get_text() for text in figure.axes[0].texts][-1]
    assert seen == [(None, True)]
    both = list(draw_templates(config(AXES), "v", "baseline", templates(AXES), plots=SHIPPED, blind=True))
    assert not [stem for stem, _, numbers in both if "data" in numbers]
    assert any(
        "data blinded" in str([text.get_text() for ax in figure.axes for text in ax.texts]) for _, figure, _ in both
    )
    only_mc = {name: h for name, h in templates(AXES[:1]).items() if name != "DATA"}
    ((_, figure, _),) = draw_templates(config(AXES[:1]), "v", "baseline", only_mc, plots=shipped("data_mc"), blind=True)
    assert "blinded" not in str([text.get_text() for text in figure.axes[0].texts])


def test_the_covariance_gives_the_comparison_its_error() -> None:
    before, after, covariance = (templates(AXES[:1], scale) for scale in (1.0, 1.44, 1.2))
    for histograms, scale in ((before, 1.0), (after, 1.44**2), (covariance, 1.44)):
        for h in histograms.values():
            view: Any = h.view()
            view["variance"] = 10 * scale
    given, plots = (config(AXES[:1]), "v", "baseline", after, before, "nominal"), shipped("before_after")
    ((stem, _, numbers),) = draw_templates(*given, covariance, plots=plots)
    assert stem == "v_vs_nominal"
    assert numbers["after_over_before"]["error"] == pytest.approx(np.zeros(4), abs=1e-8)
    ((_, _, numbers),) = draw_templates(*given, plots=plots)
    assert numbers["after_over_before"]["error"] is None


def test_the_category_is_selected() -> None:
    given = config(AXES[:1]), "v", "other", templates(AXES[:1])
    ((_, _, numbers),) = draw_templates(*given, plots=shipped("data_mc"))
    np.testing.assert_allclose(numbers["mc"]["values"], np.full(4, 40.0))


def test_several_axes_give_projections() -> None:
    plots = list(draw_templates(config(AXES), "v", "baseline", templates(AXES), plots=shipped("data_mc", "map")))
    assert [stem for stem, _, _ in plots] == ["v_x", "v_y", "v_map"]
    np.testing.assert_allclose(plots[0][2]["mc"]["values"], np.full(4, 2 * 20.0))
    np.testing.assert_allclose(plots[1][2]["mc"]["values"], np.full(2, 4 * 20.0))


def test_only_two_axes_give_a_map() -> None:
    axes = [*AXES, Axis(field="z", bins=3, start=0, stop=1)]
    plots = draw_templates(
        config(axes), "v", "baseline", templates(axes), plots=shipped("data_mc", "map", "map_processes")
    )
    assert [stem for stem, _, _ in plots] == ["v_x", "v_y", "v_z"]
    ((_, _, numbers),) = draw_templates(config(AXES), "v", "other", templates(AXES), plots=shipped("map"))
    assert numbers["axes"] == ["$x$ [GeV]", "y"]
    assert numbers["shape"] == [4, 2]
    assert numbers["mc"]["values"] == [40.0] * 8
    assert numbers["data"] == [20.0] * 8


def test_a_logarithmic_scale_is_that_of_the_histogram_or_of_a_projection() -> None:
    plan = dataclasses.replace(config(AXES), style={"log_histograms": ["v", "v_y"]})
    assert figure_style(plan, "v", "baseline")["log_histograms"] == ["v", "v_y"]


def test_a_plot_of_the_user_may_show_two_axes() -> None:
    seen = []

    def corner(context: Any) -> tuple[Any, dict[str, Any]]:
        seen.append((context.histogram, context.data.axes.name, context.before["DY"].axes.name))
        return Figure(), {}

    plot = TemplatePlot("corner", corner, axes=2, compares=True)
    stems = [stem for stem, *_ in draw_templates(config(AXES), "v", "baseline", *[templates(AXES)] * 2, plots=[plot])]
    assert stems == ["v_corner"]
    assert seen == [("v", ("x", "y"), ("variation", "x", "y"))]
    with pytest.raises(ConfigError, match="plot 'corner': axes must be 1 or 2, not 3"):
        TemplatePlot("corner", corner, axes=3)


def test_a_plot_of_the_user_has_the_configuration_until_the_next_release() -> None:
    cfg, seen = configure(parameters=STYLED, variables={"v": HistConf(AXES[:1])}), []

    def own(context: Any) -> None:
        seen.append((context.plan.samples, context.config))

    plots = [TemplatePlot("own", own)]
    drawn = draw_templates(cfg.figure_plan(), "v", "baseline", templates(AXES[:1]), plots=plots, config=cfg)
    with pytest.warns(DeprecationWarning, match=r"PlotContext\.config .* read PlotContext\.plan"):
        assert list(drawn) == []
    assert seen == [(cfg.samples, cfg)]


@pytest.mark.parametrize("missing", ["before", "data"])
def test_no_comparison_without_a_before_or_data(missing: str) -> None:
    after, before = templates(AXES[:1]), templates(AXES[:1])
    if missing == "data":
        del after["DATA"]
    given = config(AXES[:1]), "v", "baseline", after, before if missing == "data" else None, "nominal"
    plots = draw_templates(*given, plots=shipped("data_mc", "before_after"))
    assert [stem for stem, _, _ in plots] == ["v"]


def test_what_is_compared_may_have_other_categories_and_samples() -> None:
    after, before = templates(AXES[:1]), templates(AXES[:1])
    other = hist.axis.StrCategory(["other"], name="cat")
    without = {name: hist.Hist(other, *list(h.axes)[1:], storage="weight") for name, h in before.items()}
    chosen = shipped("data_mc", "before_after")
    plots = draw_templates(config(AXES[:1]), "v", "baseline", after, without, "nominal", plots=chosen)
    assert [stem for stem, _, _ in plots] == ["v"]
    # Data have no variations.
    more = {**before, "QCD": before["DY"], "DATA_2": before["DATA"]}
    _, (stem, _, numbers) = draw_templates(config(AXES[:1]), "v", "baseline", after, more, "nominal", plots=chosen)
    assert stem == "v_vs_nominal"
    np.testing.assert_allclose(numbers["before"]["values"], np.full(4, 30.0))
    np.testing.assert_allclose(numbers["after"]["values"], np.full(4, 20.0))
    np.testing.assert_allclose(numbers["data"]["values"], np.full(4, 10.0))
    with pytest.raises(HistogramError, match="DY: a histogram to compare with has no axis 'x', only cat, variation, y"):
        list(draw_templates(config(AXES[:1]), "v", "baseline", after, templates([AXES[1]]), "nominal"))


def test_luminosity_is_that_of_the_datasets_years() -> None:
    assert period_of(config(AXES[:1])) == Period(lumi=LUMI, year="2018", com=13.0)
    years = [("2018", 59830.0), ("2022", 34652.1), ("2023", 27640.0)]
    found = period_from([years, [13, 13.6, 13.6]])
    assert found.text == r"122 $\mathrm{fb^{-1}}$, 2018+2022+2023 (13 and 13.6 TeV)"
    assert period_from([years, [13, None, 13.6]]).com is None


def test_a_change_of_the_combination_draws_figures_again() -> None:
    def spec(weight: Any) -> Any:
        cfg = configure(parameters=STYLED, weights={"common": {"inclusive": [weight]}} if weight else {})
        return figure_specs(cfg.figure_plan(), [("baseline", "x")])["baseline", "x"]

    together, apart = (spec(QCDScalePoints.wrap("scales", envelope=envelope)) for envelope in (True, False))
    assert together["combined"] == (QCDScalePoints.wrap("scales").combination,)
    assert "combined" not in apart
    assert "combined" not in spec(None)
