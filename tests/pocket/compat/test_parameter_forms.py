from __future__ import annotations

from omegaconf import OmegaConf

from pocket.compat.parameter_forms import in_own_form, set_tags
from pocket.parameters.public_places import ROOT

PERIOD = "Run3-22CDSep23-Summer22-NanoAODv12"


def test_what_is_in_our_form_stays() -> None:
    part = OmegaConf.create({"pileup": {"2018": {"file": "a"}}, "pileupJSONfiles": "${pileup}", "mine": "${nothing}"})
    assert in_own_form(part) is part


def test_a_section_with_another_name_has_both() -> None:
    part = OmegaConf.create(
        {"pileupJSONfiles": {"2018": {"file": "${mine.file}", "name": "???"}}, "mine": {"file": "a"}}
    )
    formed = in_own_form(part)
    assert formed.pileup["2018"].file == formed.pileupJSONfiles["2018"].file == "a"
    assert OmegaConf.is_missing(formed.pileup["2018"], "name")
    both = OmegaConf.create({"pileupJSONfiles": {"2018": {"file": "a"}}, "pileup": {"2018": {"file": "b"}}})
    assert in_own_form(both).pileupJSONfiles["2018"].file == "b"


def test_one_name_of_the_year_for_all_corrections_of_electrons() -> None:
    mapping = {"2017": "2017", "2018": {"reco": "x"}, "2016_PreVFP": "${mine}"}
    part = OmegaConf.create({"lepton_scale_factors": {"electron_sf": {"era_mapping": mapping}}, "mine": {"reco": "y"}})
    formed = in_own_form(part).lepton_scale_factors.electron_sf.era_mapping
    assert OmegaConf.to_container(formed, resolve=True) == {
        "2017": {"reco": "2017", "id": "2017", "trigger": "2017"},
        "2018": {"reco": "x"},
        "2016_PreVFP": {"reco": "y"},
    }
    # The parameters as they were written aren't changed.
    assert part.lepton_scale_factors.electron_sf.era_mapping["2017"] == "2017"


def test_names_in_yaml() -> None:
    parameters = OmegaConf.create(
        {"tagged": f"${{cvmfs:{PERIOD},JME,a.json,2026-06-05}}", "other": f"${{cvmfs:{PERIOD},JME,a.json}}"}
    )
    assert parameters.tagged == f"{ROOT}/JME/{PERIOD}/2026-06-05/a.json"
    assert parameters.other == f"{ROOT}/JME/{PERIOD}/latest/a.json"
    set_tags({"JME": {PERIOD: "2025-01-01"}})
    try:
        assert parameters.other == f"{ROOT}/JME/{PERIOD}/2025-01-01/a.json"
        assert parameters.tagged.endswith("/2026-06-05/a.json")
    finally:
        set_tags({})
