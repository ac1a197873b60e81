"""Who comes from whom in the record of generated particles (GenPart)."""

from __future__ import annotations

import awkward as ak
import numpy as np

from pocket.lookup import branch
from pocket.ragged import starts_of


def nearest_ancestor(particles: ak.Array, of: ak.Array, wanted: ak.Array) -> ak.Array:
    """Find the nearest ancestor of some particles that is wanted.

    Args:
        particles: NanoAOD's GenPart, shape (n events, n particles).
        of: positions of particles in their events, shape (n events, n); -1 for none.
        wanted: boolean per particle of the record.

    Returns:
        Positions of the ancestors in their events, shape (n events, n), -1 where there is none.

    Raises:
        MissingBranchError: if the particles don't know their mothers.
    """
    mothers = branch(particles, "genPartIdxMother", "GenPart")
    counts = ak.to_numpy(ak.num(mothers))
    mother = ak.to_numpy(ak.flatten(mothers)).astype(np.int64)
    is_wanted = ak.to_numpy(ak.flatten(wanted))
    n_of = ak.num(of)
    first = np.repeat(starts_of(counts), n_of)
    found = ak.to_numpy(ak.flatten(of)).astype(np.int64)
    climbing = np.flatnonzero(found >= 0)
    # a line of ancestors is no longer than the record, so that a broken record can't be climbed for ever
    for _ in range(int(counts.max(initial=0))):
        found[climbing] = mother[found[climbing] + first[climbing]]
        climbing = climbing[found[climbing] >= 0]
        climbing = climbing[~is_wanted[found[climbing] + first[climbing]]]
    found[climbing] = -1
    return ak.unflatten(found, n_of)


def value_at(values: ak.Array, positions: ak.Array, default: int) -> ak.Array:
    """Return the values at some positions in their events, ``default`` where the position is -1."""
    counts, n_of = ak.to_numpy(ak.num(values)), ak.num(positions)
    first = np.repeat(starts_of(counts), n_of)
    position = ak.to_numpy(ak.flatten(positions))
    found = np.full(len(position), default)
    known = position >= 0
    found[known] = ak.to_numpy(ak.flatten(values))[first[known] + position[known]]
    return ak.unflatten(found, n_of)
