from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.plain import to_plain
from pocket.parameters.schema import SCHEMA
from pocket.plots.style import BlindHists, PlotStyle
from tests.entries import check_each

DEFAULTS = Path(__file__).parents[3] / "params" / "plotting.yaml"


def test_the_shipped_parameters_are_a_style() -> None:
    style = PlotStyle.from_parameters(to_plain(OmegaConf.load(DEFAULTS))["plotting_style"])
    assert style.label == "Private work"
    assert list(style.formats) == ["pdf", "png"]
    assert set(style.labels_mc) == set(style.colors_mc) == {"DYJetsToMuMu", "TTToSemiLeptonic", "WJetsToLNu"}
    assert style.color_of("WJetsToLNu") == "#e42536"


def test_unset_colours_and_labels() -> None:
    style = PlotStyle(colors_mc={"A": [1.0, 0.0, 0.0]})
    assert (style.color_of("A"), style.color_of("B"), style.label_of("B")) == ("#ff0000", None, "B")


def test_parameters_know_the_options_when_they_are_composed() -> None:
    options = {item.name for item in dataclasses.fields(PlotStyle)}
    assert set(SCHEMA["plotting_style"]) - {"+"} == options
    assert set(SCHEMA["plotting_style"]["blind_hists"]) == {item.name for item in dataclasses.fields(BlindHists)}


@pytest.mark.parametrize("color", ["#5790fc", "#ABCDEF"])
def test_usual_colours_need_no_matplotlib(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.colors", None)
    assert PlotStyle(colors_mc={"A": color}).colors_mc == {"A": color}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_mc": {}}, "unknown option 'label_mc' in plotting_style, did you mean 'labels_mc'"),
        ({"blind_hists": {"category": []}}, "unknown option 'category' in plotting_style.blind_hists"),
        ({"formats": ["pgn"]}, "unknown format 'pgn' in plotting_style.formats, did you mean 'png'"),
    ],
)
def test_unknown_names_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        PlotStyle.from_parameters(options)


@check_each(
    ("options", "message"),
    [
        ({"formats": "pdf"}, "plotting_style.formats must be a list of names, not 'pdf'"),
        ({"formats": ["png", "???"]}, r"parameter plotting_style\.formats\.1 is still '\?\?\?', give it a value"),
        ({"dpi": 0}, "plotting_style.dpi must be a positive integer"),
        ({"labels_mc": {"A": 1}}, "plotting_style.labels_mc.A must be a string"),
        ({"labels_mc": ["A"]}, "plotting_style.labels_mc must be a mapping"),
        (
            {"colors_mc": {"A": "redd"}},
            r"colors_mc\.A: 'redd' is not a colour, did you mean 'red'\? Or write",
        ),
        ({"colors_mc": {"A": "CMS"}}, "plotting_style.colors_mc.A: 'CMS' is not a colour"),
        ({"samples_groups": {"G": ["A"], "H": ["A"]}}, "samples_groups: sample 'A' appears twice"),
        ({"rescale_samples": {"A": -1}}, "plotting_style.rescale_samples.A must be a positive number"),
        ({"signal_samples": {"A": True}}, "plotting_style.signal_samples.A must be a positive number"),
        ({"blind_hists": {"histograms": {"m": [2, 1]}}}, "blind_hists.histograms.m must be"),
        ({"fontsize": 0}, "plotting_style.fontsize must be a positive number, not 0"),
        ({"opts_data": "black"}, "plotting_style.opts_data must be a mapping"),
        ({"opts_data": {"color": "CMS"}}, "plotting_style.opts_data.color: 'CMS' is not a colour"),
        ({"opts_unc": {"total": {"color": 3}}}, "plotting_style.opts_unc.total.color: 3 is not a colour"),
        ({"opts_sig": {"linewidth": "thick"}}, "opts_sig.linewidth must be a positive number, not 'thick'"),
        ({"opts_figure": {"datamc_ratio": {"figsize": [12]}}}, "datamc_ratio.figsize must be two positive numbers"),
        ({"opts_figure": {"datamc_ratio": 3}}, "plotting_style.opts_figure.datamc_ratio must be a mapping"),
        ({"opts_ylim": {"datamc": {"ylim_log": {"lo": -1}}}}, "ylim_log.lo must be a positive number, not -1"),
    ],
)
def test_wrong_values_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PlotStyle.from_parameters(options)


def test_options_without_effect_are_noted_once(caplog: pytest.LogCaptureFixture) -> None:
    options = {"opts_syst": {}, "parameters_eff": {}, "opts_sf": {}, "opts_data": {"linestyle": "solid"}, "dpi": 50}
    assert PlotStyle.from_parameters(options) == PlotStyle(dpi=50)
    listed = "opts_syst, parameters_eff, opts_sf, opts_data.linestyle"
    assert caplog.messages == [
        f"plotting_style: {listed} have no effect on the plots made here, so they are ignored",
    ]


def test_log_histograms_are_patterns() -> None:
    style = PlotStyle(log_histograms=["*_pt", "met"])
    assert [style.is_log(name) for name in ("mu_pt", "met", "pt", "mu_pt_1")] == [True, True, False, False]


def test_bins_that_overlap_the_blinded_range_are_hidden() -> None:
    blind = BlindHists(categories=["sr"], histograms={"m": [2.0, 3.5]})
    edges = np.arange(6.0)
    assert blind.hidden("sr", "m", edges).tolist() == [False, False, True, True, False]
    assert blind.hidden("sr", "m", (-np.inf, 0.0, 1.0, np.inf)).tolist() == [False, False, True]
    assert not blind.hidden("cr", "m", edges).any()
    assert not blind.hidden("sr", "pt", edges).any()
