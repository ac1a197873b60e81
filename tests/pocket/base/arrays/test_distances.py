from __future__ import annotations

import math

import numpy as np
import pytest

from pocket.base.arrays.compiled import smallest_distances
from pocket.objects.matching import delta_r


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_against_all_pairs(kind: type) -> None:
    rng = np.random.default_rng(1)
    counts, counts2 = rng.integers(0, 5, (2, 200))
    offsets, offsets2 = (np.concatenate([[0], np.cumsum(number)]) for number in (counts, counts2))
    eta, eta2 = (rng.uniform(-3, 3, offset[-1]).astype(kind) for offset in (offsets, offsets2))
    phi, phi2 = (rng.uniform(-math.pi, math.pi, offset[-1]).astype(kind) for offset in (offsets, offsets2))
    smallest = np.empty(len(eta), dtype=kind)
    smallest_distances(eta, phi, offsets, eta2, phi2, offsets2, smallest)
    for event in range(len(counts)):
        for row in range(offsets[event], offsets[event + 1]):
            others = slice(offsets2[event], offsets2[event + 1])
            distances = delta_r(eta[row], phi[row], eta2[others], phi2[others])
            expected = distances.min() if len(distances) else np.inf
            assert smallest[row] == pytest.approx(expected, rel=4 * float(np.finfo(kind).eps))


def test_what_is_no_number_stays_none() -> None:
    one, smallest = np.array([0, 1]), np.empty(1)
    eta2, phi2 = np.array([np.nan, 1.0]), np.zeros(2)
    for order in ([0, 1], [1, 0]):
        smallest_distances(np.zeros(1), np.zeros(1), one, eta2[order], phi2[order], np.array([0, 2]), smallest)
        assert np.isnan(smallest[0])
