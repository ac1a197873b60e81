from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors.yield_toys import SIMULATED, VERTICES, vertices

KEEP = dataclasses.replace(VERTICES, keep_yield=True)


def template(entries: list[list[float]], is_mc: bool = True) -> hist.Hist[Any]:
    """A template with given weights in the bins; the last list is beyond the last edge."""
    axes: list[Any] = [hist.axis.StrCategory(["baseline"], name="cat")]
    if is_mc:
        axes.append(hist.axis.StrCategory(["nominal"], name="variation"))
    histogram = hist.Hist(
        *axes, hist.axis.Regular(len(entries) - 1, 0, len(entries) - 1, name="npv"), storage=hist.storage.Weight()
    )
    named = {"variation": "nominal"} if is_mc else {}
    for index, weights in enumerate(entries):
        histogram.fill(cat="baseline", npv=np.full(len(weights), index + 0.5), weight=weights, **named)
    return histogram


def small(data: list[int], mc: list[list[float]], background: list[list[float]]) -> dict[str, hist.Hist[Any]]:
    return {
        "data": template([[1.0] * count for count in data], is_mc=False),
        "dy": template(mc),
        "wjets": template(background),
    }


def test_closed_formula() -> None:
    templates = small(
        [90, 40, 8, 2], [[0.5] * 100, [0.5] * 60 + [-0.5] * 4, [2.0] * 3, [1.0] * 2], [[0.5] * 20, [], [1.0], []]
    )
    measured = measure("npv", VERTICES, templates).scale_factor
    # data, Σ and Σw² of the background and of simulation; the overflow is in the last bin
    expected = [(90, 10, 5, 50, 25), (40, 0, 0, 28, 16), (10, 1, 1, 8, 14)]
    for index, (data, background, background2, mc, mc2) in enumerate(expected):
        number = data - background
        assert measured.value[index] == pytest.approx(number / mc)
        variance = (data + background2) / mc**2 + number**2 * mc2 / mc**4
        assert measured.up[index] == measured.down[index] == pytest.approx(variance**0.5)


def test_overflow_that_is_an_error_does_not_count() -> None:
    templates = small([90, 40, 8, 2], [[0.5] * 100, [0.5] * 60, [2.0] * 3, [1.0] * 2], [[], [], [], []])
    measured = measure("npv", dataclasses.replace(VERTICES, flow="error"), templates).scale_factor
    assert measured.value[2] == pytest.approx(8 / 6)


def test_weighted_simulation_keeps_its_yield() -> None:
    templates = vertices(1)
    factors = measure("npv", KEEP, templates).scale_factor.value
    plain = measure("npv", VERTICES, templates).scale_factor.value
    assert factors / plain == pytest.approx(np.full(6, factors[0] / plain[0]))
    simulated = templates["dy"][{"variation": "nominal"}].project("npv").values(flow=True)
    before, after = simulated.sum(), (factors * np.append(simulated[1:6], simulated[6:].sum())).sum()
    assert after == pytest.approx(before, rel=1e-12)


@pytest.mark.slow
def test_covariance_of_kept_yields_is_that_of_toys() -> None:
    results = [measure("npv", KEEP, vertices(seed)) for seed in range(300)]
    spread = np.cov(np.array([result.scale_factor.value for result in results]).T)
    covariance = np.mean([result.statistical_covariance for result in results], axis=0)
    sigma = np.sqrt(np.diag(covariance))
    # 300 toys know an element of the correlation matrix to 0.06
    assert spread / np.outer(sigma, sigma) == pytest.approx(covariance / np.outer(sigma, sigma), abs=0.25)
    assert np.sqrt(np.diag(spread)) / sigma == pytest.approx(np.ones(6), abs=0.15)
    off = covariance[~np.eye(6, dtype=bool)]
    assert (off < 0).any()
    # errors of data don't change the yield, those of simulation hardly
    assert SIMULATED @ covariance @ SIMULATED < 0.05 * SIMULATED**2 @ sigma**2
    assert results[0].scale_factor.up == pytest.approx(np.sqrt(np.diag(results[0].statistical_covariance)))


@pytest.mark.parametrize(
    ("data", "mc", "background", "text"),
    [
        ([5, 0, 5, 0], [[1.0]] * 4, [[]] * 4, r"no ratio in npv \[1, 2\) \(no data\)"),
        ([5, 5, 5, 0], [[1.0], [], [1.0], []], [[]] * 4, r"no ratio in npv \[1, 2\) \(no simulation\)"),
        ([5, 5, 5, 0], [[1.0], [-1.0], [1.0], []], [[]] * 4, r"no ratio in npv \[1, 2\) \(no simulation\)"),
        ([5, 5, 5, 0], [[1.0]] * 4, [[], [5.0], [], []], r"npv \[1, 2\) \(data less background isn't positive\)"),
    ],
)
def test_no_ratio(data: list[int], mc: list[list[float]], background: list[list[float]], text: str) -> None:
    for declaration in (VERTICES, KEEP):
        with pytest.raises(ScaleFactorError, match=f"^npv: .*{text}"):
            measure("npv", declaration, small(data, mc, background))


def test_kept_yield_of_a_single_bin() -> None:
    declaration = dataclasses.replace(KEEP, bins={"npv": (0, 3)})
    with pytest.raises(ScaleFactorError, match="keep_yield needs two bins"):
        measure("npv", declaration, small([5, 5, 5, 0], [[1.0]] * 4, [[]] * 4))


def test_weighted_data() -> None:
    templates = vertices(1)
    templates["data"] = 0.5 * templates["data"]
    with pytest.raises(ScaleFactorError, match=r"data \(data\) have weights other than 1"):
        measure("npv", VERTICES, templates)


def test_background_with_other_bins() -> None:
    templates = vertices(1)
    templates["wjets"] = template([[1.0]] * 7)
    with pytest.raises(ScaleFactorError, match="of sample wjets: the bins differ from those of scale factor 'npv'"):
        measure("npv", VERTICES, templates)
