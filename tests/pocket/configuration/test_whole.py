from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.base.runtime.remarks import remark
from pocket.configuration.configurator import Configurator
from pocket.configuration.whole import check_trigger_cuts
from pocket.cuts.library import eventFlags, get_HLTsel, get_HLTsel_custom, get_L1sel, passthrough
from pocket.errors import ConfigError, DatasetError, UnknownNameError
from tests.pocket.configs import DATA, PARAMETERS, configure, only

TRIGGERS = {"HLT_triggers": {"2018": {"SingleMuon": ["IsoMu24"], "SingleEle": ["Ele32"]}}}


def config(triggers: Any = TRIGGERS, **changes: Any) -> Configurator:
    """Return the small configuration of simulation, with triggers among its parameters."""
    parameters = OmegaConf.merge(PARAMETERS, OmegaConf.create(triggers))
    return configure(parameters=parameters, **{"datasets": only("DY", "TT")} | changes)


def test_right_cuts() -> None:
    selections = [get_HLTsel(), get_HLTsel(["SingleEle"], invert=True), get_HLTsel_custom(["no_such_trigger"])]
    assert config(skim=selections).skim == tuple(selections)
    # a cut of a subsample concerns the datasets of its sample alone
    moved = {"subsamples": {"DY": {"muon": [get_HLTsel(["SingleMuon"])]}}}
    assert config(**moved).subsamples["DY"].names == ("muon",)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"skim": [passthrough, get_HLTsel(["SingleMoun"])]},
            r"'SingleMoun' in cut 'HLT_trigger_SingleMoun' of skim, HLT_triggers\.2018, did you mean 'SingleMuon'",
        ),
        (
            {"preselections": [get_HLTsel(["SingleMuon", "MET"])]},
            r"'MET' in cut .* of preselections, HLT_triggers\.2018; known: SingleEle, SingleMuon$",
        ),
        (
            {"categories": {"muon": [get_HLTsel(["singlemuons"])]}},
            r"'singlemuons' in cut .* of categories\.muon, HLT_triggers\.2018, did you mean 'SingleMuon'",
        ),
        (
            {"subsamples": {"TT": {"ele": [get_HLTsel(["SingelEle"])]}}},
            r"'SingelEle' in cut .* of subsamples\.TT\.ele, HLT_triggers\.2018, did you mean 'SingleEle'",
        ),
        (
            {"skim": [get_HLTsel()], "triggers": {"HLT_triggers": {"2017": {}}}},
            "unknown year '2018' in HLT_triggers, which cut 'HLT_trigger' of skim needs for dataset .*'2017'",
        ),
        ({"skim": [get_L1sel()]}, "unknown parameter 'L1_triggers' in the parameters, did you mean 'HLT_triggers'"),
    ],
)
def test_triggers_that_parameters_lack(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        config(**changes)


def test_data_need_a_primary_dataset_that_has_triggers() -> None:
    data = config(datasets=only("DATA"))
    data.skim = (get_HLTsel(["SingleEle"]),)
    check_trigger_cuts(data)
    data.skim = (get_HLTsel(),)
    with pytest.raises(DatasetError, match=r"'DATA.* lacks 'primaryDataset' .* one of 'SingleMuon', 'SingleEle'$"):
        check_trigger_cuts(data)
    definition = data.definitions[DATA]
    object.__setattr__(definition, "primary_dataset", "SingleMoun")
    with pytest.raises(UnknownNameError, match=r"'SingleMoun' in the metadata of .*, did you mean 'SingleMuon'"):
        check_trigger_cuts(data)


def test_years_that_the_parameters_lack(caplog: pytest.LogCaptureFixture) -> None:
    tables = {"lumi": {"sqrt_s": {"2017": 13}, "goldenJSON": {"2017": "a"}}, "event_flags": {"2017": ["a"]}}
    lacking = "the parameters have no year '2018' in {}: set it in params/eras/2018.yaml"

    def said(parameters: Any = tables, **changes: Any) -> list[str]:
        remark.cache_clear()
        caplog.clear()
        config({**TRIGGERS, **parameters}, **changes)
        return [record.getMessage() for record in caplog.records]

    assert said() == [lacking.format("lumi.sqrt_s")]
    assert said(skim=[get_HLTsel(), eventFlags]) == [lacking.format("lumi.sqrt_s, event_flags")]
    assert said({"event_flags": tables["event_flags"]}) == said({}) == []
    with_year = {"lumi": {"sqrt_s": {"2018": 13}}, "event_flags": {"2018": ["a"]}}
    assert said(with_year, skim=[eventFlags]) == []
