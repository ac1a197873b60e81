from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from pocket.plots.scale_factors.template_fits import template_fit_pages
from pocket.plots.style import PlotStyle
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics
from tests.pocket.plots.results import PT, result_of, template_fit
from tests.pocket.plots.zmumu import CAPTION, scale_factor


def pages(*fits: TemplateFitDiagnostics) -> list[tuple[str, Figure, dict[str, Any]]]:
    result = result_of({"pt": PT}, diagnostics=fits)
    style = PlotStyle(labels_mc={"light": "udsg"}, colors_mc={"b": "#ff0000"})
    return list(template_fit_pages(result, style=style, labels={"score": "Score"}, **CAPTION))


def steps(ax: Axes) -> list[StepPatch]:
    return [patch for patch in ax.patches if isinstance(patch, StepPatch)]


def test_two_pages_for_each_nominal_fit() -> None:
    stems = [stem for stem, _, _ in pages(template_fit(), template_fit(model="signal"), template_fit())]
    assert stems == ["01", "01_parameters", "02", "02_parameters"]
    assert not list(template_fit_pages(scale_factor(), style=PlotStyle(), **CAPTION))


def test_distributions_before_and_after_the_fit() -> None:
    fit = template_fit()
    (_, figure, numbers), _ = pages(fit)
    _, *panels, _ = figure.axes
    texts = [ax.texts[0].get_text() for ax in panels[::2]]
    assert texts == ["pass, before the fit", "fail, before the fit", "pass, after the fit", "fail, after the fit"]
    assert {ax.get_xlabel() for ax in panels[1::2]} == {"Score"}
    for number, yields in enumerate((fit.prefit, fit.prefit, fit.postfit, fit.postfit)):
        upper, region = panels[2 * number], number % 2
        light, b, *bands = (patch.get_data() for patch in steps(upper))
        # the first process is at the top
        assert light.values == pytest.approx(yields["light"][region])
        assert b.baseline == pytest.approx(yields["light"][region])
        total = yields["light"][region] + yields["b"][region]
        assert b.values == pytest.approx(total)
        (points,) = (part for part in upper.containers if isinstance(part, ErrorbarContainer))
        assert np.asarray(points[0].get_ydata()) == pytest.approx(fit.data[region])
        if number < 2:
            (band,) = bands
            assert (band.baseline, band.values) == (pytest.approx(0.9 * total), pytest.approx(1.1 * total))
            error = np.sqrt(total + (0.1 * total) ** 2)
        else:
            assert not bands
            error = np.sqrt(total)
        (pulls,) = steps(panels[2 * number + 1])
        assert pulls.get_data().values == pytest.approx((fit.data[region] - total) / error)
    assert panels[0].get_legend().get_texts()[2].get_text() == "udsg"
    assert steps(panels[0])[1].get_facecolor() == (1, 0, 0, 1)
    assert numbers["prefit_pulls"]["fail"] == pytest.approx(steps(panels[3])[0].get_data().values)
    assert numbers["postfit"]["b"]["pass"] == pytest.approx([11, 22, 33])
    json.dumps(numbers, allow_nan=False)


def test_free_parameters_are_beside_the_distributions() -> None:
    (_, figure, _), _ = pages(template_fit(status="no minimum found"))
    texts = [text.get_text() for text in figure.axes[-1].texts]
    assert {"sf", "pt [30, 50)", "no minimum found", "SF_b", r"1.100 $\pm$ 0.050"} <= set(texts)
    assert "pileup" not in texts


def test_nothing_expected_has_no_pull() -> None:
    nothing = np.zeros((2, 3))
    (_, _, numbers), _ = pages(template_fit(prefit={"b": nothing}, postfit={"b": nothing}, data=nothing))
    assert numbers["prefit_pulls"]["pass"] == numbers["postfit_pulls"]["fail"] == [None] * 3


def test_nuisances_over_their_constraint_and_correlations() -> None:
    fit = template_fit()
    _, (_, figure, numbers) = pages(fit)
    _, pulls, matrix, _ = figure.axes
    (points,) = (part for part in pulls.containers if isinstance(part, ErrorbarContainer))
    assert np.asarray(points[0].get_xdata()) == pytest.approx([-0.5, 1.5])
    assert np.array([segment[:, 0] for segment in points[2][0].get_segments()]) == pytest.approx(
        np.array([[-1.4, 0.4], [1.1, 1.9]])
    )
    assert [label.get_text() for label in pulls.get_yticklabels()] == ["pileup", "rate_light"]
    assert [text.get_text() for text in pulls.texts] == [r"-0.50 $\pm$ 0.90", r"1.50 $\pm$ 0.40"]
    assert [label.get_text() for label in matrix.get_yticklabels()] == list(fit.parameters)
    assert np.asarray(matrix.collections[0].get_array()) == pytest.approx(fit.correlation)
    assert numbers["correlation"] == fit.correlation.tolist()
    json.dumps(numbers, allow_nan=False)


@pytest.mark.parametrize("count", [0, 2, 40])
def test_all_texts_are_on_the_page(count: int) -> None:
    names = tuple(f"a_nuisance_with_a_long_name_{number}" for number in range(count))
    parameters = {"SF_b": (1.0, 0.1), "SF_c": (1.0, 0.1), **dict.fromkeys(names, (0.123, 0.9))}
    _, (_, figure, _) = pages(template_fit(parameters=parameters, nuisances=names, correlation=np.eye(count + 2)))
    figure.canvas.draw()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert box.x0 > 0
            assert box.y0 > 0
            assert box.x1 < figure.bbox.x1
