"""Event-level content: its number, pileup, vertices, flags, missing momentum, generator weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats, Indices, Mask
from pocket.toys.config import Data, PileupTruth, Run
from pocket.toys.tables import Table

Branches = dict[str, npt.NDArray[Any]]

#: event filters recommended for Run-2 Ultra-Legacy data
FLAGS = (
    "goodVertices",
    "globalSuperTightHalo2016Filter",
    "HBHENoiseFilter",
    "HBHENoiseIsoFilter",
    "EcalDeadCellTriggerPrimitiveFilter",
    "BadPFMuonFilter",
    "BadPFMuonDzFilter",
    "eeBadScFilter",
    "ecalBadCalibFilter",
)
_FLAG_EFFICIENCY = 0.9998
#: event filter since Run 3
_FORWARD_NOISE = "hfNoisyHitsFilter"
#: branch of NanoAODv9 → branch of an event or field of a collection in NanoAODv12
_VERSION_12 = {
    "fixedGridRhoFastjetAll": "Rho_fixedGridRhoFastjetAll",
    "Electron_mvaFall17V2Iso_WP80": "mvaIso_WP80",
    "Electron_mvaFall17V2Iso_WP90": "mvaIso_WP90",
    "Electron_mvaFall17V2noIso_WP90": "mvaNoIso_WP90",
}
_UNTIL_VERSION_9 = ("Jet_puId",)
#: number of events per luminosity section of simulation
_EVENTS_PER_SECTION = 1000
#: fraction of interactions with a vertex, and fraction of these vertices that are good
_VERTEX, _GOOD_VERTEX = 0.70, 0.85
#: energy density in GeV per unit area and interaction, and its spread between events
_RHO, _RHO_SPREAD = 0.65, 1.5
#: sum of transverse energies (GeV) per interaction; resolution of the missing transverse energy per √(sum)
_SUM_ET, _MET_STOCHASTIC = 42.0, 0.5
#: largest electromagnetic energy fraction of jets that correct the missing transverse energy
_EM_FRACTION_MAX = 0.9
#: sizes of the variations of scales (renormalisation, factorisation) and of the shower (initial, final state)
_SCALES, _SHOWER = (0.12, 0.04), (0.08, 0.05)


def identifiers(rng: np.random.Generator, n: int, first: int, data: Data | None) -> Branches:
    """Return run, luminosityBlock and event, numbered from ``first``; without runs of data, run 1 of simulation."""
    event = np.arange(n) + first
    if data is None:
        run, section = np.ones(n), (event - 1) // _EVENTS_PER_SECTION + 1
    else:
        certified = _sections(data.runs, certified=True)
        uncertified = _sections(data.runs, certified=False)
        dropped = rng.random(n) < data.uncertified / (1 + data.uncertified)
        run, section = np.where(
            dropped,
            uncertified[:, rng.integers(uncertified.shape[1], size=n)],
            certified[:, rng.integers(certified.shape[1], size=n)],
        )
    return {
        "run": run.astype(np.uint32),
        "luminosityBlock": section.astype(np.uint32),
        "event": event.astype(np.uint64),
    }


def draw_pileup(rng: np.random.Generator, n: int, truth: PileupTruth, is_data: bool) -> tuple[Indices, Indices]:
    """Return the mean numbers of interactions and the numbers of interactions, shape (n,) each."""
    mean = rng.poisson(truth.data if is_data else truth.mc, n)
    return mean, rng.poisson(mean)


def vertices(rng: np.random.Generator, n_pileup: Indices) -> Branches:
    """Return the primary vertex, the number of vertices and the energy density."""
    n = len(n_pileup)
    others = rng.binomial(n_pileup, _VERTEX)
    rho = np.maximum(_RHO * n_pileup + rng.normal(0, _RHO_SPREAD, n), 0)
    return {
        "PV_npvs": others + 1,
        "PV_npvsGood": rng.binomial(others, _GOOD_VERTEX) + 1,
        "PV_x": rng.normal(0.096, 0.001, n),
        "PV_y": rng.normal(-0.063, 0.001, n),
        "PV_z": rng.normal(0, 3.5, n),
        "PV_ndof": rng.gamma(4, 25, n),
        "fixedGridRhoFastjetAll": rho,
    }


def flags(rng: np.random.Generator, n: int) -> Branches:
    """Return the event filters, which nearly all events pass."""
    return {f"Flag_{name}": rng.random(n, dtype=np.float32) < _FLAG_EFFICIENCY for name in FLAGS}


def triggers(muons: Table, electrons: Table, n: int) -> Branches:
    """Return the single-lepton triggers, which are true if any lepton fired."""
    return {
        "HLT_IsoMu24": _any(muons.event, muons["fired"], n),
        "HLT_Ele32_WPTight_Gsf": _any(electrons.event, electrons["fired"], n),
    }


def as_version_12(
    rng: np.random.Generator, branches: Branches, collections: Mapping[str, Table]
) -> tuple[Branches, dict[str, Table]]:
    """Return branches and collections of NanoAODv9 under the names of NanoAODv12, as far as the contents differ.

    The filter against noise in the forward calorimeter is added. Jets are PUPPI jets, without identification of pileup.
    """
    renamed = {_VERSION_12.get(name, name): values for name, values in branches.items()}
    n = len(branches["event"])
    tables = {
        name: Table(
            table.event,
            {
                _VERSION_12.get(f"{name}_{field}", field): values
                for field, values in table.columns.items()
                if f"{name}_{field}" not in _UNTIL_VERSION_9
            },
        )
        for name, table in collections.items()
    }
    return {**renamed, f"Flag_{_FORWARD_NOISE}": rng.random(n, dtype=np.float32) < _FLAG_EFFICIENCY}, tables


def missing_momentum(rng: np.random.Generator, gen: Table, jets: Table, n_pileup: Indices, is_data: bool) -> Branches:
    """Return the neutrinos' transverse momentum, and its measurements by different algorithms.

    RawMET is MET before the energy of jets was corrected (type-1 correction).
    """
    n = len(n_pileup)
    neutrinos = gen.take(np.isin(np.abs(gen["pdgId"]), (12, 14)))
    true_x = np.bincount(neutrinos.event, neutrinos["pt"] * np.cos(neutrinos["phi"]), n)
    true_y = np.bincount(neutrinos.event, neutrinos["pt"] * np.sin(neutrinos["phi"]), n)
    sum_et = np.bincount(jets.event, jets["pt"], n) + _SUM_ET * (n_pileup + 1)
    resolution = _MET_STOCHASTIC * np.sqrt(sum_et)
    measured = {
        name: (true_x + width * rng.normal(size=n), true_y + width * rng.normal(size=n))
        for name, width in (("MET", resolution), ("PuppiMET", 0.75 * resolution))
    }
    # This is the momentum that the energy correction added to jets, except for those of electrons and photons.
    added = jets["pt"] * np.where(jets["chEmEF"] + jets["neEmEF"] < _EM_FRACTION_MAX, jets["rawFactor"], 0)
    measured["RawMET"] = (
        measured["MET"][0] + np.bincount(jets.event, added * np.cos(jets["phi"]), n),
        measured["MET"][1] + np.bincount(jets.event, added * np.sin(jets["phi"]), n),
    )
    branches: Branches = {}
    for name, (x, y) in measured.items():
        branches |= {f"{name}_pt": np.hypot(x, y), f"{name}_phi": np.arctan2(y, x), f"{name}_sumEt": sum_et}
    branches |= {
        "MET_significance": (branches["MET_pt"] / resolution) ** 2,
        "MET_covXX": resolution**2,
        "MET_covXY": np.zeros(n),
        "MET_covYY": resolution**2,
        "MET_MetUnclustEnUpDeltaX": rng.normal(0, 3, n),
        "MET_MetUnclustEnUpDeltaY": rng.normal(0, 3, n),
    }
    if not is_data:
        branches |= {"GenMET_pt": np.hypot(true_x, true_y), "GenMET_phi": np.arctan2(true_y, true_x)}
    return branches


def generator_weights(
    rng: np.random.Generator, gen_jets: Table, n: int, xsec: float, negative: float
) -> tuple[Branches, dict[str, Floats]]:
    """Return the generator's weights, whose mean is the cross section, and their relative variations.

    Variations are in the order of NanoAODv9: PSWeight, shape (n, 4), and LHEScaleWeight, shape (n, 9). They grow with
    the number of generated jets and their transverse momenta. ``negative`` is the fraction of negative weights.
    """
    magnitude = xsec / (1 - 2 * negative)
    weight = np.where(rng.random(n) < negative, -magnitude, magnitude)
    activity = np.tanh(np.bincount(gen_jets.event, gen_jets["pt"], n) / 200)
    initial = _SHOWER[0] * (activity - 0.3)
    final = _SHOWER[1] * np.tanh((np.bincount(gen_jets.event, minlength=n) - 2) / 2)
    scales = np.array([(mu_r, mu_f) for mu_r in (0.5, 1, 2) for mu_f in (0.5, 1, 2)])
    log_r, log_f = np.log2(scales).T
    strength_r, strength_f = _SCALES
    variations = {
        "PSWeight": 1 + np.stack([initial, final, -initial, -final], axis=1),
        "LHEScaleWeight": (1 - strength_r * log_r * (0.5 + activity[:, None]))
        * (1 + strength_f * log_f * (0.5 - activity[:, None])),
    }
    weights = {"genWeight": weight, "Generator_weight": weight, "LHEWeight_originalXWGTUP": weight}
    return weights, variations


def _sections(runs: tuple[Run, ...], *, certified: bool) -> Indices:
    """Return run and number of each luminosity section, shape (2, sections)."""
    return np.array(
        [
            (run.number, section)
            for run in runs
            for first, last in (run.certified if certified else run.uncertified)
            for section in range(first, last + 1)
        ]
    ).T


def _any(event: Indices, values: Mask, n: int) -> Mask:
    return np.bincount(event[values], minlength=n) > 0


_MOMENTUM = ("pt", "eta", "phi")
#: collection → fields besides the momentum
_REAL = {
    "FatJet": ("mass", "subJetIdx1", "subJetIdx2"),
    "FsrPhoton": ("muonIdx",),
    "LowPtElectron": ("mass", "charge", "electronIdx", "photonIdx"),
    "Photon": ("electronIdx", "jetIdx"),
    "SubJet": ("mass",),
    "Tau": ("mass", "charge", "jetIdx"),
}
#: collection → fields that only simulation has
_SIMULATED = {
    "FatJet": ("genJetAK8Idx",),
    "GenJetAK8": ("mass",),
    "GenVisTau": ("mass", "charge", "genPartIdxMother"),
    "LowPtElectron": ("genPartIdx",),
    "Photon": ("genPartIdx",),
    "Tau": ("genPartIdx",),
}


def empty_collections(n_events: int, is_data: bool) -> dict[str, ak.Array]:
    """Return jagged arrays of records without any object, by collection."""
    simulated = {} if is_data else _SIMULATED
    lists = ak.index.Index64(np.zeros(n_events + 1, dtype=np.int64))
    collections = {}
    for name in sorted(_REAL.keys() | simulated.keys()):
        fields = (*_MOMENTUM, *_REAL.get(name, ()), *simulated.get(name, ()))
        contents = [ak.contents.NumpyArray(np.empty(0, dtype=_dtype(field))) for field in fields]
        collections[name] = ak.Array(ak.contents.ListOffsetArray(lists, ak.contents.RecordArray(contents, fields)))
    return collections


def _dtype(field: str) -> type[np.generic]:
    return np.float32 if field in (*_MOMENTUM, "mass") else np.int32
