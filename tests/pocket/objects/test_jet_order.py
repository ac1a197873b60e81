from __future__ import annotations

import random

import awkward as ak

from pocket.objects.jets import ORIGINAL_POSITION, jets_in_original_order


def test_links_find_their_jets_again() -> None:
    generator = random.Random(3)
    pts = [[generator.uniform(20, 200) for _ in range(number)] for number in (0, 1, 5, 3)]
    jets = ak.zip({"pt": ak.Array([*pts])})
    order = ak.argsort(jets.pt, axis=1, ascending=False)
    descending = ak.with_field(jets[order], order, ORIGINAL_POSITION)
    assert descending.pt.to_list() != pts
    assert jets_in_original_order(descending).pt.to_list() == pts


def test_jets_that_were_never_sorted_stay() -> None:
    jets = ak.Array([[{"pt": 20.0}, {"pt": 30.0}]])
    assert jets_in_original_order(jets) is jets
