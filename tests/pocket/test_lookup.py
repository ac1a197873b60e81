from __future__ import annotations

import awkward as ak
import pytest
from omegaconf import OmegaConf

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.lookup import branch, collection, field, parameter

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


def test_parameters_that_may_change_are_looked_up_anew() -> None:
    params = OmegaConf.create({"muon": {"pt": 1.0, "same": "${muon.pt}"}})
    assert parameter(params, "muon", "same") == 1.0
    params.muon.pt = 2.0
    assert parameter(params, "muon", "same") == 2.0
    OmegaConf.set_readonly(params, True)
    assert parameter(params, "muon", "same") == 2.0
    assert parameter(params, "muon") is parameter(params, "muon")
    with pytest.raises(UnknownNameError):
        parameter(params, "muon", "eta")
    # many others in between
    for number in range(200):
        other = OmegaConf.create({"muon": {"pt": number}})
        OmegaConf.set_readonly(other, True)
        assert parameter(other, "muon", "pt") == number
    assert parameter(params, "muon", "pt") == 2.0


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


def test_field() -> None:
    events = ak.Array([{"ll": {"mass": 91.0, "first": {"eta": -1.5, "absphi": 7.0, "phi": -2.0}}, "n": 2}])
    assert field(events, "n", "events").to_list() == [2]
    assert field(events, "ll.mass", "events").to_list() == [91.0]
    assert field(events.ll, "first.eta", "ll").to_list() == [-1.5]
    assert field(events, "ll.first.abseta", "events").to_list() == [1.5]
    assert field(events, "ll.first.absphi", "events").to_list() == [7.0]
    with pytest.raises(MissingBranchError, match=r"^branch 'll_first_absetta' does not exist; nearest: ll_first_"):
        field(events, "ll.first.absetta", "events")
    with pytest.raises(MissingBranchError, match=r"^branch 'lll' does not exist; nearest: ll$"):
        field(events, "lll.mass", "events")
