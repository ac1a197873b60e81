"""The hard processes at generator level."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocket.base.typing import Indices
from pocket.toys.config import DrellYan, TopPairs, WJets
from pocket.toys.gen_record import FINAL, OUTGOING, RESONANCE, GenRecord
from pocket.toys.radiation import add_fake_muons, add_radiation
from pocket.toys.sampling import (
    azimuth,
    breit_wigner,
    continuum_mass,
    momenta,
    one_plus_cos_squared,
    rapidity,
    transverse_momentum,
    two_body_decay,
)

ELECTRON_MASS, MUON_MASS, CHARM_MASS, BOTTOM_MASS = 0.000511, 0.10566, 1.5, 4.8
#: PDG codes of the leptons, and their masses in GeV
ELECTRON, MUON = 11, 13
MASSES = {ELECTRON: ELECTRON_MASS, MUON: MUON_MASS}
#: widths of the rapidity distributions of a top pair, and of a top relative to its pair
_TOP_PAIR_RAPIDITY, _TOP_RAPIDITY = 0.9, 0.65


def add_drell_yan(
    rng: np.random.Generator,
    record: GenRecord,
    events: Indices,
    process: DrellYan,
    pt_slope: float = 0.0,
    lepton: int = MUON,
) -> None:
    """Add Z/γ* → ℓℓ with radiation to events; the slope changes the pt(ll) spectrum per 100 GeV."""
    n, boson = len(events), process.boson
    mass = np.where(
        rng.random(n) < process.continuum, continuum_mass(rng, n, boson.mass_range), breit_wigner(rng, n, boson)
    )
    pt = transverse_momentum(rng, n, boson.pt_scale, boson.pt_exponent, pt_slope)
    z = momenta(pt, azimuth(rng, n), rapidity(rng, n), mass)
    minus, plus = two_body_decay(rng, z, (MASSES[lepton], MASSES[lepton]), one_plus_cos_squared(rng, n))
    mother = record.add(events, z, 23, status=RESONANCE)
    record.add(events, minus, lepton, status=FINAL, mother=mother)
    record.add(events, plus, -lepton, status=FINAL, mother=mother)
    add_radiation(rng, record, events, z, process.radiation)


def add_w_jets(
    rng: np.random.Generator, record: GenRecord, events: Indices, process: WJets, lepton: int = MUON
) -> None:
    """Add W → ℓν with radiation and fake muons to events, see :func:`add_drell_yan`."""
    n, boson = len(events), process.boson
    pt = transverse_momentum(rng, n, boson.pt_scale, boson.pt_exponent)
    w = momenta(pt, azimuth(rng, n), rapidity(rng, n), breit_wigner(rng, n, boson))
    charge = np.where(rng.random(n) < process.positive_charge, 1, -1)
    charged, neutrino = two_body_decay(rng, w, (MASSES[lepton], 0.0), one_plus_cos_squared(rng, n))
    mother = record.add(events, w, 24 * charge, status=RESONANCE)
    record.add(events, charged, -lepton * charge, status=FINAL, mother=mother)
    record.add(events, neutrino, (lepton + 1) * charge, status=FINAL, mother=mother)
    add_radiation(rng, record, events, w, process.radiation)
    add_fake_muons(rng, record, events, process.fake_muons)


def add_top_pairs(rng: np.random.Generator, record: GenRecord, events: Indices, process: TopPairs) -> None:
    """Add tt̄ → bμν bqq' or beν bqq' with radiation to events, see :func:`add_drell_yan`.

    The first top decays to leptons; it is a top or an antitop equally often.
    """
    n = len(events)
    leptonic, hadronic, system = _top_pair(rng, n, process)
    charge = np.where(rng.random(n) < 0.5, 1, -1)
    mothers = [
        record.add(events, top, 6 * sign, status=RESONANCE) for top, sign in ((leptonic, charge), (hadronic, -charge))
    ]
    decays = [
        two_body_decay(rng, top, (breit_wigner(rng, n, process.w), BOTTOM_MASS), rng.uniform(-1, 1, n))
        for top in (leptonic, hadronic)
    ]
    w_handles = [
        record.add(events, w, 24 * sign, status=RESONANCE, mother=mother)
        for (w, _), sign, mother in zip(decays, (charge, -charge), mothers, strict=True)
    ]
    for (_, b), sign, mother in zip(decays, (charge, -charge), mothers, strict=True):
        record.add(events, b, 5 * sign, status=OUTGOING, mother=mother)

    is_muon = rng.random(n) < process.muon_channel
    lepton, neutrino = two_body_decay(
        rng, decays[0][0], (np.where(is_muon, MUON_MASS, ELECTRON_MASS), 0.0), rng.uniform(-1, 1, n)
    )
    code = np.where(is_muon, 13, 11)
    record.add(events, lepton, -code * charge, status=FINAL, mother=w_handles[0])
    record.add(events, neutrino, (code + 1) * charge, status=FINAL, mother=w_handles[0])

    is_charm = rng.random(n) < process.charm_channel
    up, down = two_body_decay(rng, decays[1][0], (np.where(is_charm, CHARM_MASS, 0.0), 0.0), rng.uniform(-1, 1, n))
    record.add(events, up, np.where(is_charm, 4, 2) * -charge, status=OUTGOING, mother=w_handles[1])
    record.add(events, down, np.where(is_charm, 3, 1) * charge, status=OUTGOING, mother=w_handles[1])
    add_radiation(rng, record, events, system, process.radiation)


def _top_pair(rng: np.random.Generator, n: int, process: TopPairs) -> tuple[Any, Any, Any]:
    """Return the four-momenta of two tops and of their pair, which recoils against radiation."""
    top = process.top
    system_pt = transverse_momentum(rng, n, process.system_pt_scale, 2.0)
    system_phi = azimuth(rng, n)
    pt = transverse_momentum(rng, n, top.pt_scale, top.pt_exponent)
    phi = azimuth(rng, n)
    y = rng.normal(0, _TOP_PAIR_RAPIDITY, n)
    tops = []
    for sign in (1, -1):
        px = system_pt / 2 * np.cos(system_phi) + sign * pt * np.cos(phi)
        py = system_pt / 2 * np.sin(system_phi) + sign * pt * np.sin(phi)
        top_y = y + rng.normal(0, _TOP_RAPIDITY, n)
        tops.append(momenta(np.hypot(px, py), np.arctan2(py, px), top_y, breit_wigner(rng, n, top)))
    return tops[0], tops[1], tops[0] + tops[1]
