from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import UnknownNameError
from pocket.toys.truth import muon_id_efficiency, tag_efficiency, tagger_score, trigger_efficiency

PT = np.array([5.0, 22.0, 26.0, 30.0, 45.0, 200.0])
ETA = np.array([-2.4, -1.3, 0.0, 0.7, 1.2, 2.1])


@pytest.mark.parametrize("is_data", [False, True])
def test_muon_id(config, is_data):
    expected = [0.95 - 0.03 * abs(eta) / 2.4 for eta in ETA]
    if is_data:
        expected = [value * (0.96 if abs(eta) > 1.2 else 0.98) for value, eta in zip(expected, ETA, strict=True)]
    np.testing.assert_allclose(muon_id_efficiency(PT, ETA, config.truth, is_data), expected)


@pytest.mark.parametrize(("is_data", "plateau", "threshold"), [(False, 0.93, 26.0), (True, 0.90, 26.5)])
def test_trigger(config, is_data, plateau, threshold):
    expected = [plateau / 2 * (1 + math.erf((pt - threshold) / (math.sqrt(2) * 1.2))) for pt in PT]
    np.testing.assert_allclose(trigger_efficiency(PT, ETA, config.truth, is_data), expected)


@pytest.mark.parametrize("function", [muon_id_efficiency, trigger_efficiency])
def test_efficiencies_broadcast(config, function):
    grid = function(PT[:, None], ETA[None, :3], config.truth, True)
    assert grid.shape == (6, 3)
    assert grid[4, 1] == function(PT[4], ETA[1], config.truth, True)


@pytest.mark.parametrize(
    ("flavour", "mc", "sf"),
    [
        (5, lambda pt: 0.75 - 0.10 * math.exp(-pt / 60), lambda pt: 0.94 - 2e-4 * (pt - 30)),
        (4, lambda pt: 0.16, lambda pt: 1.05),
        (0, lambda pt: 0.015 + 2e-5 * pt, lambda pt: 1.25),
    ],
)
def test_tagging(config, flavour, mc, sf):
    np.testing.assert_allclose(tag_efficiency(flavour, PT, config.truth, False), [mc(pt) for pt in PT])
    np.testing.assert_allclose(tag_efficiency(flavour, PT, config.truth, True), [mc(pt) * sf(pt) for pt in PT])


def test_unknown_flavour(config):
    with pytest.raises(UnknownNameError, match="hadron flavour"):
        tag_efficiency(21, PT, config.truth, False)


@given(flavour=st.sampled_from([0, 4, 5]), pt=st.floats(15, 500), is_data=st.booleans())
@settings(max_examples=50)
def test_score_above_the_working_point_has_the_efficiency(config, flavour, pt, is_data):
    n = 10_000
    quantile = (np.arange(n) + 0.5) / n
    score = tagger_score(quantile, flavour, np.full(n, pt), config.truth, is_data)
    assert np.all(np.diff(score) >= 0)
    assert score.min() >= 0
    assert score.max() <= 1
    expected = tag_efficiency(flavour, pt, config.truth, is_data)
    assert abs(np.mean(score > config.truth.tagger.working_point) - expected) <= 1 / n
