from __future__ import annotations

from typing import Any

import awkward as ak
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.engine.weighting import compute_weights
from pocket.errors import ConfigError
from pocket.weights import WeightDataMultiVariation, WeightLambda, WeightWrapper
from pocket.weights.btag import BTagShape
from pocket.weights.event import Lumi
from pocket.weights.plan import build_plan
from pocket.weights.scale_factor import ScaleFactorWeight
from pocket.weights.square_root import SquareRoot

Shape = WeightLambda.wrap_func(
    "shape",
    lambda params, metadata, events, size, variation: WeightDataMultiVariation(
        "shape", events.s, ["hf", "lf"], [events.s + 1, events.s + 2], [events.s / 2, 0 * events.s]
    ),
    has_variations=True,
    variations=("hf", "lf"),
)
Pair = WeightLambda.wrap_func(
    "pair",
    lambda params, metadata, events, size, variation: (events.s, events.s + 1, 0 * events.s),
    has_variations=True,
)
W = WeightLambda.wrap_func("w", lambda params, metadata, events, size, variation: events.w)


def evaluate(weight: type[WeightWrapper], s: list[float], variation: str = "nominal") -> Any:
    nominal, varied = SquareRoot.wrap("root", weight)({}, {}).evaluate(ak.Array({"s": s}), len(s), variation)
    return nominal.tolist(), {name: values.tolist() for name, values in varied.items()}


def test_variations_are_those_of_the_weight() -> None:
    assert evaluate(Shape, [4.0, 0.0]) == (
        [2.0, 0.0],
        {
            "root_hfUp": pytest.approx([5**0.5, 1.0]),
            "root_hfDown": pytest.approx([2**0.5, 0.0]),
            "root_lfUp": pytest.approx([6**0.5, 2**0.5]),
            "root_lfDown": [0.0, 0.0],
        },
    )
    assert evaluate(Shape, [4.0], "JESUp") == ([2.0], {})
    assert evaluate(Pair, [9.0]) == ([3.0], {"rootUp": pytest.approx([10**0.5]), "rootDown": [0.0]})
    assert evaluate(WeightLambda.wrap_func("plain", lambda p, m, events, *rest: events.s), [16.0]) == ([4.0], {})


def test_of_the_nominal_weight_alone() -> None:
    for weight in (Shape, Pair):
        root = SquareRoot.wrap("root", weight, has_variations=False)({}, {})
        assert root.variation_names() == []
        nominal, varied = root.evaluate(ak.Array({"s": [9.0]}), 1, "nominal")
        assert (nominal.tolist(), varied) == ([3.0], {})
    follower = ScaleFactorWeight.wrap("calib", "norm", follows="sf_btag")
    assert SquareRoot.wrap("root", follower, has_variations=False).follows is None


def test_variations_by_parameter() -> None:
    params = {"systematic_variations": {"weight_variations": {"sf_btag": {"2018": ["cferr1"]}}}}
    root = SquareRoot.wrap("sf_btag_root", BTagShape)(params, {"year": "2018"})
    assert root.variation_names() == ["sf_btag_root_cferr1Up", "sf_btag_root_cferr1Down"]


@settings(max_examples=30)
@given(events=st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 3)), min_size=1, max_size=6))
def test_the_sum_of_squares_is_that_of_squares_times_the_weight(events: list[tuple[float, float]]) -> None:
    root = SquareRoot.wrap("root", Shape)
    block = {"common": {"inclusive": ["w", "root"]}}
    plan = build_plan(block, {"common": {"inclusive": ["root"]}}, [W, root], ["SR"], {"TT": True})
    columns = ak.Array({"w": [w for w, _ in events], "s": [s for _, s in events]})
    weights = compute_weights(plan, ["TT"], {}, {}, columns)["TT"]
    for variation, s_of in (("nominal", lambda s: s), ("root_hfUp", lambda s: s + 1), ("root_hfDown", lambda s: s / 2)):
        expected = sum(w**2 * s_of(s) for w, s in events)
        assert (weights.column("SR", variation) ** 2).sum() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_negative_weights_have_no_root() -> None:
    with pytest.raises(ConfigError, match=r"weight 'root': 'pair' \(nominal\) is negative for 2 of 3 events, which"):
        evaluate(Pair, [-1.0, 1.0, -0.5])
    negative = WeightLambda.wrap_func("n", lambda p, m, events, *rest: (events.s, events.s, -events.s), True)
    with pytest.raises(ConfigError, match=r"weight 'root': 'n' \(nDown\) is negative for 1 of 1 events"):
        evaluate(negative, [1.0])


def test_what_has_no_root() -> None:
    with pytest.raises(ConfigError, match="weight 'root': 'lumi' is a factor of the dataset, with no value per event"):
        SquareRoot.wrap("root", Lumi)
    with pytest.raises(ConfigError, match="weight 'root': 'calib' follows 'sf_btag', a square root doesn't"):
        SquareRoot.wrap("root", ScaleFactorWeight.wrap("calib", "norm", follows="sf_btag"))
    up_only = WeightLambda.wrap_func("up", lambda p, m, events, *rest: (events.s, events.s), True, symmetrise="mirror")
    with pytest.raises(ConfigError, match="weight 'root': 'up' has variations that are computed up only"):
        SquareRoot.wrap("root", up_only)
    root = SquareRoot.wrap("root", up_only, has_variations=False)({}, {})
    nominal, varied = root.evaluate(ak.Array({"s": [9.0]}), 1, "nominal")
    assert (nominal.tolist(), varied) == ([3.0], {})


def test_scale_factors_and_kind_of_the_weight() -> None:
    root = SquareRoot.wrap("root", ScaleFactorWeight.wrap("calib", "norm"))
    assert (root.scale_factors(), root.has_variations, root.isMC_only) == (("norm",), True, True)
    data = WeightLambda.wrap_func("data", lambda *arguments: 1.0, isMC_only=False)
    assert (SquareRoot.wrap("root", data).isMC_only, SquareRoot.wrap("root", data).has_variations) == (False, False)
