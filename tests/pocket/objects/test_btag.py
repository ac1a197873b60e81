from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.objects import CCsorted, CvsLsorted, ProbBsorted, btagging
from tests.pocket.objects.events import Event, events, to_awkward
from tests.pocket.objects.nano import nano_events

TAGGER = {"btagging_algorithm": "btagDeepFlavB", "btagging_WP": {"L": 0.049, "M": 0.2783}}


@given(events("Jet"))
@settings(max_examples=20)
def test_against_a_loop(generated: list[Event]) -> None:
    jets = to_awkward(generated).Jet
    threshold = float(np.float32(0.2783))  # scores are stored in single precision
    scores = [[jet["btagDeepFlavB"] for jet in event["Jet"]] for event in generated]
    assert btagging(jets, TAGGER, "M").btagDeepFlavB.to_list() == [[s for s in e if s > threshold] for e in scores]
    vetoed = btagging(jets, TAGGER, "M", veto=True).btagDeepFlavB.to_list()
    assert vetoed == [[s for s in e if s <= threshold] for e in scores]


def test_unknown_names() -> None:
    jets = to_awkward([{"Jet": []}]).Jet
    with pytest.raises(UnknownNameError, match=r"parameter 'T' in btagging_WP; known: L, M"):
        btagging(jets, TAGGER, "T")
    with pytest.raises(MissingBranchError, match=r"'Jet_btagDeepFlavb' does not exist; nearest: Jet_btagDeepFlavB"):
        btagging(jets, TAGGER | {"btagging_algorithm": "btagDeepFlavb"}, "M")


def test_order() -> None:
    jets = nano_events("nano_tt_v12.root").Jet[["btagPNetB"]]
    for order, name in ((ProbBsorted, "btagB"), (CvsLsorted, "btagCvL"), (CCsorted, "btagCC")):
        jets[name] = jets.btagPNetB
        expected = [sorted(event, reverse=True) for event in jets.btagPNetB.to_list()]
        assert order(jets)[name].to_list() == expected
        assert order(jets).btagPNetB.to_list() == expected
    with pytest.raises(MissingBranchError, match="'Jet_btagCvL' does not exist"):
        CvsLsorted(nano_events("nano_dy.root").Jet)
