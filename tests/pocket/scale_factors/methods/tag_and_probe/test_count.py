from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pocket.errors import ConfigError, ScaleFactorError
from pocket.scale_factors import TagAndProbeCount
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.templates import Sums
from pocket.scale_factors.methods.tag_and_probe.count import extrapolation, signal
from tests.pocket.scale_factors import toys

COUNT = TagAndProbeCount(**toys.DECLARED, peak=(76, 106), sidebands=((60, 70), (110, 120)))
ONE_BIN = dataclasses.replace(COUNT, axes=("pt",), bins={"pt": (20, 100)})

windows = st.tuples(st.integers(60, 79), st.integers(1, 8), st.integers(105, 112), st.integers(1, 8))


@given(windows, st.floats(-0.015, 0.015))
@settings(max_examples=100)
def test_straight_lines_are_continued(bounds: tuple[int, int, int, int], slope: float) -> None:
    low, width, high, other = bounds
    bands = ((low - width, low), (high, high + other))
    declaration = dataclasses.replace(COUNT, peak=(81, 99), sidebands=bands)

    def entries(first: float, last: float) -> float:
        return (last - first) * (1 + slope * ((first + last) / 2 - 90))

    tau = extrapolation(declaration)
    assert tau @ [entries(*band) for band in bands] == pytest.approx(entries(81, 99))


def test_factors_of_sidebands() -> None:
    assert extrapolation(COUNT) == pytest.approx([1.5, 1.5], rel=0.1)
    even = dataclasses.replace(COUNT, peak=(80, 100), sidebands=((60, 70), (110, 120)))
    assert extrapolation(even) == pytest.approx([1, 1])
    # a single one doesn't tell the slope, wherever it is
    for low, width in np.random.default_rng(1).uniform((110, 0.1), (120, 10), (200, 2)):
        single = dataclasses.replace(COUNT, sidebands=((low, low + width),))
        assert extrapolation(single) == pytest.approx([30 / width])
    # three: the line through the first two, as the others lie on it
    three = dataclasses.replace(COUNT, peak=(80, 100), sidebands=((60, 65), (65, 70), (110, 120)))
    assert extrapolation(three) @ [1.0, 1.0, 2.0] == pytest.approx(4)


def test_variance_is_that_of_drawn_counts() -> None:
    rng = np.random.default_rng(1)
    background, of_signal = np.array([300.0, 110.0, 90.0]), np.array([1000.0, 60.0, 40.0])
    tau = np.array([1.5, 1.5])
    replicas = 20_000
    data = rng.poisson((background + of_signal)[:, np.newaxis], (3, replicas)).astype(float)
    # simulation has weight 0.5
    mc = 0.5 * rng.poisson(2 * of_signal[:, np.newaxis], (3, replicas))
    values, errors = signal(Sums(data, data), Sums(mc, 0.5 * mc), tau)
    assert values.mean() == pytest.approx(1000, abs=3 * values.std() / replicas**0.5 + 2)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.03)


def one_bin(passing: dict[float, int], failing: dict[float, int], is_mc: bool = False) -> hist.Hist[Any]:
    """A template in one bin of pt with pairs at some masses."""
    histogram = toys.template(is_mc=is_mc)
    for flag, pairs in ((1, passing), (0, failing)):
        for mass, number in pairs.items():
            toys.fill(histogram, 0, 0, np.full(number, flag), mass=np.full(number, mass))
    return histogram


def test_numbers_of_one_bin() -> None:
    data = one_bin({90: 1000, 65: 60, 115: 40}, {90: 200, 65: 40, 115: 30})
    mc = one_bin({90: 900, 65: 18, 115: 9}, {90: 100, 65: 4, 115: 1}, is_mc=True)
    result = measure("id", ONE_BIN, {"data": data, "dy": mc})
    # centre of the peak 91, of the sidebands 90: a line through both
    low, high = 30 * (1 / 20 - 1 * 25 / (20 * 25**2)), 30 * (1 / 20 + 1 * 25 / (20 * 25**2))
    found, variances = [], []
    for counts, simulated in (((1000, 60, 40), (900, 18, 9)), ((200, 40, 30), (100, 4, 1))):
        ratio = (low * simulated[1] + high * simulated[2]) / simulated[0]
        pairs = (counts[0] - low * counts[1] - high * counts[2]) / (1 - ratio)
        ratio2 = (low**2 * simulated[1] + high**2 * simulated[2] + ratio**2 * simulated[0]) / simulated[0] ** 2
        of_counts = (counts[0] + low**2 * counts[1] + high**2 * counts[2]) / (1 - ratio) ** 2
        found.append(pairs)
        variances.append(of_counts + ratio2 * (pairs / (1 - ratio)) ** 2)
    passing, failing = found
    efficiency = passing / (passing + failing)
    error = (failing**2 * variances[0] + passing**2 * variances[1]) ** 0.5 / (passing + failing) ** 2
    assert result.efficiencies["data"].value == pytest.approx(efficiency)
    assert result.efficiencies["data"].up == result.efficiencies["data"].down == pytest.approx(error)
    assert result.efficiencies["mc"].value == pytest.approx(0.9)
    of_mc = (0.9 * 0.1 / 1000) ** 0.5
    assert result.scale_factor.up == pytest.approx(efficiency / 0.9 * np.hypot(error / efficiency, of_mc / 0.9))


def test_interval_is_not_shorter_than_that_of_counting() -> None:
    result = measure("id", ONE_BIN, {"data": one_bin({90: 300}, {90: 1}), "dy": one_bin({90: 900}, {90: 100}, True)})
    assert result.efficiencies["data"].down == pytest.approx(300 / 301 - stats.beta.ppf(stats.norm.sf(1), 300, 2))
    # with one pair that fails, σ² = F² P / (P + F)⁴ + P² F / (P + F)⁴ is the larger one upwards
    assert result.efficiencies["data"].up == pytest.approx((300 / 301**3) ** 0.5)


@pytest.mark.parametrize(
    ("data", "mc", "text"),
    [
        (({}, {}), ({90: 90}, {90: 10}), r"id in data: no efficiency in pt \[20, 100\) \(no signal passes\)"),
        (({90: 9}, {65: 9}), ({90: 90}, {90: 10}), r"id in data: .* \(no signal fails\)"),
        (({90: 9, 65: 90}, {90: 9}), ({90: 90}, {90: 10}), r"id in data: .* \(no signal passes\)"),
        (({90: 90}, {90: 10}), ({}, {}), r"id in simulation: .* \(nothing there\)"),
        (({90: 90}, {90: 10}), ({65: 90}, {90: 10}), r"id in simulation: .* \(nothing passes\)"),
        (({90: 90}, {90: 10}), ({90: 90}, {65: 10}), r"id in simulation: .* \(nothing fails\)"),
        (({90: 90}, {90: 10}), ({90: 90, 65: 90}, {90: 10}), r"id: .* \(simulated signal fills the sidebands\)"),
    ],
)
def test_no_efficiency(data: Any, mc: Any, text: str) -> None:
    with pytest.raises(ScaleFactorError, match=text):
        measure("id", ONE_BIN, {"data": one_bin(*data), "dy": one_bin(*mc, True)})


def test_windows_are_on_edges() -> None:
    templates = {"data": one_bin({90: 9}, {90: 9}), "dy": one_bin({90: 9}, {90: 9}, True)}
    with pytest.raises(ConfigError, match=r"sideband \(60, 70.5\) isn't on bin edges, nearest: \(60, 7[01]\)"):
        measure("id", dataclasses.replace(ONE_BIN, sidebands=((60, 70.5),)), templates)
