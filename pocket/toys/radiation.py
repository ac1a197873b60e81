"""Jets in addition to the hard process, and the non-prompt muons inside jets."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocket.base.typing import Indices
from pocket.toys.config import NonpromptMuons, Radiation
from pocket.toys.gen_record import FINAL, HADRON_DECAY, OUTGOING, GenRecord
from pocket.toys.sampling import azimuth, momenta
from pocket.toys.tables import Table

_JET_PT_MIN, _JET_PT_MAX = 12.0, 500.0
#: index of the pt spectrum of jets, which is pt^-(1 + _JET_INDEX)
_JET_INDEX = 2.5
_JET_RAPIDITY, _JET_RAPIDITY_MAX = 2.0, 4.9
#: jet that balances the hard process: fraction of its pt, spread of this fraction, spread in phi and in rapidity
_RECOIL_FRACTION, _RECOIL_SPREAD, _RECOIL_PHI, _RECOIL_RAPIDITY = 0.9, 0.15, 0.25, 1.3
#: parameters of the Beta distribution of a muon's share of its jet's pt
_MUON_SHARE = (2.0, 4.0)
#: spread of a muon around its jet in eta and phi, times the muon's pt (GeV), and its largest value
_MUON_ANGLE, _MUON_ANGLE_MAX = 1.0, 0.25
_MUON_PT_MIN = 2.0
#: mean pt (GeV) of fake muons above the minimum, and their range in eta
_FAKE_MUON_PT, _FAKE_MUON_ETA = 10.0, 2.5


def add_radiation(
    rng: np.random.Generator, record: GenRecord, events: Indices, system: Any, radiation: Radiation
) -> None:
    """Add the parton that recoils against the hard process, and further partons."""
    n = len(events)
    recoil = (
        system.pt * np.maximum(rng.normal(_RECOIL_FRACTION, _RECOIL_SPREAD, n), 0),
        system.phi + np.pi + rng.normal(0, _RECOIL_PHI, n),
        system.rapidity + rng.normal(0, _RECOIL_RAPIDITY, n),
    )
    hard = recoil[0] > _JET_PT_MIN
    # A geometric distribution gives the observed staircase scaling: each further jet costs the same factor.
    extra = np.repeat(events, rng.geometric(1 / (1 + radiation.jets), n) - 1)
    m = len(extra)
    quantile = rng.uniform((_JET_PT_MAX / _JET_PT_MIN) ** -_JET_INDEX, 1, m)
    further = (
        _JET_PT_MIN * quantile ** (-1 / _JET_INDEX),
        azimuth(rng, m),
        rng.normal(0, _JET_RAPIDITY, m),
    )
    pt, phi, y = (np.concatenate([a[hard], b]) for a, b in zip(recoil, further, strict=True))
    y = np.clip(y, -_JET_RAPIDITY_MAX, _JET_RAPIDITY_MAX)
    where = np.concatenate([events[hard], extra])
    code = _flavours(rng, len(where), radiation)
    record.add(where, momenta(pt, phi, y, np.zeros_like(pt)), code, status=OUTGOING)


def add_nonprompt_muons(rng: np.random.Generator, record: GenRecord, rates: NonpromptMuons) -> None:
    """Add muons from decays inside jets, close to their partons; the rates are per parton."""
    particles = record.particles()
    partons = particles.take(particles["status"] == OUTGOING)
    flavour = hadron_flavour(partons)
    rate = np.select([flavour == 5, flavour == 4], [rates.b, rates.c], rates.light)
    parents = partons.take(rng.random(len(partons)) < rate)
    n = len(parents)
    pt = parents["pt"] * rng.beta(*_MUON_SHARE, n)
    angle = np.minimum(_MUON_ANGLE / np.maximum(pt, _MUON_PT_MIN), _MUON_ANGLE_MAX)
    eta = parents["eta"] + angle * rng.normal(size=n)
    phi = parents["phi"] + angle * rng.normal(size=n)
    kept = pt > _MUON_PT_MIN
    muons = momenta(pt, phi, eta, np.zeros(n))[kept]
    code = 13 * rng.choice([-1, 1], n)
    record.add(parents.event[kept], muons, code[kept], status=FINAL, flags=HADRON_DECAY, mother=parents["handle"][kept])


def add_fake_muons(rng: np.random.Generator, record: GenRecord, events: Indices, rate: float) -> None:
    """Add muons from hadrons outside of jets to a fraction of events."""
    chosen = events[rng.random(len(events)) < rate]
    n = len(chosen)
    pt = _MUON_PT_MIN + rng.exponential(_FAKE_MUON_PT, n)
    eta = rng.uniform(-_FAKE_MUON_ETA, _FAKE_MUON_ETA, n)
    muons = momenta(pt, azimuth(rng, n), eta, np.zeros(n))
    record.add(chosen, muons, 13 * rng.choice([-1, 1], n), status=FINAL, flags=HADRON_DECAY)


def hadron_flavour(partons: Table) -> Indices:
    """Return 5, 4 or 0 for b, c and light quarks or gluons."""
    code = np.abs(partons["pdgId"])
    return np.where((code == 5) | (code == 4), code, 0)


def _flavours(rng: np.random.Generator, n: int, radiation: Radiation) -> Indices:
    """Return random PDG codes: b and c with their fractions; of the rest, half are gluons and half light quarks."""
    quantile = rng.random(n)
    light = np.where(rng.random(n) < 0.5, 21, rng.integers(1, 4, n))
    is_b = quantile < radiation.b_fraction
    is_c = ~is_b & (quantile < radiation.b_fraction + radiation.c_fraction)
    code = np.select([is_b, is_c], [5, 4], light)
    return np.where(code == 21, 21, code * rng.choice([-1, 1], n))
