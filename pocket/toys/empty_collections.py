"""Collections of NanoAOD that the toys leave empty.

Analyses of real files name them, and coffea's schema warns of every cross reference that is missing.
"""

from __future__ import annotations

import awkward as ak
import numpy as np

_MOMENTUM = ("pt", "eta", "phi")
#: collection → fields beside the momentum
_REAL = {
    "FatJet": ("mass", "subJetIdx1", "subJetIdx2"),
    "FsrPhoton": ("muonIdx",),
    "LowPtElectron": ("mass", "charge", "electronIdx", "photonIdx"),
    "Photon": ("electronIdx", "jetIdx"),
    "SubJet": ("mass",),
    "Tau": ("mass", "charge", "jetIdx"),
}
#: fields and collections that only simulation has
_SIMULATED = {
    "FatJet": ("genJetAK8Idx",),
    "GenJetAK8": ("mass",),
    "GenVisTau": ("mass", "charge", "genPartIdxMother"),
    "LowPtElectron": ("genPartIdx",),
    "Photon": ("genPartIdx",),
    "Tau": ("genPartIdx",),
}


def empty_collections(n_events: int, is_data: bool) -> dict[str, ak.Array]:
    """Return jagged arrays of records without a single object, by collection."""
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
