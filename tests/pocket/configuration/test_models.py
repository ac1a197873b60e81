from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.base.fingerprint import digest
from pocket.configuration.analysis import Analysis
from pocket.configuration.deferred import deferred_errors
from pocket.configuration.loading import load_analysis
from pocket.configuration.models import _includes, check_model, readings_of, stored_variations_of
from pocket.cuts import Cut, passthrough
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.statistics import Drop, LogNormal, Process, Region, StatisticalModel, Stored
from tests.entries import check_each

TTBAR, ZMUMU = load_analysis("ttbar"), load_analysis("zmumu")
SHIPPED = ["ttbar", "zmumu"]


def region(**others: Any) -> Region:
    return Region(**{"config": "medium", "category": "2b", "variable": "MET_pt"} | others)


def model(*nuisances: Any, **others: Any) -> StatisticalModel:
    usual: dict[str, Any] = {
        "regions": {"sr": region()},
        "processes": {"ttB": Process("TTToSemiLeptonic__ttB", signal=True), "w": Process("WJetsToLNu")},
        "data": ("DATA_SingleMuon",),
        "nuisances": nuisances or (Stored("*"),),
    }
    return StatisticalModel(**usual | others)


def analysis(**models: Any) -> Analysis:
    return dataclasses.replace(TTBAR, models=models)


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "no model": (lambda: {"sr": 1}, "models of analysis 'ttbar': 'm' is {'sr': 1}, not a StatisticalModel(…)"),
    "configuration": (
        lambda: model(regions={"sr": region(config="mediun")}),
        "unknown configuration 'mediun' in regions of model 'm', did you mean 'medium'?",
    ),
    "category": (
        lambda: model(regions={"sr": region(category="4j")}),
        "unknown category '4j' in region 'sr' of model 'm'; known: 1b, 2b, 3b, inclusive",
    ),
    "variable": (lambda: model(regions={"sr": region(variable="MET")}), "unknown variable 'MET' in region 'sr'"),
    "sample": (
        lambda: model(processes={"tt": Process("TTToSemiLeptonic", signal=True)}),
        "unknown sample 'TTToSemiLeptonic' in process 'tt', region 'sr' of model 'm', did you mean",
    ),
    "data as simulation": (
        lambda: model(processes={"d": Process("DATA_SingleMuon", signal=True)}, data=()),
        "sample 'DATA_SingleMuon' is data, not simulation",
    ),
    "simulation as data": (lambda: model(data=("DYJetsToMuMu",)), "sample 'DYJetsToMuMu' is simulation, not data"),
    "year of a region": (lambda: model(regions={"sr": region(years="2018")}), "unknown year '2018' in region 'sr'"),
    "year of a factor": (
        lambda: model(Stored("*"), LogNormal("lumi", {"2018": 1.02})),
        "unknown year, process or region '2018' in LogNormal('lumi') of model 'm'",
    ),
    "edge": (
        lambda: model(regions={"sr": region(edges=(20, 55, 100))}),
        "region 'sr' of model 'm': 55 is no edge of histogram 'MET_pt', nearest: 50",
    ),
    "variation": (
        lambda: model(Stored("*"), Stored("pileupp")),
        "unknown stored variation 'pileupp' in the nuisances of model 'm', did you mean 'pileup'?",
    ),
    "variation that is lost": (
        lambda: model(Stored("sf_*")),
        "variation 'pileup' of process 'ttB' in region 'sr' is neither taken nor dropped: add Stored('pileup') or "
        "Drop('pileup') to the nuisances of model 'm'",
    ),
    "group": (
        lambda: model(groups={"leptons": ("sf_mu_*", "sf_elle_*")}),
        "unknown parameter 'sf_elle_*' in group 'leptons' of model 'm', did you mean",
    ),
    "a part of another region": (
        lambda: model(regions={"all": region(category="inclusive"), "sr": region(variable="nBJetGood")}),
        "regions 'all' and 'sr' of model 'm' have events in common, which would count twice: category '2b' of "
        "configuration 'medium' has all cuts of 'inclusive'",
    ),
    "variation of no process": (
        lambda: model(Stored("*"), Drop("sf_btag_lf", regions="sr", processes="w"), Stored("sf_dy*")),
        "unknown stored variation 'sf_dy*'",
    ),
}


@check_each("wrong", WRONG)
def test_models_are_checked_when_the_analysis_is_made(wrong: str) -> None:
    declare, words = WRONG[wrong]
    with pytest.raises(ConfigError) as caught:
        analysis(m=declare())
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "marked"),
    [
        (lambda: model(regions={"a": region(category="1b"), "b": region(category="4j")}), "region(category="),
        (
            lambda: model(
                Stored("*"),
                LogNormal("lumi", {"2018": 1.02}),
            ),
            'LogNormal("lumi"',
        ),
        (
            lambda: model(
                processes={
                    "ttB": Process("TTToSemiLeptonic__ttB", signal=True),
                    "w": Process("WJets"),
                }
            ),
            'Process("WJets")',
        ),
        (lambda: model(Stored("sf_*")), "StatisticalModel(**"),
    ],
)
def test_errors_name_the_line_of_what_they_are_about(wrong: Callable[[], Any], marked: str) -> None:
    with pytest.raises(ConfigError) as caught:
        analysis(m=wrong())
    match = re.search(r"\(declared in (.+):(\d+)\)$", str(caught.value))
    assert match is not None
    lines = Path(match[1]).read_text().splitlines()
    # Regions are made by a function of this file, whose line is the innermost one.
    assert marked in lines[int(match[2]) - 1] or "return Region(" in lines[int(match[2]) - 1]


