from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.plots.scale_factors.mass_fits import SIGNAL, fit_pages, fit_summary, short_label, value_text
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.result import VALID
from pocket.scale_factors.validation.fits import p_value
from tests.pocket.plots.results import PT, result_of, template_fit
from tests.pocket.plots.zmumu import CAPTION, scale_factor


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.950123, 0.0021, r"0.9501 $\pm$ 0.0021"),
        (20012.3, 151.2, r"20012 $\pm$ 151"),
        (-0.5, 1.04, r"-0.5 $\pm$ 1.0"),
        (0.1, 0.0, "0.1"),
    ],
)
def test_values_to_the_second_digit_of_their_error(value: float, error: float, text: str) -> None:
    assert value_text(value, error) == text


def test_pages_show_three_fits_each() -> None:
    result = scale_factor(pt=(20, 30, 40), failed=3)
    pages = list(fit_pages(result, style=PlotStyle(), mass_label="$m$ [GeV]", **CAPTION))
    assert [[fit["label"] for fit in numbers["fits"]] for _, numbers in pages] == [
        ["bin 0", "bin 1", "bin 2"],
        ["bin 3"],
    ]
    figure, numbers = pages[1]
    _, pass_, pass_pulls, fail, _, summary = figure.axes
    assert (pass_.texts[0].get_text(), fail.texts[0].get_text()) == ("pass", "fail")
    assert (pass_.get_ylabel(), pass_pulls.get_xlabel()) == ("Events / 2 GeV", "$m$ [GeV]")
    texts = [text.get_text() for text in summary.texts]
    assert {"muon_id", "bin 3", "no convergence", r"2000 $\pm$ 50", r"0.9501 $\pm$ 0.0021"} <= set(texts)
    region = result.diagnostics[3].regions["pass"]
    expected = region.postfit_signal + region.postfit_background
    assert numbers["fits"][0]["pulls"]["pass"] == pytest.approx((region.data - expected) / np.sqrt(expected))
    assert numbers["fits"][0]["p_value"] == p_value(result.diagnostics[3])
    json.dumps([numbers for _, numbers in pages], allow_nan=False)


def test_no_pages_without_fits_of_the_model() -> None:
    assert not list(fit_pages(scale_factor(), style=PlotStyle(), model="signal", **CAPTION))


def test_summary_of_parameters() -> None:
    result = scale_factor(failed=1)
    figure, numbers = fit_summary(result, style=PlotStyle(), **CAPTION)
    _, *panels = figure.axes
    assert [ax.get_ylabel() for ax in panels] == ["p-value", "signal", "efficiency", "slope"]
    assert [label.get_text() for label in panels[-1].get_xticklabels()] == [f"bin {number}" for number in range(6)]
    assert [fit["status"] for fit in numbers["fits"]].count("no convergence") == 1
    figure.canvas.draw()
    with pytest.raises(UnknownNameError, match="unknown fit model 'nominals' in muon_id, did you mean 'nominal'"):
        fit_summary(result, style=PlotStyle(), model="nominals", **CAPTION)


def test_fits_that_do_not_describe_the_data_and_overrides_are_marked() -> None:
    result = scale_factor()
    good, *others = result.diagnostics
    bad = dataclasses.replace(others[0], chi2=100.0, status=VALID, overridden="Fit(signal='template')")
    result = dataclasses.replace(result, diagnostics=(good, bad, *others[1:]))
    ((figure, _), *_) = fit_pages(result, style=PlotStyle(), **CAPTION)
    written = [{text.get_text() for text in ax.texts} for ax in figure.axes]
    marks = {"doesn't describe the data", "fitted with overrides"}
    assert [marks & texts for texts in written if "muon_id" in texts] == [set(), marks, set()]
    figure, _ = fit_summary(result, style=PlotStyle(), **CAPTION)
    p_values, *_, last = figure.axes[1:]
    open_points = [line for line in p_values.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata().tolist() for line in open_points] == [[1]]
    assert open_points[0].get_color() == SIGNAL["color"]
    assert "bin 1 (overrides)" in [label.get_text() for label in last.get_xticklabels()]


def test_joined_bins_are_named_by_the_first_and_the_last_one() -> None:
    fit = scale_factor().diagnostics[0]
    labels = ["pt [20, 30)", "pt [30, 40)", "pt [40, 50)"]
    assert short_label(dataclasses.replace(fit, label=labels[0])) == "pt [20, 30)"
    assert short_label(dataclasses.replace(fit, label=" + ".join(labels))) == "pt [20, 30) … pt [40, 50)"


def test_labels_of_the_summary_are_on_the_page() -> None:
    fit = scale_factor().diagnostics[0]
    long = dataclasses.replace(fit, label="year 2016preVFP, pt [100, 200), abseta [1.2, 2.4) + pt [200, inf), abseta")
    figure, _ = fit_summary(result_of({"pt": PT}, diagnostics=(long, fit)), style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    names = figure.axes[-1].get_xticklabels()
    assert [label.get_text() for label in names] == [short_label(long), short_label(fit)]
    assert min(label.get_window_extent().y0 for label in names) > 0


def test_summary_of_fits_of_templates_is_without_nuisances() -> None:
    result = result_of({"pt": PT}, diagnostics=(template_fit(), template_fit()))
    figure, _ = fit_summary(result, style=PlotStyle(), **CAPTION)
    assert [ax.get_ylabel() for ax in figure.axes[1:]] == ["p-value", "SF_b"]
    assert not list(fit_pages(result, style=PlotStyle(), **CAPTION))
