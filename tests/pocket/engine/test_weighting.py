from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.engine.weighting import compute_weights
from pocket.weights import WeightDataMultiVariation, WeightLambda, WeightWrapper
from pocket.weights.plan import SamplePlan, WeightPlan, build_plan, variation_names

CATEGORIES = ("SR", "CR", "VR")
# weight → its stored variations; the arrays come from the events' column of that name
VARIATIONS = {
    "a": ["aUp", "aDown"],
    "b": ["b_statUp", "b_statDown", "b_systUp", "b_systDown"],
    "c": [],
}


def columns(name: str) -> list[str]:
    return [name, *VARIATIONS[name]]


def make(name: str) -> type[WeightWrapper]:
    def function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        arrays = [events[column] for column in columns(name)]
        if name == "b":
            return WeightDataMultiVariation(name, arrays[0], ["stat", "syst"], arrays[1::2], arrays[2::2])
        return tuple(arrays) if len(arrays) > 1 else arrays[0]

    variations = ("stat", "syst") if name == "b" else ()
    return WeightLambda.wrap_func(name, function, has_variations=name != "c", variations=variations)


KNOWN = [make(name) for name in VARIATIONS]
# weights of zero and negative ones are allowed
VALUES = st.one_of(st.sampled_from([0.0, -1.0, 1.0]), st.floats(-3, 3, width=32))


@st.composite
def plans(draw: st.DrawFn) -> WeightPlan:
    names = draw(st.lists(st.sampled_from("abc"), unique=True))
    inclusive = draw(st.integers(0, len(names)))
    bycategory = {name: draw(st.lists(st.sampled_from(CATEGORIES), unique=True)) for name in names[inclusive:]}
    weights = {
        "inclusive": names[:inclusive],
        "bycategory": {
            category: [name for name, where in bycategory.items() if category in where] for category in CATEGORIES
        },
    }
    applied = {*names[:inclusive], *(name for name, where in bycategory.items() if where)} - {"c"}
    varied = draw(st.lists(st.sampled_from(sorted(applied)), unique=True)) if applied else []
    variations = {"common": {"inclusive": varied}}
    return build_plan({"common": weights}, variations, KNOWN, CATEGORIES, {"DY": True})


@settings(max_examples=50)
@given(plan=plans(), data=st.data(), size=st.integers(0, 5), shape=st.sampled_from(["nominal", "JESUp"]))
def test_matrix_is_the_product_event_by_event(plan: WeightPlan, data: st.DataObject, size: int, shape: str) -> None:
    names = [column for name in VARIATIONS for column in columns(name)]
    values = {name: data.draw(st.lists(VALUES, min_size=size, max_size=size)) for name in names}
    events = ak.Array({name: np.array(column, dtype=np.float64) for name, column in values.items()})
    sample = plan.samples["DY"]
    found = compute_weights(plan, ["DY"], {}, {}, events, shape)["DY"]

    varied = {name for category in CATEGORIES for name in sample.variations[category]} if shape == "nominal" else set()
    stored = {variation for name in varied for variation in VARIATIONS[name]}
    assert found.variations[0] == "nominal"
    assert set(found.variations[1:]) == stored
    assert len(found.variations) == 1 + len(stored)
    for category in CATEGORIES:
        matrix = found.matrices[found.class_of[category]]
        assert matrix.shape == (size, len(found.variations))
        assert found.nominal(category).tolist() == matrix[:, 0].tolist()
        for number, variation in enumerate(found.variations):
            for event in range(size):
                factors = [
                    # a category without the weight keeps the nominal
                    values[variation if variation in VARIATIONS[name] else name][event]
                    for name in sample.weights[category]
                ]
                assert math.isclose(matrix[event, number], math.prod(factors), rel_tol=1e-12)


def test_categories_with_the_same_weights_share_a_matrix() -> None:
    weights = {"common": {"inclusive": ["a"], "bycategory": {"CR": ["c"]}}}
    plan = build_plan(weights, {}, KNOWN, CATEGORIES, {"DY": True})
    events = ak.Array({"a": [2.0], "aUp": [3.0], "aDown": [1.0], "c": [5.0]})
    found = compute_weights(plan, ["DY"], {}, {}, events)["DY"]
    assert found.class_of == {"SR": 0, "CR": 1, "VR": 0}
    assert found.matrices.tolist() == [[[2.0]], [[10.0]]]


def test_each_weight_is_computed_once() -> None:
    calls = []

    def function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        calls.append((params, metadata, size, shape_variation))
        return 1.0, 1.0, 1.0

    counted = WeightLambda.wrap_func("counted", function, has_variations=True)
    block = {"common": {"inclusive": ["counted"]}}
    plan = build_plan(block, block, [counted], CATEGORIES, {"DY": True})
    events = ak.Array({"x": [1.0, 2.0]})
    compute_weights(plan, ["DY"], {"p": 1}, {"sample": "DY"}, events)
    assert calls == [({"p": 1}, {"sample": "DY"}, 2, "nominal")]


@pytest.mark.parametrize(
    ("varied", "shape_variation", "needed"),
    [(["lazy"], "nominal", True), (["lazy"], "JESUp", False), ([], "nominal", False), (["b"], "nominal", False)],
)
def test_variations_that_nothing_stores_need_not_be_computed(
    varied: list[str], shape_variation: str, needed: bool
) -> None:
    class Lazy(WeightWrapper):
        name = "lazy"
        has_variations = True

        def compute(self, events: Any, size: int, shape_variation: str) -> Any:
            nominal = np.full(size, 2.0)
            if not self.needs_variations(shape_variation):
                return nominal
            return nominal, np.full(size, 3.0), np.full(size, 1.0)

    block = {"common": {"inclusive": ["lazy", "b"]}}
    plan = build_plan(block, {"common": {"inclusive": varied}}, [Lazy, *KNOWN], CATEGORIES, {"DY": True})
    events = ak.Array({column: [1.0] for column in ("b", *columns("b"))})
    found = compute_weights(plan, ["DY"], {}, {}, events, shape_variation)["DY"]
    assert found.nominal("SR").tolist() == [2.0]
    assert ("lazyUp" in found.variations) == needed
    if needed:
        assert found.column("SR", "lazyUp").tolist() == [3.0]


