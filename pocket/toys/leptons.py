"""Reconstruction of muons and electrons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pocket.base.typing import Floats, Mask
from pocket.toys.config import Detector, LeptonDetector, Truth
from pocket.toys.gen_record import PROMPT
from pocket.toys.hard_process import ELECTRON_MASS, MUON_MASS
from pocket.toys.precision import round_direction
from pocket.toys.radiation import hadron_flavour
from pocket.toys.tables import Columns, Table, stack
from pocket.toys.truth import muon_id_efficiency, trigger_efficiency

_ANGULAR_RESOLUTION = 3e-4
#: isolation of prompt leptons: fraction without any activity around them, mean of the others
_ISOLATED, _ISOLATION_MEAN = 0.45, 0.05
#: shape and scale of the Gamma distribution of non-prompt leptons' isolation
_NONPROMPT_ISOLATION = (2.0, 0.3)
#: impact parameters in cm, transverse and longitudinal, of prompt and of non-prompt leptons, and their error
_PROMPT_DXY, _PROMPT_DZ, _NONPROMPT_DXY, _NONPROMPT_DZ, _IMPACT_ERROR = 0.0022, 0.004, 0.012, 0.015, 0.002
#: fraction of muons failing tightId that pass mediumId, and fraction of the remaining ones that pass looseId
_MEDIUM, _LOOSE = 0.6, 0.9
#: thresholds of muons' pfIsoId, from very loose to very very tight
_PF_ISO_ID = np.array([0.05, 0.10, 0.15, 0.20, 0.25, 0.40])
#: electron ID: probabilities of cutBased >= 4, 3, 2, 1 and of the MVA's WP80 and WP90
_CUT_BASED, _WP80, _WP90 = np.array([0.70, 0.80, 0.90, 0.95]), 0.80, 0.90
#: probability that a non-prompt electron passes, relative to a prompt one
FAKE_ELECTRON_ID = 0.1
#: HLT_Ele32_WPTight_Gsf: plateau, and threshold and resolution in GeV
_ELECTRON_TRIGGER = (0.85, 32.0, 1.5)


def reconstruct_muons(rng: np.random.Generator, gen: Table, detector: Detector, truth: Truth, is_data: bool) -> Table:
    """Return reconstructed muons by pt, with ID, trigger decision (``fired``) and row in ``gen``."""
    muons = reconstruct(rng, gen, 13, detector.muon)
    n, prompt = len(muons), muons["prompt"]
    id_efficiency = muon_id_efficiency(muons["pt"], muons["eta"], truth, is_data)
    tight = rng.random(n) < np.where(prompt, id_efficiency, truth.muon_id.nonprompt)
    medium = tight | (rng.random(n) < _MEDIUM)
    trigger = trigger_efficiency(muons["pt"], muons["eta"], truth, is_data)
    relative = isolation(rng, prompt)
    return Table(
        muons.event,
        {
            **muons.columns,
            **impact(rng, prompt),
            "mass": np.full(n, MUON_MASS),
            "pdgId": -13 * muons["charge"],
            "looseId": medium | (rng.random(n) < _LOOSE),
            "mediumId": medium,
            "tightId": tight,
            "isGlobal": medium,
            "isPFcand": np.ones(n, dtype=bool),
            "pfIsoId": (relative[:, None] < _PF_ISO_ID).sum(axis=1).astype(np.uint8),
            "pfRelIso03_all": 0.75 * relative,
            "pfRelIso04_all": relative,
            "nStations": np.where(medium, rng.integers(2, 5, n), 1),
            "nTrackerLayers": rng.integers(10, 16, n),
            "fsrPhotonIdx": np.full(n, -1),
            "fired": rng.random(n) < trigger * np.where(prompt, 1, truth.trigger.nonprompt),
        },
    )


def reconstruct_electrons(rng: np.random.Generator, gen: Table, gen_jets: Table, detector: Detector) -> Table:
    """Return reconstructed electrons, including fake ones from jets, see :func:`reconstruct_muons`."""
    electrons = stack(
        reconstruct(rng, gen, 11, detector.electron),
        fake_electrons(rng, gen_jets, detector.electron, detector.fake_electrons),
    ).by_pt()
    n, prompt = len(electrons), electrons["prompt"]
    quality = rng.random(n) / np.where(prompt, 1, FAKE_ELECTRON_ID)
    return Table(
        electrons.event,
        {
            **electrons.columns,
            **impact(rng, prompt),
            "mass": np.full(n, ELECTRON_MASS),
            "pdgId": -11 * electrons["charge"],
            "deltaEtaSC": rng.normal(0, 0.02, n),
            **electron_quality(rng, electrons, quality, _CUT_BASED, _WP80, _WP90),
        },
    )


def electron_quality(
    rng: np.random.Generator, electrons: Table, quality: Floats, cut_based: Floats, wp80: float, wp90: float
) -> Columns:
    """Return isolation, identification and trigger decision of electrons, by NanoAOD's names and ``fired``.

    A working point passes if ``quality`` is below its number; those of cutBased are for >= 4, 3, 2, 1.
    """
    n, prompt = len(electrons), electrons["prompt"]
    barrel = np.abs(electrons["eta"]) < 1.479
    trigger = electron_trigger_efficiency(electrons["pt"]) * np.where(prompt, 1, FAKE_ELECTRON_ID)
    return {
        "pfRelIso03_all": isolation(rng, prompt),
        "mvaFall17V2Iso_WP80": quality < wp80,
        "mvaFall17V2Iso_WP90": quality < wp90,
        "mvaFall17V2noIso_WP90": quality < wp90,
        "cutBased": (quality[:, None] < cut_based).sum(axis=1),
        "sieie": np.where(barrel, 0.009, 0.026) * rng.normal(1, 0.06, n),
        "hoe": rng.exponential(np.where(prompt, 0.01, 0.05), n),
        "convVeto": rng.random(n) < np.where(prompt, 0.98, 0.8),
        "lostHits": rng.binomial(2, np.where(prompt, 0.01, 0.15)).astype(np.uint8),
        "photonIdx": np.full(n, -1),
        "fired": rng.random(n) < trigger,
    }


def electron_trigger_efficiency(pt: Floats) -> Floats:
    """Return the probability that a prompt electron with a reconstructed pt in GeV fires HLT_Ele32_WPTight_Gsf."""
    plateau, threshold, width = _ELECTRON_TRIGGER
    # Any turn-on will do, here a logistic function, because nothing is measured on this trigger.
    return np.asarray(plateau / (1 + np.exp(-(pt - threshold) / width)))


def trigger_objects(rng: np.random.Generator, muons: Table, electrons: Table) -> Table:
    """Return the trigger objects of the leptons that fired, with the last filters' bits of NanoAODv9."""
    parts = []
    # For muons these are Iso (2) and 1mu (8), for electrons 1e WPTight (2).
    for leptons, code, bits, resolution in ((muons, 13, 2 | 8, 0.02), (electrons, 11, 2, 0.03)):
        fired = leptons.take(leptons["fired"])
        n = len(fired)
        columns = {
            "pt": fired["pt"] * rng.normal(1, resolution, n),
            "eta": fired["eta"] + rng.normal(0, 0.001, n),
            "phi": fired["phi"] + rng.normal(0, 0.001, n),
            "id": np.full(n, code),
            "filterBits": np.full(n, bits),
        }
        parts.append(round_direction(Table(fired.event, columns)))
    objects = stack(*parts)
    return objects.take(np.argsort(objects.event, kind="stable"))


