from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pocket.base.typing import Floats
from pocket.statistics.smoothing import smooth, smooth_353qh, smooth_lowess


def by_the_recipe(values: Floats) -> Floats:
    """Return 353QH, twice, step by step on lists, as Friedman's recipe with ROOT's ends says."""

    def median(numbers: list[float]) -> float:
        return sorted(numbers)[len(numbers) // 2]

    def once(data: list[float]) -> list[float]:
        n, z = len(data), list(data)
        for width in (3, 5, 3):
            before, half = list(z), width // 2
            for i in range(half, n - half):
                z[i] = median(before[i - half : i + half + 1])
            if width == 5:
                z[1], z[n - 2] = median(before[:3]), median(before[n - 3 :])
            elif before == data:
                z[0] = median([z[1], z[0], 3 * z[1] - 2 * z[2]])
                z[n - 1] = median([z[n - 2], z[n - 1], 3 * z[n - 2] - 2 * z[n - 3]])
            data = []
        y = list(z)
        for i in range(2, n - 2):
            if z[i - 1] == z[i] == z[i + 1]:
                left, right = z[i - 2] - z[i], z[i + 2] - z[i]
                if left * right > 0:
                    j = -1 if abs(right) > abs(left) else 1
                    y[i] = -0.5 * z[i - 2 * j] + z[i] / 0.75 + z[i + 2 * j] / 6.0
                    y[i + j] = 0.5 * (z[i + 2 * j] - z[i - 2 * j]) + z[i]
        return [y[0], *(0.25 * y[i - 1] + 0.5 * y[i] + 0.25 * y[i + 1] for i in range(1, n - 1)), y[-1]]

    rough = once(values.tolist())
    rest = once([value - smooth for value, smooth in zip(values.tolist(), rough, strict=True)])
    found = [one + two for one, two in zip(rough, rest, strict=True)]
    return np.array(found if min(values) < 0 else [max(value, 0) for value in found])


@given(hnp.arrays(float, st.integers(3, 40), elements=st.floats(-5, 5, width=16)))
def test_353qh_is_the_recipe(values: Floats) -> None:
    np.testing.assert_allclose(smooth_353qh(values), by_the_recipe(values), rtol=1e-12, atol=1e-12)


def test_353qh_of_hand_worked_bins() -> None:
    # one bin that sticks out is gone; a slope stays
    assert smooth_353qh(np.array([1.0, 1, 9, 1, 1])).tolist() == [1, 1, 1, 1, 1]
    assert smooth_353qh(np.arange(8.0)).tolist() == list(range(8))


def test_lowess_keeps_lines_and_smooths_noise() -> None:
    line = 1 + 0.05 * np.arange(20)
    np.testing.assert_allclose(smooth_lowess(line, np.ones(20)), line)
    rng = np.random.default_rng(1)
    noisy = line + rng.normal(0, 0.1, 20)
    assert np.abs(smooth_lowess(noisy, np.ones(20)) - line).mean() < 0.5 * np.abs(noisy - line).mean()
    # bins with many events decide
    weights = np.ones(20)
    weights[10] = 1e-9
    spike = line.copy()
    spike[10] = 5
    np.testing.assert_allclose(smooth_lowess(spike, weights), line, atol=1e-6)


def lines_around(values: Floats, events: Floats) -> list[float]:
    """Return the value in each bin of a line that numpy fits to half of the bins, rounded up, and at least three."""
    found = []
    for here in range(len(values)):
        distances = [abs(other - here) for other in range(len(values))]
        reach = sorted(distances)[max(3, (len(values) + 1) // 2) - 1] * (1 + 1e-6) + 0.5
        weights = np.array([max(1 - (distance / reach) ** 3, 0.0) ** 3 for distance in distances]) * events
        # numpy takes the root of weights.
        slope, offset = np.polyfit(np.arange(len(values)), values, 1, w=np.sqrt(weights))
        found.append(offset + slope * here)
    return found


@pytest.mark.parametrize("bins", range(3, 16))
def test_lowess_fits_lines_to_half_of_the_bins(bins: int) -> None:
    rng = np.random.default_rng(bins)
    values, events = rng.normal(1, 0.3, bins), rng.uniform(1, 50, bins)
    np.testing.assert_allclose(smooth_lowess(values, events), lines_around(values, events), rtol=1e-9)


@pytest.mark.parametrize("method", ["353QH", "lowess"])
def test_the_yield_stays_and_empty_bins_too(method: str) -> None:
    nominal = np.array([10.0, 20, 0, 30, 20, 10])
    varied = np.array([12.0, 18, 0, 39, 20, 9])
    found = smooth(varied, nominal, nominal, method)
    assert found[2] == 0
    assert found.sum() == pytest.approx(varied.sum())
    assert not np.array_equal(found, varied)
    # the same ratio everywhere is smooth
    np.testing.assert_allclose(smooth(1.1 * nominal, nominal, nominal, method), 1.1 * nominal)
    few = np.array([5.0, 7])
    assert smooth(few, few[::-1], few, method).tolist() == few.tolist()
