from __future__ import annotations

import math

import awkward as ak
import pytest
from coffea.nanoevents.methods import vector

from pocket.base.arrays.fields import branch, collection, field, has_field
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


def test_what_records_compute() -> None:
    behaviors = {**vector.behavior, **ak.behavior}
    muons = {"pt": [[30.0, 20.0], [40.0, 25.0]], "eta": [[0.5, -1.0], [1.5, 0.0]], "phi": [[0.0, 2.5], [1.0, -1.0]]}
    objects = ak.zip(
        {**muons, "mass": [[0.1] * 2] * 2, "charge": [[1, -1]] * 2},
        with_name="PtEtaPhiMLorentzVector",
        behavior=behaviors,
    )
    pairs = objects[:, 0] + objects[:, 1]
    assert "mass" not in pairs.fields
    assert has_field(pairs, "mass")
    masses = []
    for event in range(2):
        pt, eta, phi = (muons[name][event] for name in ("pt", "eta", "phi"))
        x = sum(p * math.cos(f) for p, f in zip(pt, phi, strict=True))
        y = sum(p * math.sin(f) for p, f in zip(pt, phi, strict=True))
        z = sum(p * math.sinh(e) for p, e in zip(pt, eta, strict=True))
        energy = sum(math.sqrt((p * math.cosh(e)) ** 2 + 0.01) for p, e in zip(pt, eta, strict=True))
        masses.append(math.sqrt(energy**2 - x**2 - y**2 - z**2))
    assert branch(pairs, "mass", "ll").tolist() == pytest.approx(masses)
    assert field(ak.Array({"ll": pairs}), "ll.mass", "events").tolist() == pytest.approx(masses)
    # Neither methods nor what any array has.
    for name in ("deltaR", "layout", "masss"):
        assert not has_field(pairs, name)
        with pytest.raises(MissingBranchError, match=f"branch 'll_{name}' does not exist"):
            branch(pairs, name, "ll")


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
