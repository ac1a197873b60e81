from __future__ import annotations

import awkward as ak
import pytest
from omegaconf import OmegaConf

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.lookup import branch, collection, parameter

PARAMS = OmegaConf.create({"event_flags": {"2017": ["a"], "2018": ["b"]}})


def test_parameter() -> None:
    assert parameter(PARAMS, "event_flags", "2018") == ["b"]
    assert parameter({"x": {"y": 1}}, "x", "y") == 1
    with pytest.raises(
        UnknownNameError, match=r"^unknown parameter '2016' in event_flags, did you mean '2018' or '2017'\?$"
    ):
        parameter(PARAMS, "event_flags", "2016")
    with pytest.raises(UnknownNameError, match=r"'event_flag' in the parameters, did you mean 'event_flags'\?"):
        parameter(PARAMS, "event_flag", "2018")


def test_collection_and_branch() -> None:
    events = ak.Array([{"Muon": [{"pt": 1.0, "eta": 2.0}]}])
    assert branch(collection(events, "Muon"), "pt", "Muon").to_list() == [[1.0]]
    with pytest.raises(UnknownNameError, match=r"^unknown collection 'Muons' in the events, did you mean 'Muon'\?$"):
        collection(events, "Muons")
    with pytest.raises(MissingBranchError, match=r"^branch 'Muon_beta' does not exist; nearest: Muon_eta$"):
        branch(events.Muon, "beta", "Muon")
    with pytest.raises(MissingBranchError, match=r"^branch 'Muon_tightId' does not exist$"):
        branch(events.Muon, "tightId", "Muon")
    with pytest.raises(MissingBranchError, match=r"^branch 'muon' does not exist; nearest: Muon$"):
        branch(events, "muon", "events")
