"""Random muons with edges of corrections among them, as arrays and as plain rows."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

#: edges of bins in η, φ and pt of the corrections, and values beyond them
EDGES = {
    "eta": [-2.5, -2.4, -2.1, -1.85, -0.4, 0.0, 0.2, 0.4, 0.9, 1.2, 1.85, 2.1, 2.4, 2.5],
    "phi": [-np.pi, -3.2, -2.8, -0.4, 0.0, 0.4, 2.8, 3.2, np.pi],
    "pt": [3.0, 15.0, 20.0, 25.99, 26.0, 29.0, 40.0, 45.0, 60.0, 120.0, 200.0, 200.01, 500.0, 1500.0],
    "nTrackerLayers": [0, 5, 6, 7, 8, 9, 13, 14, 18, 19, 25],
}


def muon_events(n: int = 8000, seed: int = 1) -> ak.Array:
    """Return events with up to four muons, most of them like those of Z bosons, and generated ones of some."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, n)
    size = int(counts.sum())
    muons = {
        "pt": np.exp(rng.normal(np.log(40), 0.5, size)).astype(np.float32),
        "eta": rng.uniform(-2.4, 2.4, size).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, size).astype(np.float32),
        "nTrackerLayers": rng.integers(5, 19, size).astype(np.int32),
        "charge": rng.choice([-1, 1], size).astype(np.int32),
        "isPFcand": rng.random(size) < 0.9,
    }
    for name, edges in EDGES.items():
        places = rng.choice(size, min(len(edges) * 10, size // 4), replace=False)
        muons[name][places] = np.resize(edges, len(places)).astype(muons[name].dtype)
    # The generated particle of a muon is at its own position in the event, that of others isn't linked.
    position = np.concatenate([np.arange(count) for count in counts])
    gen_pt = (muons["pt"] * np.clip(rng.normal(1, 0.02, size), 0.6, 1.4)).astype(np.float32)
    linked = np.where(rng.random(size) < 0.7, position, -1).astype(np.int32)
    return ak.Array(
        {
            "run": np.ones(n, dtype=np.uint32),
            "luminosityBlock": rng.integers(1, 3000, n).astype(np.uint32),
            "event": rng.integers(1, 5_000_000_000, n).astype(np.uint64),
            "Muon": ak.unflatten(ak.zip({**muons, "genPartIdx": linked}), counts),
            "GenPart": ak.unflatten(ak.zip({"pt": gen_pt}), counts),
        }
    )


def rows(events: Any) -> list[dict[str, Any]]:
    """Return each muon with the numbers of its event, and with the pt of its generated muon, 0 without one."""
    found = []
    for event in ak.to_list(events[["luminosityBlock", "event", "Muon", "GenPart"]]):
        for muon in event["Muon"]:
            link = muon["genPartIdx"]
            gen_pt = event["GenPart"][link]["pt"] if link >= 0 else 0.0
            found.append({**muon, "gen_pt": gen_pt, **{key: event[key] for key in ("luminosityBlock", "event")}})
    return found


def flat_pt(result: Any) -> Any:
    """Return pt of all muons as numbers in double precision."""
    return np.asarray(ak.flatten(result["Muon.pt"]), dtype=np.float64)
