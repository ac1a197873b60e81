from __future__ import annotations

import numpy as np

from pocket.base.edges import bins_within, missing_edge

EDGES = np.array([0.0, 10.0, 20.0, np.inf])


def test_the_nearest_edge_is_named() -> None:
    assert missing_edge([0, 20.0000000001], EDGES) is None
    assert missing_edge([0, 14], EDGES) == (14.0, 10.0)


def test_bins_are_within_if_their_centers_are() -> None:
    assert bins_within(EDGES, (4, 15)).tolist() == [True, False, False]
