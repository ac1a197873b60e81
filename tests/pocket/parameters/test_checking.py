from __future__ import annotations

import re
from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.checking import check_keys
from pocket.parameters.defaults import merge_parameters
from tests.entries import check_each
from tests.pocket.configs import PARAMETERS


@check_each(
    "parameters",
    [
        {"lumi": {"picobarns": {"2018": {"tot": 1.0, "A": 0.4}}, "sqrt_s": {"2018": 13}}},
        {"object_preselection": {"MyJet": {"pt": 30.0, "puId": {"anything": 1}}}},
        {"object_preselection": {"Jet": {"puId": {"wp": "L", "value": 4, "maxpt": 50.0}, "eta_min": 0.5}}},
        {"object_preselection": {"Muon": {"iso": {"type": "pfIsoId", "working_point": 2}, "pt": [25, 15]}}},
        {"object_preselection": {"Muon": {"dxy": 0.2, "sip3d": 8}, "FatJet": {"regression": {"a": True}}}},
        {"HLT_triggers": {"2018": {"SingleMuon": ["IsoMu24"]}}},
        {"plotting_style": {"anything": {"at": "all"}}},
        {"dimuon": {"mass_low": 60}, "my_section": 4, "theory": {}, "jets": {}},
        {"jets_calibration": {"variations": "${default_jets_calibration.variations.all_sources}"}},
        {"lepton_scale_factors": {"muon_sf": {"sf_name": {"2018": {"iso": "NUM_TightRelIso_DEN_TightIDandIPCut"}}}}},
        {"lumi": "${other.lumi}", "event_flags": {"2018": "${other.flags}"}},
        {"btagging": {"working_point": {"2018": {"reference": {"btagging_WP": "x"}, "bbtagging_WP": 0.86}}}},
        {"btagging": {"working_point": {"2018": {"btagging_WP": {"btagDeepFlavB": {"L": 0.1, "M": 0.3}}}}}},
        {"btagging": {"working_point": {"2018": {"btagging_WP": 0.3}}}},
        {"jets_calibration": {"jet_types": {"AK4PFchs": {"2018": ["a.jec.txt.gz", "b.jec.txt.gz"]}}}},
        {"jets_calibration": {"collection": {"AK4PFchs": "Jet", "2018": {"AK4PFchs": ["Jet"]}}}},
        {"jet_scale_factors": {"jet_collection": {"ctag": "JetGood"}, "vetomaps": {"2024": {"file": "x"}}}},
        {"jets_calibration": {"jet_types": {"MC": {"AK4PFchs": "x"}}, "apply_jec_nominal": {"2018": True}}},
        {"default_jets_calibration": {"factory_config_clib": {}, "jec_name_map_MC": {}}, "photon_scale_factors": {}},
    ],
)
def test_known_keys(parameters: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    check_keys(parameters, "file.yaml")
    assert not caplog.messages


@pytest.mark.parametrize("section", ["object_preselecton", "ttlf_calibration", "btagSF_calibration_ttsplit"])
def test_a_section_of_the_users_own_may_resemble_a_shipped_one(section: str, caplog: pytest.LogCaptureFixture) -> None:
    check_keys({section: {"2018": {"file": "x"}}}, f"{section}.yaml")
    assert len(caplog.messages) == (section != "btagSF_calibration_ttsplit")
    for message in caplog.messages:
        assert re.match(rf"section '{section}' in {section}\.yaml is taken as one of your own, did you mean '", message)


def test_keys_of_the_users_own_in_shipped_sections(caplog: pytest.LogCaptureFixture) -> None:
    check_keys({"btagging": {"working_point": {"2018": {"btagging_WP_mine": 1}}}, "lumi": {"mine": 1}}, "own.yaml")
    keys = "btagging.working_point.2018.btagging_WP_mine, lumi.mine"
    assert caplog.messages == [f"own.yaml: {keys} are keys of your own, which nothing but your code reads"]


def test_a_year_that_is_a_number(caplog: pytest.LogCaptureFixture) -> None:
    before = PARAMETERS.lumi.picobarns["2018"].tot
    merged = merge_parameters(PARAMETERS, {"lumi": {"picobarns": {2018: {"tot": 1.0}}}}, update=True)
    assert list(merged.lumi.picobarns) == list(PARAMETERS.lumi.picobarns)
    assert merged.lumi.picobarns["2018"].tot == before
    sentence = "lumi.picobarns in merged parameters has the number 2018 as a key"
    assert caplog.messages == [f"{sentence}, which isn't the year '2018', so it is ignored"]
    with pytest.raises(ConfigError, match=r"has the number 2031 as a key, write the year in quotes: '2031'"):
        merge_parameters(PARAMETERS, {"lumi": {"picobarns": {2031: {"tot": 1.0}}}})


@check_each(
    ("parameters", "message"),
    [
        ({"lumi": {"picobarn": {}}}, r"key 'lumi\.picobarn' in file\.yaml, did you mean 'lumi\.picobarns'"),
        (
            {"object_preselection": {"Muon": {"ptt": 3}}},
            r"key 'object_preselection\.Muon\.ptt' in file\.yaml, did you mean 'object_preselection\.Muon\.pt'",
        ),
        (
            {"object_preselection": {"Electron": {"Iso": 3}}},
            r"'object_preselection\.Electron\.Iso' in file\.yaml, did you mean 'object_preselection\.Electron\.iso'",
        ),
        (
            {"object_preselection": {"Jet": {"dr_leptons": 3}}},
            r"'object_preselection\.Jet\.dr_leptons' in file\.yaml, did you mean 'object_preselection\.Jet\.dr_lepton'",
        ),
        (
            {"btagging": {"working_point": {"2018": {"btagging_wp": {}}}}},
            r"did you mean 'btagging\.working_point\.2018\.btagging_WP'",
        ),
        ({"pileup": {"2018": {"files": "x"}}}, r"key 'pileup\.2018\.files' in .* did you mean 'pileup\.2018\.file'"),
        (
            {"object_preselection": {"Jet": {"puId": {"wP": "L"}}}},
            r"key 'object_preselection\.Jet\.puId\.wP' in .* did you mean 'object_preselection\.Jet\.puId\.wp'",
        ),
        (
            {"lepton_scale_factors": {"muon_sf": {"sf_name": {"2018": {"isolation": "x"}}}}},
            r"key 'lepton_scale_factors\.muon_sf\.sf_name\.2018\.isolation' in .*2018\.iso'",
        ),
        (
            {"jets_calibration": {"jet_types": {"AK4PFchs": {"2018": {"json": "x"}}}}},
            r"did you mean 'jets_calibration\.jet_types\.AK4PFchs\.2018\.json_path'",
        ),
        ({"lumi": {"uncertainty": {}}}, r"key 'lumi\.uncertainty' in .* did you mean 'lumi\.uncertainties'"),
    ],
)
def test_unknown_key(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        check_keys(parameters, "file.yaml")


@check_each(
    ("parameters", "message"),
    [
        (
            {"lumi": {"picobarns": {"2018": {"tot": "abc"}}}},
            r"^lumi\.picobarns\.2018\.tot in f is 'abc', expected a",
        ),
        ({"lumi": {"picobarns": {"2018": {"tot": None}}}}, r"tot in f is null, expected a number"),
        ({"lumi": {"picobarns": {"2018": {"tot": [1]}}}}, r"tot in f is \[1\], expected a number"),
        ({"lumi": {"picobarns": {"2018": {"A": True}}}}, r"lumi\.picobarns\.2018\.A in f is true, expected a number"),
        ({"lumi": {"picobarns": {"2018": 59.8}}}, r"2018 in f is 59\.8, expected a table of keys such as 'tot'"),
        ({"pileup": "x"}, "pileup in f is 'x', expected a table by year"),
        ({"event_flags": {"2018": "goodVertices"}}, r"event_flags\.2018 in f is 'goodVertices', expected a list"),
        ({"jets_calibration": {"sort_by_pt": {"2018": {"AK4": 1}}}}, "AK4 in f is 1, expected true or false"),
        ({"pileup": {"2018": {"file": 3}}}, r"pileup\.2018\.file in f is 3, expected a string"),
    ],
)
def test_kinds_of_values(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_keys(parameters, "f")


def test_values_that_are_not_known_yet() -> None:
    check_keys({"lumi": {"picobarns": {"2017": {"tot": "???"}, "2018": {"tot": "${product:1,2}"}, "2016": None}}}, "f")
