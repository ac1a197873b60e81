from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import UnknownNameError
from pocket.parameters.schema import check_keys


@pytest.mark.parametrize(
    "parameters",
    [
        {"lumi": {"picobarns": {"2018": {"tot": 1.0, "A": 0.4}}, "sqrt_s": {"2018": 13}}},
        {"object_preselection": {"MyJet": {"pt": 30.0, "puId": {"anything": 1}}}},
        {"HLT_triggers": {"2018": {"SingleMuon": ["IsoMu24"]}}},
        {"plotting_style": {"anything": {"at": "all"}}},
        {"dimuon": {"mass_low": 60}, "my_section": 4},
        {"lumi": "${other.lumi}", "event_flags": {"2018": "${other.flags}"}},
    ],
)
def test_known_keys(parameters: dict[str, Any]) -> None:
    check_keys(parameters, "file.yaml")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lumi": {"picobarn": {}}}, r"key 'lumi\.picobarn' in file\.yaml, did you mean 'lumi\.picobarns'"),
        (
            {"object_preselection": {"Muon": {"ptt": 3}}},
            r"key 'object_preselection\.Muon\.ptt' in file\.yaml, did you mean 'object_preselection\.Muon\.pt'",
        ),
        (
            {"btagging": {"working_point": {"2018": {"btagging_wp": {}}}}},
            r"did you mean 'btagging\.working_point\.2018\.btagging_WP'",
        ),
        ({"object_preselecton": {}}, r"section 'object_preselecton' in file\.yaml, did you mean 'object_preselection'"),
        ({"HLT_trigger": {}}, "section 'HLT_trigger' in .* did you mean 'HLT_triggers'"),
        ({"pileup": {"2018": {"files": "x"}}}, r"key 'pileup\.2018\.files' in .* did you mean 'pileup\.2018\.file'"),
    ],
)
def test_unknown_key(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        check_keys(parameters, "file.yaml")
