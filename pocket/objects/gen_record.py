"""Who comes from whom in the record of generated particles (GenPart)."""

from __future__ import annotations

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import counts_of, flat_values, starts_of, to_lists


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
    counts = counts_of(mothers)
    mother = flat_values(mothers).astype(np.int64)
    is_wanted = flat_values(wanted)
    n_of = counts_of(of)
    first = np.repeat(starts_of(counts), n_of)
    found = flat_values(of).astype(np.int64)
    climbing = np.flatnonzero(found >= 0)
    # a line of ancestors is no longer than the record, so that a broken record can't be climbed for ever
    for _ in range(int(counts.max(initial=0))):
        found[climbing] = mother[found[climbing] + first[climbing]]
        climbing = climbing[found[climbing] >= 0]
        climbing = climbing[~is_wanted[found[climbing] + first[climbing]]]
    found[climbing] = -1
    return to_lists(found, n_of)


def value_at(values: ak.Array, positions: ak.Array, default: int) -> ak.Array:
    """Return the values at some positions in their events, ``default`` where the position is -1."""
    from pocket.base.arrays.compiled import values_at

    n_of, flat = counts_of(positions), flat_values(values)
    found = np.full(n_of.sum(), default, dtype=np.int64)
    values_at(flat, starts_of(counts_of(values)), flat_values(positions), n_of, found)
    return to_lists(found, n_of)