def test_a_region_that_is_called_a_part_has_no_event_outside_of_the_other_one() -> None:
    values = np.random.default_rng(1).uniform(size=(3, 1000))
    events = ak.zip(dict(zip("abc", values, strict=True)))

    def above(field: str) -> Cut:
        return Cut(name=f"above_{field}", params={"field": field, "edges": np.array([0.5, 1])}, function=above_half)

    cuts = {"a": above("a"), "b": above("b"), "c": above("c"), "all": passthrough}
    lists = [list(names) for length in (1, 2, 3) for names in itertools.combinations(cuts, length)]
    masks = [
        np.all([cuts[name].get_mask(events, None, year="2018", isMC=True) for name in names], axis=0) for names in lists
    ]
    for (outer, mask), (inner, other) in itertools.product(zip(lists, masks, strict=True), repeat=2):
        # Cuts of one category are built anew, as by the functions that configurations call.
        again = [above(name) if name != "all" else passthrough for name in inner]
        assert _includes([cuts[name] for name in outer], again) == (not np.any(other & ~mask))


def above_half(events: Any, params: Any, **kwargs: Any) -> Any:
    return events[params["field"]] > params["edges"][0]


def test_regions_of_several_years_or_configurations_may_have_nested_categories() -> None:
    years = {"all": region(category="inclusive", years="toys"), "sr": region()}
    with pytest.raises(ConfigError, match="regions 'all' and 'sr' of model 'm' have events in common"):
        analysis(m=model(regions=years))
    analysis(m=model(regions={"one": region(category="1b"), "two": region()}))
    analysis(m=model(regions={"all": region(config="large", category="inclusive"), "sr": region()}))


def test_histograms_that_arent_filled_are_errors() -> None:
    regions = {"sr": Region("calibrated", "peak", "mll")}
    declared = dataclasses.replace(ZMUMU.models["z_xsec"], regions=regions)
    with pytest.raises(ConfigError, match="histogram 'mll' isn't filled in category 'peak'"):
        dataclasses.replace(ZMUMU, models={"z": declared})


def test_models_are_found_by_name() -> None:
    assert TTBAR.model("tt_xsec") is TTBAR.models["tt_xsec"]
    with pytest.raises(UnknownNameError, match="unknown model 'tt_xsek' in analysis 'ttbar', did you mean 'tt_xsec'"):
        TTBAR.model("tt_xsek")
    with pytest.raises(ConfigError, match="can't be part of a path in the store"):
        analysis(**{"a/b": model()})


def test_a_broken_configuration_breaks_its_model_only_when_it_is_used() -> None:
    def broken() -> Any:
        raise ConfigError("no parameters")

    configs = {**TTBAR.configs, "medium": broken}
    made = dataclasses.replace(TTBAR, configs=configs, default_config="large", models={"m": model()})
    check_model("m", made.models["m"], made)
    with pytest.raises(ConfigError, match="no parameters"):
        made.config("medium")


@pytest.mark.parametrize("name", SHIPPED)
def test_models_are_in_no_fingerprint_of_templates(name: str) -> None:
    whole = load_analysis(name)
    bare = dataclasses.replace(whole, models={})
    for config in {config for model in whole.models.values() for config in model.configs}:
        assert digest(whole.configs[config].plan().spec()) == digest(bare.configs[config].plan().spec())
    changed = dataclasses.replace(whole.models[next(iter(whole.models))], blind="*")
    assert digest(changed) != digest(next(iter(whole.models.values())))


def test_readings_are_what_the_model_needs() -> None:
    declared = model(Stored("sf_*"), Drop("pileup"))
    stored, is_complete = stored_variations_of(region(), TTBAR.configs["medium"], declared.samples)
    assert is_complete
    assert {"pileup", "sf_btag_lf", "sf_mu_id"} <= stored
    (reading,) = readings_of(declared, stored)
    assert (reading.config, reading.variable, reading.categories) == ("medium", "MET_pt", ("2b",))
    assert reading.samples == ("TTToSemiLeptonic__ttB", "WJetsToLNu", "DATA_SingleMuon")
    assert reading.reads_variation("sf_mu_idUp")
    assert not reading.reads_variation("pileupUp")


def test_statistical_parts_of_scale_factors_are_stored_variations() -> None:
    declared = ZMUMU.models["z_xsec"]
    (only,) = declared.regions.values()
    stored, _ = stored_variations_of(only, ZMUMU.configs["calibrated"], declared.samples)
    assert {f"sf_dy_pt_stat{number}" for number in range(1, 13)} <= stored
    assert {"sf_mu_id", "sf_mu_trigger"} <= stored


def test_a_wrong_model_stops_what_uses_it_alone_while_an_analysis_is_imported() -> None:
    wrong = {"sr": region(edges=(20, 55, 100))}
    with deferred_errors():
        made = analysis(m=model(regions=wrong))
    with pytest.raises(
        BrokenConfigError, match=r"nearest: 50; change the edges .* \(declared in [^()]+:\d+\)$"
    ) as caught:
        made.model("m")
    assert dict(made.broken_models) == {"m": str(caught.value)}
    assert made.config("medium").categories.names


def test_an_unknown_name_in_a_blind_model_stops_everything_since_its_data_would_be_shown() -> None:
    wrong = model(regions={"sr": region(category="4j")}, blind=("sr",))
    with deferred_errors(), pytest.raises(UnknownNameError, match="unknown category '4j'"):
        analysis(m=wrong)
    with deferred_errors():
        assert analysis(m=model(regions={"sr": region(category="4j")})).broken_models
