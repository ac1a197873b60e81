from __future__ import annotations

import dataclasses
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.plots.scale_factors.figures import draw_convergence, draw_published, draw_scale_factor
from pocket.plots.scale_factors.pages import BAD
from pocket.scale_factors.files.comparison import Varied
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tests.pocket.configs import configure
from tests.pocket.plots.results import ABSETA, PT, YEARS, result_of, template_fit
from tests.pocket.plots.templates.test_figures import STYLED
from tests.pocket.plots.zmumu import scale_factor

AXES = [Axis(field="pt", bins=list(PT), type="variable", label="$p_T$ [GeV]")]


def stems(result: ScaleFactorResult) -> list[str]:
    return [stem for stem, _, _ in draw_scale_factor(config(), "v", result)]


def config() -> Any:
    return configure(parameters=STYLED, variables={"v": HistConf(AXES)}).figure_plan()


def test_pages_of_fits() -> None:
    found = stems(scale_factor())
    assert [stem for stem in found if "_fits" in stem] == ["muon_id_fits_nominal", "muon_id_fits_01", "muon_id_fits_02"]
    assert {"muon_id", "muon_id_map", "muon_id_uncertainties", "muon_id_correlation"} <= set(found)


def test_pages_of_fits_of_templates() -> None:
    result = result_of({"pt": PT}, sources=(), diagnostics=(template_fit(),))
    found = [stem for stem in stems(result) if "_fits" in stem]
    assert found == ["sf_fits_nominal", "sf_fits_01", "sf_fits_01_parameters"]


def test_pages_of_categories() -> None:
    result = result_of({"year": YEARS, "pt": PT, "abseta": ABSETA}, sources=())
    found = set(stems(result))
    assert {"sf_2017", "sf_2018", "sf_map_2017", "sf_map_2018", "sf_correlation"} <= found
    # There are neither pages of all categories together nor of sources, which it hasn't.
    assert found.isdisjoint({"sf", "sf_map", "sf_uncertainties"})


def test_pages_of_coupled_variations() -> None:
    shift = np.array([0.01, -0.02, 0.03])
    result = result_of({"pt": PT}, coupled={"hf": (shift, -2 * shift)})
    pages = {stem: numbers for stem, _, numbers in draw_scale_factor(config(), "v", result)}
    (shown,) = pages["sf_variations"]["slices"]
    relative = 100 * shift / result.scale_factor.value
    assert {line["name"]: line["values"] for line in shown["percent"]} == {
        "hf up": pytest.approx(relative),
        "hf down": pytest.approx(-2 * relative),
    }
    assert shown["axis"] == "$p_T$ [GeV]"
    assert "sf_variations" not in stems(result_of({"pt": PT}))


def test_one_bin_has_neither_a_map_nor_correlations() -> None:
    found = set(stems(result_of({"pt": (20.0, 30.0)}, sources=())))
    assert "sf" in found
    assert found.isdisjoint({"sf_map", "sf_correlation", "sf_uncertainties"})


def test_page_of_the_iterations() -> None:
    history = [result_of({"pt": PT}), result_of({"pt": PT})]
    ((stem, _, numbers),) = draw_convergence(config(), history, 0.02)
    assert stem == "sf_convergence"
    assert (numbers["small"], numbers["largest"]) == (0.02, [0.0])


def test_figures_of_values_have_the_lines_of_the_closure() -> None:
    closure = {"applied consistently": True, "closure failed: truth": False}
    for stem, figure, numbers in draw_scale_factor(config(), "v", result_of({"pt": PT, "abseta": ABSETA}), closure):
        texts = {text.get_text(): text for text in figure.texts if text.get_text() in closure}
        assert numbers.get("notes", list(texts)) == list(texts)
        assert bool(texts) == (stem in ("sf", "sf_map"))
        if texts:
            good, bad = (texts[note].get_color() for note in closure)
            assert (good, bad) == ("#555555", BAD)
            below = min(text.get_window_extent().y0 for text in texts.values())
            assert all(legend.get_window_extent().y1 < below for legend in figure.legends)


def test_axes_have_the_labels_of_the_configuration() -> None:
    (_, _, numbers), *_ = draw_scale_factor(config(), "v", result_of({"pt": PT}))
    assert numbers["slices"][0]["axis"] == "$p_T$ [GeV]"


def test_pages_with_a_published_one() -> None:
    result = result_of({"year": YEARS, "pt": PT, "abseta": ABSETA})
    published = dataclasses.replace(result, name="official")
    correction = correctionlib.CorrectionSet.from_string(dumps(published))["official"]
    inputs = {"systematic": Varied("nominal", "up", "down")}
    plots = list(draw_published(config(), "v", result, correction, inputs))
    assert [stem for stem, _, _ in plots] == ["sf_published_2017", "sf_published_2018"]
    assert plots[0][2]["chi2"] == pytest.approx(0)
    with pytest.raises(UnknownNameError, match="unknown input 'syst' in correction 'official'"):
        next(draw_published(config(), "v", result, correction, {"syst": "nominal"}))
