from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.objects.gen_photons import largest_ancestor, prompt_photons
from tests.pocket.objects.gen import ancestors, particle, record_loop, to_record


def expected_photons(event: list[dict[str, Any]], minpt: float, maxeta: float, isolation: float) -> list[float]:
    """Return the pt of the photons, from a loop over the record."""

    def is_candidate(number: int) -> bool:
        line = event[number]
        codes = [abs(event[above]["pdgId"]) for above in ancestors(event, number)]
        return (
            abs(line["pdgId"]) == 22
            and line["status"] == 1
            and line["pt"] >= minpt
            and abs(line["eta"]) < maxeta
            and all(code <= 37 for code in codes)
        )

    chosen = [number for number in range(len(event)) if is_candidate(number)]
    others = [
        line
        for number, line in enumerate(event)
        if line["status"] in (1, 71)
        and abs(line["pdgId"]) not in (12, 14, 16)
        and line["pt"] > 0.01
        and number not in chosen
    ]
    found = []
    for number in chosen:
        photon = event[number]
        distances = [
            math.hypot(
                photon["eta"] - other["eta"],
                math.remainder(photon["phi"] - other["phi"], 2 * math.pi),
            )
            for other in others
        ]
        if all(distance > isolation for distance in distances):
            found.append(photon["pt"])
    return found


@pytest.fixture(scope="module")
def events() -> list[list[dict[str, Any]]]:
    """Return records with photons from quarks, leptons, bosons, hadrons and other photons."""
    rng = np.random.default_rng(8)
    counts = rng.integers(0, 14, 10_000)
    size = int(counts.sum())
    codes = rng.choice([22, 22, 11, -13, 12, 2, 21, 24, 111, 521, 23], size).tolist()
    statuses = rng.choice([1, 1, 2, 71], size).tolist()
    pts = np.where(rng.random(size) < 0.1, 0.005, rng.exponential(20, size)).astype(np.float32).tolist()
    etas = rng.normal(0, 2, size).astype(np.float32).tolist()
    phis = rng.uniform(-math.pi, math.pi, size).astype(np.float32).tolist()
    above = rng.random(size).tolist()
    lines = iter(zip(codes, statuses, pts, etas, phis, above, strict=True))
    found = []
    for count in counts.tolist():
        event = []
        for number in range(count):
            code, status, pt, eta, phi, place = next(lines)
            # the mother is any earlier line, or none
            event.append(particle(code, int(place * (number + 1)) - 1, status=status, pt=pt, eta=eta, phi=phi))
        found.append(event)
    return found


@pytest.mark.parametrize(
    ("minpt", "maxeta", "isolation"), [(10.0, 5.0, 0.1), pytest.param(5.0, 2.6, 0.5, marks=pytest.mark.slow)]
)
def test_against_a_loop_over_events(events: Any, minpt: float, maxeta: float, isolation: float) -> None:
    found = prompt_photons(to_record(events), minpt, maxeta, isolation).pt.to_list()
    assert found == [expected_photons(event, minpt, maxeta, isolation) for event in events]
    assert sum(map(len, found)) > 1000


def test_ancestors() -> None:
    event = [
        particle(2, -1),
        particle(521, 0),
        particle(111, 1),
        particle(22, 2, status=1),
        particle(-24, -1),
        particle(22, 4, status=1),
    ]
    assert largest_ancestor(to_record([event, [], event[:1]])).to_list() == [[0, 2, 521, 521, 0, 24], [], [0]]


def test_a_real_record() -> None:
    events = record_loop("nano_dy.root")
    found = prompt_photons(to_record(events), 2.0, 5.0, 0.05).pt.to_list()
    assert found == [expected_photons(event, 2.0, 5.0, 0.05) for event in events]
    assert ak.sum(ak.num(ak.Array(found))) > 0
