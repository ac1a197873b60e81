from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.result import Measurement
from pocket.scale_factors.methods.efficiency.statistics import (
    counted_efficiency,
    efficiency_ratio,
    require_efficiency,
    weighted_efficiency,
)

ONE_SIDED = stats.norm.sf(1)
counts = st.integers(0, 100_000)


@given(st.lists(st.tuples(counts, counts).filter(any), min_size=1, max_size=5))
@settings(max_examples=60)
def test_clopper_pearson(pairs: list[tuple[int, int]]) -> None:
    passing, failing = np.array(pairs, dtype=float).T
    measured = counted_efficiency(passing, failing)
    for i, (p, f) in enumerate(pairs):
        low = stats.beta.ppf(ONE_SIDED, p, f + 1) if p else 0.0
        high = stats.beta.isf(ONE_SIDED, p + 1, f) if f else 1.0
        assert measured.value[i] == p / (p + f)
        assert measured.value[i] - measured.down[i] == pytest.approx(low, abs=1e-9)
        assert measured.value[i] + measured.up[i] == pytest.approx(high, abs=1e-9)


def test_weighted_error_is_that_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    size, replicas = 4000, 1500
    passes = rng.random(size) < 0.9
    weight = np.where(rng.random(size) < 0.1, -1, 1) * rng.uniform(0.5, 1.5, size)
    draws = rng.multinomial(size, np.full(size, 1 / size), replicas)
    spread = np.std((draws @ (weight * passes)) / (draws @ weight))
    measured = weighted_efficiency(
        *(np.array(np.sum(values)) for values in (weight[passes], weight[~passes], weight[passes] ** 2)),
        np.array(np.sum(weight[~passes] ** 2)),
    )
    assert measured.up == measured.down == pytest.approx(spread, rel=0.06)
    # The formula as published, with the sums of all events.
    e, total2 = measured.value, np.sum(weight**2)
    published = ((1 - 2 * e) * np.sum(weight[passes] ** 2) + e**2 * total2) / np.sum(weight) ** 2
    assert measured.up**2 == pytest.approx(published, rel=1e-12)


def test_weighted_error_where_nothing_fails() -> None:
    # 100 entries of weight 0.5: the interval is that of 100 counts, not 0.
    measured = weighted_efficiency(np.array(50.0), np.array(0.0), np.array(25.0), np.array(0.0))
    assert measured.value == 1
    assert measured.up == 0
    assert measured.down == pytest.approx(1 - ONE_SIDED ** (1 / 100))


def test_ratio_of_samples() -> None:
    data = Measurement(np.array(0.9), np.array(0.02), np.array(0.03))
    mc = Measurement(np.array(0.8), np.array(0.01), np.array(0.015))
    ratio = efficiency_ratio(data, mc)
    assert ratio.value == pytest.approx(1.125)
    # The upper end is reached with more in data and less in simulation.
    assert ratio.up == pytest.approx(np.hypot(0.02 / 0.8, 0.015 * 0.9 / 0.64))
    assert ratio.down == pytest.approx(np.hypot(0.03 / 0.8, 0.01 * 0.9 / 0.64))


def test_every_bad_bin_is_named() -> None:
    passing, failing = np.array([5.0, 0.0, 0.0, -1.0, 5.0]), np.array([1.0, 0.0, 4.0, 3.0, -0.5])
    with pytest.raises(ScaleFactorError) as error:
        require_efficiency(passing, failing, list("abcde"), "trigger in data")
    text = str(error.value)
    assert text.startswith("trigger in data: no efficiency in b (nothing there); c (nothing passes); d (the passing")
    assert "e (the failing weights sum to less than zero)" in text
    assert "a (" not in text
