from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.base.runtime.remarks import remark
from pocket.configuration.configurator import Configurator
from pocket.parameters.defaults import get_default_parameters
from pocket.plots.sample_names import remark_unknown_samples
from tests.pocket.configs import PARAMETERS, configure

SAMPLES = ("DYJetsToMuMu", "WJetsToLNu", "QCD_HT-200", "ST_t-channel", "ST_s-channel")


@pytest.fixture
def remarks(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, with nothing remarked before."""
    remark.cache_clear()
    caplog.set_level(logging.WARNING)
    return caplog


def config(folder: Path, **style: Any) -> Configurator:
    """Return a configuration with some samples, a filter of the last and a style on top of the shipped one."""
    file = folder / "samples.json"
    entry = {"paths": ["a.root"], "metadata": {"year": "2018", "isMC": True, "xsec": 1.0}}
    file.write_text(json.dumps({name: {"sample": name, "files": [entry]} for name in SAMPLES}))
    shipped = {"plotting_style": get_default_parameters().plotting_style}
    parameters = OmegaConf.merge(PARAMETERS, shipped, {"plotting_style": style})
    datasets = {"jsons": [file], "filter": {"samples_exclude": [SAMPLES[-1]]}}
    return configure(parameters=parameters, datasets=datasets)


def remark_on(cfg: Configurator, *others: Configurator) -> None:
    samples = [name for each in (cfg, *others) for sample in each.samples for name in each.counted_samples(sample)]
    remark_unknown_samples(cfg.figure_plan(), samples, cfg.definition_files)


RIGHT: tuple[dict[str, Any], ...] = (
    {},
    {"colors_mc": {"Higgs": "red", "ZZ": "blue"}, "labels_mc": {"TTTo2L2Nu": "dilepton"}},
    # another slice of a family, a part of a sample, and a sample that is named beside the one that it resembles
    {"colors_mc": {"QCD_HT-100": "red"}, "exclude_samples": ["WJetsToLNu_0J"]},
    {"colors_mc": {"DYJetToMuMu": "red", "DYJetsToMuMu": "blue"}},
    # a sample that the filter leaves out, which another one resembles
    {"rescale_samples": {"ST_s-channel": 2.0}, "samples_groups": {"W": ["WJetsToLNu"]}, "order_mc": ["W"]},
)


@pytest.mark.parametrize("style", RIGHT)
def test_names_that_a_shared_style_may_have(
    style: dict[str, Any], tmp_path: Path, remarks: pytest.LogCaptureFixture
) -> None:
    remark_on(config(tmp_path, **style))
    assert remarks.messages == []


@pytest.mark.parametrize(
    ("style", "sentence"),
    [
        (
            {"colors_mc": {"DYJetToMuMu": "red"}, "labels_mc": {"DYJetToMuMu": "Z"}},
            "there is no sample 'DYJetToMuMu' for plotting_style (labels_mc, colors_mc), did you mean 'DYJetsToMuMu'?",
        ),
        (
            {"signal_samples": {"wjetstolnu": 10.0}},
            "there is no sample 'wjetstolnu' for plotting_style (signal_samples), did you mean 'WJetsToLNu'?",
        ),
        (
            {"samples_groups": {"weak": ["DYJetsToMuMu", "WJetToLNu"]}, "order_mc": ["waek"]},
            "there is no sample 'WJetToLNu' for plotting_style (samples_groups.weak), did you mean 'WJetsToLNu'?",
        ),
        (
            {"samples_groups": {"electroweak": ["DYJetsToMuMu"]}, "order_mc": ["electroweek"]},
            "there is no sample 'electroweek' for plotting_style (order_mc), did you mean 'electroweak'?",
        ),
        (
            {"samples_groups": {"top": ["TTbar", "tW"]}},
            "plotting_style.samples_groups.top isn't drawn: none of TTbar, tW is a sample of the analysis, which has "
            "DYJetsToMuMu, WJetsToLNu, QCD_HT-200, ST_t-channel",
        ),
        (
            {"samples_groups": {"W": ["WJetToLNu"]}},
            "there is no sample 'WJetToLNu' for plotting_style (samples_groups.W), did you mean 'WJetsToLNu'?",
        ),
    ],
)
def test_misspelt_names(
    style: dict[str, Any], sentence: str, tmp_path: Path, remarks: pytest.LogCaptureFixture
) -> None:
    cfg = config(tmp_path, **style)
    remark_on(cfg)
    remark_on(cfg)
    assert remarks.messages == [sentence]


def test_samples_of_all_configurations_are_known(tmp_path: Path, remarks: pytest.LogCaptureFixture) -> None:
    cfg, other = config(tmp_path, samples_groups={"top": ["TT"]}), configure()
    remark_on(cfg, other)
    assert remarks.messages == []
