"""Generator jets, and reconstructed jets with the tagger."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats, Indices
from pocket.toys.config import JetDetector, Truth
from pocket.toys.gen_record import OUTGOING
from pocket.toys.precision import round_direction, round_mantissa
from pocket.toys.radiation import hadron_flavour
from pocket.toys.sampling import azimuth
from pocket.toys.tables import Columns, Table, isolated, stack
from pocket.toys.truth import tagger_score

RADIUS = 0.4
_GEN_PT_MIN, _GEN_ETA_MAX = 10.0, 5.0
#: mean and spread of the fraction of a parton's pt in its jet, and spread of the jet's direction
_FRAGMENTATION, _FRAGMENTATION_SPREAD, _DIRECTION_SPREAD = 0.97, 0.05, 0.02
#: mean fraction of the pt that is missing before the correction of the energy scale: RAW_CONSTANT + RAW_OFFSET / (pt /
#: GeV)
RAW_CONSTANT, RAW_OFFSET = 0.04, 1.5
#: index of the pt spectrum of pileup jets, which is pt^-(1 + _PILEUP_INDEX)
_PILEUP_INDEX = 4.0
#: origins of jets
HARD, PILEUP, MUON, ELECTRON = range(4)
#: cumulative probabilities of puId 7 (passes all working points), 6 and 4, for hard and for pileup jets; 0 passes none
_PU_ID_HARD, _PU_ID_PILEUP = (0.93, 0.96, 0.98), (0.05, 0.15, 0.35)
#: largest pt (GeV) with pileup identification
_PU_ID_PT_MAX = 50.0


def generated_jets(rng: np.random.Generator, gen: Table, n_events: int) -> Table:
    """Return jets by pt, made from partons; if two overlap, the softer one is dropped."""
    partons = gen.take(gen["status"] == OUTGOING)
    n = len(partons)
    pt = partons["pt"] * rng.normal(_FRAGMENTATION, _FRAGMENTATION_SPREAD, n)
    columns: Columns = {
        "pt": pt,
        "eta": partons["eta"] + rng.normal(0, _DIRECTION_SPREAD, n),
        "phi": partons["phi"] + rng.normal(0, _DIRECTION_SPREAD, n),
        "mass": _masses(rng, pt),
        "hadronFlavour": hadron_flavour(partons).astype(np.uint8),
        "partonFlavour": partons["pdgId"],
    }
    jets = round_direction(Table(partons.event, columns))
    jets = jets.take((jets["pt"] > _GEN_PT_MIN) & (np.abs(jets["eta"]) < _GEN_ETA_MAX)).by_pt()
    return jets.take(isolated(jets, RADIUS, n_events))


def reconstruct_jets(
    rng: np.random.Generator,
    gen_jets: Table,
    muons: Table,
    electrons: Table,
    n_pileup: Indices,
    detector: JetDetector,
    truth: Truth,
    is_data: bool,
) -> Table:
    """Return the reconstructed jets of the hard process, of pileup, and of leptons, which are clustered as well.

    They are ordered by pt, have ``gen`` (row in ``gen_jets``), and don't overlap in an event.
    """
    candidates = stack(
        _smeared(rng, gen_jets, detector),
        _pileup_jets(rng, n_pileup, detector),
        _lepton_jets(rng, muons.take(muons["prompt"]), MUON),
        _lepton_jets(rng, electrons, ELECTRON),
    )
    accepted = (candidates["pt"] > detector.pt_min) & (np.abs(candidates["eta"]) < detector.eta_max)
    jets = candidates.take(accepted).by_pt()
    jets = jets.take(isolated(jets, RADIUS, len(n_pileup)))
    n, pt, origin = len(jets), jets["pt"], jets["origin"]
    charged, em = rng.beta(12, 8, n), rng.beta(4, 10, n)
    return Table(
        jets.event,
        {
            **jets.columns,
            "mass": _masses(rng, pt),
            "area": rng.normal(np.pi * RADIUS**2, 0.02, n),
            "rawFactor": np.clip(RAW_CONSTANT + RAW_OFFSET / pt + rng.normal(0, 0.01, n), 0, 0.3),
            "jetId": np.select([origin == MUON, rng.random(n) < 0.99], [2, 6], 0),
            "puId": _pileup_id(rng, pt, origin),
            "btagDeepFlavB": _tagger_scores(rng, jets, truth, is_data),
            "chHEF": np.where(origin < MUON, charged, 0.02),
            "neHEF": np.where(origin < MUON, (1 - charged) * (1 - em), 0.02),
            "neEmEF": np.select([origin < MUON, origin == ELECTRON], [(1 - charged) * em, 0.05], 0.02),
            "chEmEF": np.where(origin == ELECTRON, 0.91, 0.0),
            "muEF": np.where(origin == MUON, 0.94, 0.0),
            "nConstituents": np.clip(rng.poisson(6 + 3.5 * np.log(pt)), 2, 255).astype(np.uint8),
        },
    )


def _smeared(rng: np.random.Generator, gen_jets: Table, detector: JetDetector) -> Table:
    pt, n = gen_jets["pt"], len(gen_jets)
    resolution = np.sqrt((detector.noise / pt) ** 2 + detector.stochastic**2 / pt + detector.constant**2)
    return _candidates(
        gen_jets.event,
        pt * np.maximum(rng.normal(1, resolution), 0),
        gen_jets["eta"] + rng.normal(0, _DIRECTION_SPREAD, n),
        gen_jets["phi"] + rng.normal(0, _DIRECTION_SPREAD, n),
        origin=HARD,
        gen=np.arange(n),
        hadron_flavour=gen_jets["hadronFlavour"].astype(np.int64),
        parton_flavour=gen_jets["partonFlavour"],
    )


def _pileup_jets(rng: np.random.Generator, n_pileup: Indices, detector: JetDetector) -> Table:
    event = np.repeat(np.arange(len(n_pileup)), rng.poisson(detector.pileup_jets * n_pileup))
    n = len(event)
    pt = detector.pt_min * (1 - rng.random(n)) ** (-1 / _PILEUP_INDEX)
    eta, phi = rng.uniform(-detector.eta_max, detector.eta_max, n), azimuth(rng, n)
    return _candidates(event, pt, eta, phi, origin=PILEUP)


def _lepton_jets(rng: np.random.Generator, leptons: Table, origin: int) -> Table:
    pt = leptons["pt"] * rng.normal(1.03, 0.02, len(leptons))
    return _candidates(leptons.event, pt, leptons["eta"], leptons["phi"], origin=origin)


def _candidates(
    event: Indices,
    pt: Floats,
    eta: Floats,
    phi: Floats,
    *,
    origin: int,
    gen: Indices | None = None,
    hadron_flavour: Indices | None = None,
    parton_flavour: Indices | None = None,
) -> Table:
    n = len(event)
    columns: Columns = {
        "pt": round_mantissa(pt, 10),
        "eta": eta,
        "phi": phi,
        "origin": np.full(n, origin),
        "gen": np.full(n, -1) if gen is None else gen,
        "hadronFlavour": np.zeros(n, dtype=np.int64) if hadron_flavour is None else hadron_flavour,
        "partonFlavour": np.zeros(n, dtype=np.int64) if parton_flavour is None else parton_flavour,
    }
    return round_direction(Table(event, columns))


def _masses(rng: np.random.Generator, pt: Floats) -> Floats:
    return pt * rng.lognormal(np.log(0.13), 0.3, len(pt))


def _pileup_id(rng: np.random.Generator, pt: Floats, origin: Indices) -> Indices:
    quantile = rng.random(len(pt))
    hard, pileup = (
        np.select([quantile < probability for probability in cumulative], [7, 6, 4], 0)
        for cumulative in (_PU_ID_HARD, _PU_ID_PILEUP)
    )
    return np.where(pt > _PU_ID_PT_MAX, 7, np.where(origin == PILEUP, pileup, hard))


def _tagger_scores(rng: np.random.Generator, jets: Table, truth: Truth, is_data: bool) -> Floats:
    quantile, score = rng.random(len(jets)), np.empty(len(jets))
    for flavour in (5, 4, 0):
        rows = jets["hadronFlavour"] == flavour
        score[rows] = tagger_score(quantile[rows], flavour, jets["pt"][rows], truth, is_data)
    return score
