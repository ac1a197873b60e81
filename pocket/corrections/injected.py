"""Known scale factors of efficiencies, which bins have in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pocket.base.typing import Floats

#: largest efficiency in the file of a scale factor
MOST = 1 - 1e-4


def injected(efficiencies: Floats, bins: Floats, factors: Sequence[float]) -> Floats:
    """Return the scale factors of efficiencies in simulation: 1 where nothing fails, and at most ``MOST`` / efficiency."""
    known, first = np.unique(bins, return_index=True)
    of_known = np.empty(known.size)
    of_known[np.argsort(first)] = np.resize(factors, known.size)
    found = np.minimum(of_known[np.searchsorted(known, efficiencies)], MOST / efficiencies)
    return np.where(efficiencies < MOST, found, 1.0)
