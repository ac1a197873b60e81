from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pocket.base.typing import Floats
from pocket.statistics import Prune
from pocket.statistics.treatment import (
    SMALLEST_FACTOR,
    Options,
    largest_shape,
    remove_negative,
    symmetrise,
    take_share,
    treat,
)

NOMINAL = np.array([10.0, 20.0, 30.0])
templates = hnp.arrays(float, 4, elements=st.floats(0.5, 50))


def pair(up: list[float], down: list[float]) -> tuple[Floats, Floats]:
    return np.array(up), np.array(down)


def steps(sides: tuple[Floats | None, Floats | None], options: Options) -> list[str]:
    return [step.name for step in treat(NOMINAL, NOMINAL, sides, options).steps]


def test_negative_bins_are_0_at_the_same_yield() -> None:
    values, negative = remove_negative(np.array([-2.0, 6.0, 4.0]))
    # 8 events are left of 10
    np.testing.assert_allclose(values, [0, 4.8, 3.2])
    assert negative.tolist() == [True, False, False]


def test_a_missing_side_is_mirrored() -> None:
    up = np.array([11.0, 22, 30])
    done = treat(NOMINAL, NOMINAL, (up, None), Options())
    assert done.shapes is not None
    assert done.shapes[1].tolist() == [9, 18, 30]
    assert [(step.name, step.before["down"].tolist(), step.after["down"].tolist()) for step in done.steps] == [
        ("one-sided", [10, 20, 30], [9, 18, 30])
    ]
    below = treat(NOMINAL, NOMINAL, (None, up), Options())
    assert below.shapes is not None
    assert below.shapes[0].tolist() == [9, 18, 30]


def test_symmetrise() -> None:
    sides = pair([14, 20, 27], [8, 22, 29])
    up, down = symmetrise(NOMINAL, sides, "average")
    assert (up.tolist(), down.tolist()) == ([13, 19, 29], [7, 21, 31])
    up, down = symmetrise(NOMINAL, sides, "mirror")
    assert (up.tolist(), down.tolist()) == ([14, 20, 27], [6, 20, 33])
    # no change up, so that down is mirrored
    assert symmetrise(NOMINAL, (NOMINAL, sides[1]), "mirror")[0].tolist() == [12, 18, 31]
    up, down = symmetrise(NOMINAL, sides, "envelope")
    assert (up.tolist(), down.tolist()) == ([14, 18, 27], [6, 22, 33])


def test_shape_only_and_rate_only() -> None:
    sides = pair([20, 20, 80], [10, 10, 10])
    shape = treat(NOMINAL, NOMINAL, sides, Options(only="shape"))
    assert shape.shapes is not None
    assert shape.shapes[0].tolist() == [10, 10, 40]
    assert shape.shapes[1].tolist() == [20, 20, 20]
    assert shape.factors == (1, 1)
    rate = treat(NOMINAL, NOMINAL, sides, Options(only="rate"))
    assert (rate.kind, rate.shapes, rate.factors) == ("rate", None, (0.5, 2.0))


def test_prune_rate_and_shape() -> None:
    sides = pair([10.1, 20.2, 30.3], [9.9, 19.8, 29.7])
    both = Prune(rate=0.02, shape=0.001)
    done = treat(NOMINAL, NOMINAL, sides, Options(prune=both))
    assert (done.kind, done.shapes) == ("pruned", None)
    kept = treat(NOMINAL, NOMINAL, sides, Options(prune=Prune(rate=0.005, shape=0.001)))
    assert kept.kind == "rate"
    np.testing.assert_allclose(kept.factors, (0.99, 1.01))
    # the rate is small, the shape isn't
    sides = pair([12, 20, 28.1], [8, 20, 31.9])
    shape = treat(NOMINAL, NOMINAL, sides, Options(prune=both))
    assert shape.kind == "shape"
    assert shape.shapes is not None
    np.testing.assert_allclose([each.sum() for each in shape.shapes], 60)
    assert shape.factors == (1, 1)
    assert [step.name for step in shape.steps] == ["prune"]
    assert treat(NOMINAL, NOMINAL, (NOMINAL, NOMINAL), Options()).kind == "pruned"


def test_one_bin_has_factors_alone() -> None:
    one = np.array([10.0])
    done = treat(one, one, (np.array([12.0]), np.array([9.0])), Options())
    assert (done.kind, done.shapes, done.factors) == ("rate", None, (0.9, 1.2))


def test_templates_that_lose_everything_keep_a_hundredth() -> None:
    done = treat(NOMINAL, NOMINAL, pair([-5, 1, 1], [10, 20, 30]), Options())
    assert done.factors[1] == pytest.approx(SMALLEST_FACTOR)
    assert done.steps[0].name == "bins"


def test_variations_have_nothing_where_nominal_was_negative() -> None:
    nominal, negative = remove_negative(np.array([-1.0, 5.0, 6.0]))
    done = treat(nominal, nominal, pair([3, 4, 5], [1, 5, 6]), Options(), negative)
    assert done.shapes is not None
    assert [each[0] for each in done.shapes] == [0, 0]
    np.testing.assert_allclose([each.sum() for each in done.shapes], 12)


def test_steps_are_in_their_order() -> None:
    options = Options("average", "353QH", "shape", 0.5, Prune(rate=0.01, shape=0.001))
    assert steps((np.array([14.0, 20, 24]), None), options) == [
        "one-sided",
        "smooth",
        "shape only",
        "share of years",
    ]


@given(templates, templates, templates)
def test_nothing_is_done_where_nothing_is_asked(nominal: Floats, up: Floats, down: Floats) -> None:
    done = treat(nominal, nominal, (up, down), Options())
    if done.shapes is not None:
        assert [each is given for each, given in zip(done.shapes, (up, down), strict=True)] == [True, True]
    assert [step for step in done.steps if step.before] == []


@given(templates, templates, templates, st.sampled_from(["353QH", "lowess"]))
def test_smoothing_keeps_yields(nominal: Floats, up: Floats, down: Floats, method: str) -> None:
    done = treat(nominal, nominal, (up, down), Options(smooth=method))
    np.testing.assert_allclose(done.factors, [down.sum() / nominal.sum(), up.sum() / nominal.sum()])


@given(templates, templates, st.floats(0.05, 0.95))
def test_shares_of_a_correlation_make_the_whole(nominal: Floats, varied: Floats, rho: float) -> None:
    common, own = (take_share(nominal, varied, share) for share in (np.sqrt(rho), np.sqrt(1 - rho)))
    logs = [np.log(each.sum() / nominal.sum()) for each in (common, own, varied)]
    assert logs[0] ** 2 + logs[1] ** 2 == pytest.approx(logs[2] ** 2, abs=1e-12)


def test_the_largest_shape_is_at_the_same_yield() -> None:
    assert largest_shape(NOMINAL, (2 * NOMINAL, NOMINAL)) == 0
    assert largest_shape(np.array([0.0, 1.0]), pair([1, 1], [0, 1])) == np.inf
