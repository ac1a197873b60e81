"""Statistical comparisons."""

from __future__ import annotations

import numpy as np


def assert_fraction(passed, probability, n_sigma: float = 4.0) -> None:
    """Assert that a count of passed trials agrees with (the mean of) their probabilities."""
    passed, probability = np.asarray(passed), np.broadcast_to(probability, np.shape(passed))
    sigma = np.sqrt(np.sum(probability * (1 - probability)))
    assert abs(passed.sum() - probability.sum()) <= n_sigma * sigma + 1e-6, (passed.mean(), probability.mean(), sigma)


def assert_mean(values, expected: float, n_sigma: float = 4.0) -> None:
    """Assert that the mean of values agrees with an expectation."""
    values = np.asarray(values, dtype=float)
    assert abs(values.mean() - expected) < n_sigma * values.std() / np.sqrt(len(values)), (values.mean(), expected)
