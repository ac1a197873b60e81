"""Bins of regions: their descriptions, sums of bins, and events outside of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pocket.base.edges import missing_edge
from pocket.base.typing import Floats
from pocket.errors import StatisticsError

#: number of bins that a sentence names
_MOST_BINS = 8


def describe_bins(numbers: Sequence[int], edges: Floats | None) -> str:
    """Return the numbers of bins, which count from 0, with the range of each unless ``edges`` is None.

    >>> edges = np.array([0.0, 50.0, 100.0, 250.0])
    >>> describe_bins([2], edges), describe_bins([0, 1], edges), describe_bins([0], None)
    ('bin 2, [100, 250)', 'bins 0, [0, 50); 1, [50, 100)', 'bin 0')
    """
    shown = [
        str(number) if edges is None else f"{number}, [{edges[number]:g}, {edges[number + 1]:g})"
        for number in map(int, numbers[:_MOST_BINS])
    ]
    more = ["…"] if len(numbers) > _MOST_BINS else []
    return f"{'bin' if len(numbers) == 1 else 'bins'} {('; ' if edges is not None else ', ').join([*shown, *more])}"


def rebin(contents: Floats, edges: Floats, wanted: npt.ArrayLike) -> Floats:
    """Return sums of bins (…, bins + 2); bins beyond the outermost of the wanted edges go to the under- and overflow.

    >>> rebin(np.array([1.0, 2, 3, 4, 5]), np.array([0.0, 1, 2, 3]), [1, 3]).tolist()
    [3.0, 7.0, 5.0]
    """
    if missing := missing_edge(wanted, edges):
        raise StatisticsError(f"{missing[0]:g} is no edge of the histogram, nearest: {missing[1]:g}")
    chosen = np.asarray(wanted, dtype=float)
    positions = np.isclose(edges, chosen[:, None], rtol=1e-9, atol=1e-12).argmax(axis=1)
    return np.asarray(np.add.reduceat(contents, [0, *(1 + positions)], axis=-1))


def apply_flow(contents: Floats, flow: str) -> Floats:
    """Return contents (…, bins + 2) without flow, which ``"fold"`` adds to the outermost bins.

    >>> apply_flow(np.array([1.0, 2, 3, 4]), "fold").tolist()
    [3.0, 7.0]
    """
    bins = contents[..., 1:-1].copy()
    if flow == "fold":
        bins[..., 0] += contents[..., 0]
        bins[..., -1] += contents[..., -1]
    return bins
