"""Positions of generated particles after a selection of events, against awkward's own, and searches by them."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory
from numba import njit

from pocket.compat.global_indices import analyze_parton_decays_flat_nomesons, analyze_W_flat, reverse_index_array
from pocket.io.nanoaod.schema import Schema
from tests.real_files import real_file


@pytest.fixture(scope="module")
def events() -> ak.Array:
    """Every third event of a file of top pairs, which has positions of particles of all."""
    factory = NanoEventsFactory.from_root(
        {str(real_file("nano_tt_v12.root")): "Events"}, schemaclass=Schema, mode="eager"
    )
    return factory.events()[::3]


class Flat:
    """Generated particles as workflows pass them.

    The events are taken for the first, third, … of a chunk in which each other event has five particles.
    """

    def __init__(self, events: ak.Array) -> None:
        counts = ak.num(events.GenPart).to_numpy()
        self.particles = ak.flatten(events.GenPart)
        self.offsets = np.concatenate([[0], np.cumsum(counts)])
        #: Position of the first particle of each event in the chunk.
        self.first = self.offsets[:-1] + 5 * np.arange(len(events))
        #: Children of each particle, by their positions among those that are left.
        self.expected: list[list[int]] = []
        in_chunk: list[list[int]] = []
        for event, mothers in enumerate(events.GenPart.genPartIdxMother.to_list()):
            for particle in range(len(mothers)):
                own = [child for child, mother in enumerate(mothers) if mother == particle]
                self.expected.append([int(self.offsets[event]) + child for child in own])
                in_chunk.append([int(self.first[event]) + child for child in own])
        #: The same by their positions in the chunk.
        self.children = ak.values_astype(ak.Array(in_chunk), np.int64)


def test_positions(events: ak.Array) -> None:
    flat = Flat(events)

    @njit
    def each(children, first, offsets, count):  # type: ignore[no-untyped-def]
        total = []
        for one in children:
            total.append(reverse_index_array(one, first, offsets, count))
        return total

    found = each(flat.children, flat.first, flat.offsets, len(events))
    assert [list(one) for one in found] == flat.expected
    assert sum(map(len, flat.expected)) > 1000


def test_decays_of_w_bosons(events: ak.Array) -> None:
    flat = Flat(events)
    children = flat.expected
    identities, flags = flat.particles.pdgId.to_numpy(), flat.particles.statusFlags.to_numpy()
    bosons = [n for n in range(len(identities)) if abs(identities[n]) == 24 and len(children[n]) == 2][:200]
    bosons = [n for n in bosons if flags[n] & 1 << 13]
    leptonic, products = analyze_W_flat(
        np.array([*bosons, -1]), flat.children, flags, identities, flat.first, flat.offsets, len(events)
    )
    assert products.tolist() == [*(children[n] for n in bosons), [0, 0]]
    expected = [any(11 <= abs(identities[child]) <= 16 for child in children[n]) for n in bosons]
    assert leptonic.tolist() == [*expected, False]
    assert 0 < sum(expected) < len(expected)


def test_hardest_children(events: ak.Array) -> None:
    flat = Flat(events)
    children = flat.expected
    eta, phi, pt, identity = (flat.particles[name].to_numpy() for name in ("eta", "phi", "pt", "pdgId"))
    partons = [n for n in range(len(pt)) if abs(identity[n]) in (1, 2, 3, 4, 5) and children[n]][:300]
    found = analyze_parton_decays_flat_nomesons(
        np.array(partons).reshape(-1, 2),
        flat.children,
        eta,
        phi,
        pt,
        identity,
        0.4,
        flat.first,
        flat.offsets,
        len(events),
    )
    expected = []
    for parton in partons:
        near = [
            child
            for child in children[parton]
            if abs(identity[child]) <= 21 and np.hypot(eta[child] - eta[parton], phi[child] - phi[parton]) <= 0.4
        ]
        expected.append(max(near, key=lambda child: pt[child], default=parton))
    assert found.ravel().tolist() == expected
    assert 0 < sum(a == b for a, b in zip(expected, partons, strict=True)) < len(partons)
