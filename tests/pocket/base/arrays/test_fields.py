from __future__ import annotations

import awkward as ak
import pytest

from pocket.base.arrays.fields import branch, collection, field
from pocket.errors import MissingBranchError, UnknownNameError


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
