from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import MissingBranchError
from pocket.objects.pairs import get_dijet
from tests.pocket.objects.events import invariant_mass
from tests.pocket.objects.nano import nano_events, nano_loop

MOMENTUM = ("pt", "eta", "phi", "mass")


def check(found: list[dict[str, Any] | None], loop: list[list[dict[str, Any]]]) -> None:
    assert any(len(event) > 2 for event in loop)
    for pair, event in zip(found, loop, strict=True):
        if len(event) < 2:
            assert pair is None
            continue
        assert pair is not None
        assert pair["mass"] == pytest.approx(invariant_mass(*event[:2]), rel=1e-5, abs=1e-3)
        for number, jet in enumerate(event[:2], start=1):
            assert [pair[f"j{number}{field}"] for field in MOMENTUM] == [jet[field] for field in MOMENTUM]
            if "btagPNetCvL" in jet:
                assert (pair[f"j{number}CvsL"], pair[f"j{number}CvsB"]) == (jet["btagPNetCvL"], jet["btagPNetCvB"])


def test_tagged_jets_of_a_real_file_against_a_loop() -> None:
    name = "nano_tt_v12.root"
    jets = nano_events(name).Jet
    jets["btagCvL"], jets["btagCvB"] = jets.btagPNetCvL, jets.btagPNetCvB
    check(get_dijet(jets).to_list(), nano_loop(name, "Jet", *MOMENTUM, "btagPNetCvL", "btagPNetCvB"))


def test_generated_jets_have_no_scores() -> None:
    name = "nano_dy.root"
    jets = nano_events(name).GenJet
    check(get_dijet(jets, taggerVars=False).to_list(), nano_loop(name, "GenJet", *MOMENTUM))
    with pytest.raises(MissingBranchError, match="'Jet_btagCvL' does not exist"):
        get_dijet(jets)


def test_what_remains_is_summed_field_by_field() -> None:
    name = "nano_dy.root"
    pair, remnant = get_dijet(nano_events(name).GenJet, taggerVars=False, remnant_jet=True)
    loop = nano_loop(name, "GenJet", *MOMENTUM)
    check(pair.to_list(), loop)
    for found, event in zip(remnant.to_list(), loop, strict=True):
        for field in MOMENTUM:
            assert found[field] == pytest.approx(sum(jet[field] for jet in event[2:]), rel=1e-5, abs=1e-4)