def following(weight: str, *own: str) -> type[WeightWrapper]:
    """Return a weight that follows b; its columns are its name, its variations, and those of b behind its name."""

    class Follower(WeightWrapper):
        name = weight
        follows = "b"
        has_variations = bool(own)

        def compute(self, events: Any, size: int, shape_variation: str) -> Any:
            return tuple(events[column] for column in (weight, *own))

        def compute_following(self, events: Any, size: int, keys: Any) -> Any:
            assert keys == ("stat_up", "stat_down", "syst_up", "syst_down")
            return {key: events[f"{weight}_{key}"] for key in keys}

    return Follower


FOLLOWERS = {"f": following("f", "fUp", "fDown"), "g": following("g")}
FOLLOWED = {f"b_{source}{side}": f"{source}_{side.lower()}" for source in ("stat", "syst") for side in ("Up", "Down")}


@settings(max_examples=50)
@given(data=st.data(), size=st.integers(0, 4), shape=st.sampled_from(["nominal", "nominal", "JESUp"]))
def test_followers_vary_with_the_weight_that_they_follow(data: st.DataObject, size: int, shape: str) -> None:
    # with both, with one, with none of the followers, and without the weight itself
    orders = {"SR": "fabg", "CR": "bf", "VR": "cb", "XR": "ac"}
    applied = {category: data.draw(st.permutations(names)) for category, names in orders.items()}
    varied = {
        category: data.draw(st.lists(st.sampled_from([name for name in names if name in "abf"]), unique=True))
        for category, names in applied.items()
    }
    plan = build_plan(
        {"common": {"bycategory": applied}},
        {"common": {"bycategory": varied}},
        [*KNOWN, *FOLLOWERS.values()],
        list(orders),
        {"TT": True},
    )
    own = {**VARIATIONS, "f": ["fUp", "fDown"], "g": []}
    names = [name for weight, variations in own.items() for name in (weight, *variations)]
    names += [f"{weight}_{key}" for weight in FOLLOWERS for key in FOLLOWED.values()]
    values = {name: data.draw(st.lists(VALUES, min_size=size, max_size=size)) for name in names}
    events = ak.Array({name: np.array(column, dtype=np.float64) for name, column in values.items()})
    found = compute_weights(plan, ["TT"], {}, {}, events, shape)["TT"]

    def column(weight: str, category: str, variation: str) -> str:
        if weight in varied[category] and variation in own[weight]:
            return variation
        if weight in FOLLOWERS and "b" in varied[category] and variation in FOLLOWED:
            return f"{weight}_{FOLLOWED[variation]}"
        return weight

    stored = {variation for weights in varied.values() for weight in weights for variation in own[weight]}
    assert set(found.variations) == {"nominal"} | (stored if shape == "nominal" else set())
    for category, weights in applied.items():
        for variation in found.variations:
            columns_of = [column(weight, category, variation) for weight in weights]
            expected = [math.prod(values[name][event] for name in columns_of) for event in range(size)]
            np.testing.assert_allclose(found.column(category, variation), expected, rtol=1e-12)


def test_a_follower_is_asked_only_where_both_are_applied_and_the_other_is_varied() -> None:
    columns = {"b": [2.0], **{name: [3.0] for name in VARIATIONS["b"]}, "g": [5.0]}
    weights = {"common": {"bycategory": {"SR": ["b", "g"], "CR": ["b"]}}}
    variations = {"common": {"bycategory": {"CR": ["b"]}}}
    plan = build_plan(weights, variations, [*KNOWN, *FOLLOWERS.values()], CATEGORIES, {"TT": True})
    # there are no columns for what g would be
    found = compute_weights(plan, ["TT"], {}, {}, ak.Array(columns))["TT"]
    assert found.column("SR", "b_statUp").tolist() == [10.0]
    assert found.column("CR", "b_statUp").tolist() == [3.0]


def test_weights_of_some_samples() -> None:
    weights = {"common": {"inclusive": ["a"]}, "bysample": {"TT": {"inclusive": ["b", "g"]}}}
    plan = build_plan(weights, {}, [*KNOWN, *FOLLOWERS.values()], CATEGORIES, {"DY": True, "TT": True})
    events = ak.Array({"a": [2.0], "aUp": [3.0], "aDown": [1.0]})
    assert compute_weights(plan, ["DY"], {}, {}, events)["DY"].nominal("SR").tolist() == [2.0]


def test_names_need_no_events() -> None:
    plan = build_plan(
        {"common": {"inclusive": ["c", "b", "a"]}},
        {"common": {"inclusive": ["a", "b"]}},
        KNOWN,
        CATEGORIES,
        {"DY": True},
    )
    names = variation_names(plan, plan.samples["DY"], {}, {})
    assert names == ("nominal", "b_statUp", "b_statDown", "b_systUp", "b_systDown", "aUp", "aDown")
    empty = SamplePlan({"SR": ()}, {"SR": ()})
    assert variation_names(WeightPlan({}, {}), empty, {}, {}) == ("nominal",)
