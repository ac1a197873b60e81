"""Contents of the benchmark's files that the toys lack: the collections that they leave empty, and more triggers.

No selection uses these contents. A reader should skip them; the numbers and sizes of objects are similar to those of a
real NanoAOD file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.toys.precision import stored

#: collection → mean number of objects per event
MULTIPLICITIES = {
    "FatJet": 0.8,
    "FsrPhoton": 0.05,
    "GenJetAK8": 1.2,
    "GenVisTau": 0.2,
    "LowPtElectron": 0.5,
    "Photon": 1.0,
    "SubJet": 1.6,
    "Tau": 0.9,
}
#: names of further triggers, since real files have some hundred
TRIGGERS = tuple(f"HLT_Path{number:02d}" for number in range(40))
#: each trigger fires in one of so many events
_PRESCALE = 50
#: mean pt in GeV above the threshold of the collection, and largest |eta|
_MEAN_PT, _ETA_MAX = 40.0, 2.5

Content = npt.NDArray[Any] | ak.Array


def further_contents(rng: np.random.Generator, events: Mapping[str, Content]) -> dict[str, Content]:
    """Return filled collections that replace the empty ones, and triggers.

    Args:
        rng: random numbers.
        events: the result of :func:`pocket.toys.generator.generate`.

    Returns:
        Collections with the fields and types of the empty ones, and triggers of shape (n events,).
    """
    size = len(events["event"])
    filled: dict[str, Content] = {
        name: _filled(rng, name, events[name], rng.poisson(mean, size))
        for name, mean in MULTIPLICITIES.items()
        if name in events
    }
    return filled | {name: rng.integers(_PRESCALE, size=size) == 0 for name in TRIGGERS}


def widened(events: Mapping[str, Content], branches: int) -> dict[str, Content]:
    """Return events with further columns, until a file of them has a number of branches.

    As in NanoAOD of CMS, two thirds are flags of triggers, and the others are fields of collections. All are zero.

    Args:
        events: branch or collection → content.
        branches: number of branches, not less than there are.
    """
    wide, size = dict(events), len(events["event"])
    lists = sorted(name for name, content in events.items() if isinstance(content, ak.Array) and content.fields)
    # Lists have a branch with their numbers of elements.
    known = sum(len(content.fields) if name in lists else 1 for name, content in wide.items())
    missing = branches - known - sum(content.ndim > 1 for content in wide.values())
    fields = missing // 3
    for position, name in enumerate(lists):
        content = wide[name]
        for number in range(position, fields, len(lists)):
            zeros = ak.values_astype(ak.zeros_like(content[content.fields[0]]), np.float32)
            content = ak.with_field(content, zeros, f"further{number}")
        wide[name] = content
    return wide | {f"L1_Path{number:04d}": np.zeros(size, dtype=np.bool_) for number in range(missing - fields)}


def _filled(rng: np.random.Generator, collection: str, empty: ak.Array, counts: npt.NDArray[np.int64]) -> ak.Array:
    number = int(counts.sum())
    fields = [ak.contents.NumpyArray(_values(rng, f"{collection}_{field}", number)) for field in empty.fields]
    offsets = ak.index.Index64(np.concatenate([[0], np.cumsum(counts)]))
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.RecordArray(fields, list(empty.fields))))


def _values(rng: np.random.Generator, branch: str, number: int) -> npt.NDArray[Any]:
    field = branch.rpartition("_")[2]
    if field == "charge":
        return rng.choice(np.array([-1, 1], dtype=np.int32), number)
    if field in ("pt", "mass"):
        return stored(branch, 5 + rng.exponential(_MEAN_PT if field == "pt" else _MEAN_PT / 5, number))
    if field in ("eta", "phi"):
        edge = _ETA_MAX if field == "eta" else np.pi
        return stored(branch, rng.uniform(-edge, edge, number))
    # References to other objects are unset.
    return np.full(number, -1, dtype=np.int32)
