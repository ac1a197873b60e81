"""Real files of JetMET, and generated events for them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from tests.group_files import ROOT as ROOT
from tests.group_files import RUN_3, UL
from tests.group_files import needs_files as needs_files

FOLDERS = {**UL, **RUN_3}
RUN_2 = tuple(UL)


def file_of(year: str, name: str) -> str:
    """Return the path of JetMET's file of a year."""
    return str(ROOT / "POG" / "JME" / FOLDERS[year] / name)


def fat_jets_of_2017() -> str:
    """Return the file of fat jets of 2017 with the resolution of AK4 jets, since the public copy has none."""
    fat, small = (
        json.loads(gzip.decompress(Path(file_of("2017", f"{name}_jerc.json.gz")).read_bytes()))
        for name in ("fatJet", "jet")
    )
    for correction in small["corrections"]:
        if "_JRV2_MC_" in correction["name"]:
            fat["corrections"].append({**correction, "name": correction["name"].replace("AK4PFchs", "AK8PFPuppi")})
    return json.dumps(fat)


def type_of(year: str) -> str:
    """Return the type of AK4 jets of a year."""
    return "AK4PFchs" if year in RUN_2 else "AK4PFPuppi"


def generated(year: str, n_events: int = 2600, seed: int = 1) -> ak.Array:
    """Return events with about four jets of either size each, in the precision of NanoAOD.

    Jets lie on edges of the bins, too, and some have an extreme pt. Half of them come from a generated jet nearby; of
    these, some are too far away, or have quite another pt.
    """
    rng = np.random.default_rng(seed)
    events = {
        "run": np.full(n_events, 1, dtype=np.uint32),
        "luminosityBlock": rng.integers(1, 5000, n_events).astype(np.uint32),
        "event": rng.integers(1, 1 << 34, n_events).astype(np.uint64),
    }
    density = rng.uniform(0, 70, n_events).astype(np.float32)
    rho = {"fixedGridRhoFastjetAll": density} if year in RUN_2 else {"Rho": {"fixedGridRhoFastjetAll": density}}
    kinds = (("Jet", "GenJet", "genJetIdx", 0.5), ("FatJet", "GenJetAK8", "genJetAK8Idx", 2.0))
    collections = {}
    for name, gen, link, area in kinds:
        counts = rng.integers(0, 9, n_events)
        jets, gen_jets = _jets(rng, counts, link, area)
        collections[name], collections[gen] = ak.unflatten(jets, counts), ak.unflatten(gen_jets, counts)
    columns = {key: ak.Array(value) for key, value in events.items()}
    if "Rho" in rho:
        columns["Rho"] = ak.zip({"fixedGridRhoFastjetAll": density})
    else:
        columns |= {key: ak.Array(value) for key, value in rho.items()}
    return ak.zip({**columns, **collections}, depth_limit=1)


def _jets(rng: np.random.Generator, counts: Any, link: str, area: float) -> tuple[ak.Array, ak.Array]:
    n = int(counts.sum())
    eta = rng.uniform(-5.19, 5.19, n)
    edges = np.array([0, 0.5, 1.305, 1.74, 1.93, 2.043, 2.322, 2.5, 2.65, 2.853, 2.964, 3.139, 4.716, 5.19])
    some = rng.random(n) < 0.2
    eta[some] = rng.choice([*edges, *-edges], some.sum())
    phi = rng.uniform(-np.pi, np.pi, n)
    phi[rng.random(n) < 0.02] = np.pi
    pt = np.exp(rng.uniform(np.log(5), np.log(3000), n))
    pt[rng.random(n) < 0.01] = 6500.0
    # No jet has more energy than the beam.
    pt = np.minimum(pt, 6500 / np.cosh(eta))
    jets = {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "mass": pt * rng.uniform(0.02, 0.2, n),
        "area": rng.uniform(0.8, 1.2, n) * area,
        "rawFactor": rng.uniform(-0.2, 0.3, n),
    }
    jets = {key: value.astype(np.float32) for key, value in jets.items()}
    radius = 0.4 if link == "genJetIdx" else 0.8
    gen = {
        "pt": (pt * rng.normal(1, 0.25, n)).clip(1),
        "eta": eta + rng.normal(0, radius / 4, n),
        "phi": np.remainder(phi + rng.normal(0, radius / 4, n) + np.pi, 2 * np.pi) - np.pi,
        "mass": pt * 0.1,
    }
    position = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        ak.zip({**jets, link: np.where(rng.random(n) < 0.5, position, -1).astype(np.int32)}),
        ak.zip({key: value.astype(np.float32) for key, value in gen.items()}),
    )