def reconstruct(
    rng: np.random.Generator,
    gen: Table,
    code: int,
    detector: LeptonDetector,
    response: Callable[[Floats], Floats] | None = None,
) -> Table:
    """Return reconstructed leptons of one flavour, without their identification.

    ``response`` is reconstructed over generated pt as a function of the generated eta; by default, the detector's
    Gaussian resolution.
    """
    rows = np.flatnonzero(np.abs(gen["pdgId"]) == code)
    rows = rows[rng.random(len(rows)) < detector.efficiency]
    true = gen.take(rows)
    n = len(true)
    prompt = (true["statusFlags"] & PROMPT) > 0
    in_jet = ~prompt & (true["mother"] >= 0)
    mother_flavour = np.zeros(n, dtype=np.int64)
    mother_flavour[in_jet] = hadron_flavour(gen.take(true["mother"][in_jet]))
    ratio = response(true["eta"]) if response else rng.normal(1, _resolution(true["eta"], detector), n)
    columns: Columns = {
        "pt": (true["pt"] * ratio).astype(np.float32),
        "eta": true["eta"] + rng.normal(0, _ANGULAR_RESOLUTION, n),
        "phi": true["phi"] + rng.normal(0, _ANGULAR_RESOLUTION, n),
        "charge": -np.sign(true["pdgId"]),
        "prompt": prompt,
        "gen": rows,
        "genPartFlav": np.select([prompt, mother_flavour > 0], [1, mother_flavour], 3).astype(np.uint8),
    }
    leptons = round_direction(Table(true.event, columns))
    accepted = (leptons["pt"] > detector.pt_min) & (np.abs(leptons["eta"]) < detector.eta_max)
    return leptons.take(accepted).by_pt()


def fake_electrons(rng: np.random.Generator, gen_jets: Table, acceptance: LeptonDetector, rate: float) -> Table:
    """Return fake electrons in jets, which carry most of the jet's pt and have no generated partner."""
    jets = gen_jets.take(rng.random(len(gen_jets)) < rate)
    n = len(jets)
    columns: Columns = {
        "pt": (jets["pt"] * rng.uniform(0.5, 1, n)).astype(np.float32),
        "eta": jets["eta"] + rng.normal(0, 0.03, n),
        "phi": jets["phi"] + rng.normal(0, 0.03, n),
        "charge": rng.choice([-1, 1], n),
        "prompt": np.zeros(n, dtype=bool),
        "gen": np.full(n, -1),
        "genPartFlav": np.zeros(n, dtype=np.uint8),
    }
    electrons = round_direction(Table(jets.event, columns))
    return electrons.take((electrons["pt"] > acceptance.pt_min) & (np.abs(electrons["eta"]) < acceptance.eta_max))


def _resolution(eta: Floats, detector: LeptonDetector) -> Floats:
    return np.asarray(detector.resolution + detector.resolution_slope * np.abs(eta))


def isolation(rng: np.random.Generator, prompt: Mask) -> Floats:
    """Return the relative isolation of prompt and of non-prompt leptons, shape (n,)."""
    n = len(prompt)
    isolated = np.where(rng.random(n) < _ISOLATED, 0, rng.exponential(_ISOLATION_MEAN, n))
    return np.where(prompt, isolated, rng.gamma(*_NONPROMPT_ISOLATION, n))


def impact(rng: np.random.Generator, prompt: Mask) -> dict[str, Floats]:
    """Return the impact parameters of prompt and of non-prompt leptons, shape (n,) each."""
    n = len(prompt)
    dxy = np.where(prompt, rng.normal(0, _PROMPT_DXY, n), rng.laplace(0, _NONPROMPT_DXY, n))
    dz = np.where(prompt, rng.normal(0, _PROMPT_DZ, n), rng.laplace(0, _NONPROMPT_DZ, n))
    return {"dxy": dxy, "dz": dz, "sip3d": np.hypot(dxy, dz) / _IMPACT_ERROR}
