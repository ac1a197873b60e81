from __future__ import annotations

from typing import Any

import awkward as ak
import pytest

from pocket.objects.matching import delta_r_table
from pocket.objects.partons import Provenance, hard_process_partons, match_partons
from tests.pocket.objects.gen import ancestors, particle, record_loop, to_record
from tests.pocket.objects.nano import nano_events
from tests.real_files import LARGEST


def top_pair(*decays: tuple[int, int]) -> list[dict[str, Any]]:
    """Two tops that radiate, and the decays of their Ws."""
    lines = [particle(21, -1, 21), particle(6, 0, 22), particle(-6, 0, 22), particle(21, 0)]
    for sign, mother, decay in zip((1, -1), (1, 2), decays, strict=True):
        top = len(lines)
        lines += [particle(6 * sign, mother, 62), particle(24 * sign, top, 22), particle(5 * sign, top)]
        lines += [particle(24 * sign, top + 1, 52), *(particle(code, top + 3) for code in decay)]
    return lines


def provenance_loop(event: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return (pdgId, provenance) of the partons, from the chains of ancestors."""
    chains = {
        position: [(p, abs(event[p]["pdgId"])) for p in ancestors(event, position)]
        for position, line in enumerate(event)
        if line["status"] == 23 and line["statusFlags"] & 1 << 7 and abs(line["pdgId"]) in (1, 2, 3, 4, 5, 21)
    }
    origins = {p: next(((n, code) for n, code in chain if code in (6, 25)), None) for p, chain in chains.items()}
    from_w = {p: next((code for _, code in chain if code in (6, 24, 25)), 0) == 24 for p, chain in chains.items()}
    hadronic = {o for p, o in origins.items() if o and o[1] == 6 and from_w[p] and event[p]["pdgId"] != 21}
    found = []
    for position, origin in origins.items():
        code = event[position]["pdgId"]
        if origin and origin[1] == 25:
            value = 1
        elif origin and code != 21:
            value = 5 if from_w[position] else 2 if origin in hadronic else 3
        else:
            value = -1 if from_w[position] else 4
        found.append((code, value))
    return found


def provenance(events: list[list[dict[str, Any]]]) -> list[list[tuple[int, int]]]:
    partons = hard_process_partons(to_record(events))
    return [[(line["pdgId"], line["provenance"]) for line in event] for event in partons.to_list()]


def test_top_pairs() -> None:
    found = provenance([top_pair((2, -1), (13, -14)), top_pair((-11, 12), (-2, 1)), top_pair((2, -1), (-4, 3)), []])
    assert found[0] == [(21, 4), (5, 2), (2, 5), (-1, 5), (-5, 3)]
    assert found[1] == [(21, 4), (5, 3), (-5, 2), (-2, 5), (1, 5)]
    assert found[2] == [(21, 4), (5, 2), (2, 5), (-1, 5), (-5, 2), (-4, 5), (3, 5)]
    assert found[3] == []
    (dileptonic,) = provenance([top_pair((-11, 12), (13, -14))])
    assert dileptonic == [(21, 4), (5, 3), (-5, 3)]


def test_other_processes() -> None:
    higgs = [particle(25, -1, 62), particle(5, 0), particle(-5, 0), particle(24, 0, 22), particle(2, 3)]
    w_jets = [particle(24, -1, 62), particle(2, 0), particle(-1, 0), particle(21, -1)]
    soft = [particle(5, -1, 71), particle(5, -1, 23, flags=0), particle(13, -1)]
    assert provenance([higgs, w_jets, soft]) == [
        [(5, 1), (-5, 1), (2, 1)],
        [(2, Provenance.UNKNOWN), (-1, Provenance.UNKNOWN), (21, Provenance.RADIATION)],
        [],
    ]


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_tt_v12.root", LARGEST])
def test_real_files_against_a_loop(name: str) -> None:
    expected = [provenance_loop(event) for event in record_loop(name)]
    partons = hard_process_partons(nano_events(name).GenPart)
    assert [list(map(tuple, event)) for event in ak.to_list(ak.zip([partons.pdgId, partons.provenance]))] == expected
    seen = {value for event in expected for _, value in event}
    assert seen == ({4} if name == "nano_dy.root" else {2, 3, 4, 5} if name == "nano_tt_v12.root" else {2, 4, 5})
    if name != "nano_dy.root":
        # two b quarks of tops in each event
        assert {sum(value in (2, 3) for _, value in event) for event in expected} == {2}


def test_partons_and_jets() -> None:
    nano = nano_events("nano_tt_v15.root")
    partons = hard_process_partons(nano.GenPart)
    matched, jets = match_partons(partons, nano.Jet, 0.3)
    assert ak.num(matched).to_list() == ak.num(jets).to_list() == ak.num(nano.Jet).to_list()
    distances = ak.drop_none(matched.dRMatchedJet, axis=1)
    assert distances.to_list() == ak.drop_none(jets.dRMatchedJet, axis=1).to_list()
    assert ak.max(distances) < 0.3
    # the closest parton of all is matched to its jet
    closest = ak.min(ak.flatten(delta_r_table(partons, nano.Jet), axis=2), axis=1)
    for smallest, event in zip(closest.to_list(), distances.to_list(), strict=True):
        if smallest is not None and smallest < 0.3:
            assert min(event) == smallest
    assert set(ak.flatten(ak.drop_none(matched.provenance, axis=1)).to_list()) == {2, 4, 5}
