from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError, UnknownNameError
from pocket.weights import WeightLambda, WeightWrapper
from pocket.weights.plan import build_plan

CATEGORIES = ("SR", "CR")
SAMPLES = {"DY": True, "TT": True, "DATA": False}


def make(name: str, **options: Any) -> type[WeightWrapper]:
    return WeightLambda.wrap_func(name, lambda params, metadata, events, size, shape_variation: 1.0, **options)


KNOWN = [make(name, has_variations=True) for name in ("a", "b", "c", "d")] + [
    make("fixed"),
    make("data", has_variations=True, isMC_only=False),
]


def plan(weights: Any, variations: Any = None, known: Any = KNOWN) -> Any:
    return build_plan(weights, variations or {}, known, CATEGORIES, SAMPLES)


def test_blocks_add_up() -> None:
    found = plan(
        {
            "common": {"inclusive": ["a"], "bycategory": {"SR": ["b"]}},
            "bysample": {"TT": {"inclusive": ["c"], "bycategory": {"CR": ["d"]}}},
        },
        {"common": {"inclusive": ["a"]}, "bysample": {"TT": {"bycategory": {"CR": ["c"]}}}},
    )
    assert found.samples["DY"].weights == {"SR": ("a", "b"), "CR": ("a",)}
    assert found.samples["TT"].weights == {"SR": ("a", "b", "c"), "CR": ("a", "c", "d")}
    assert found.samples["TT"].names == ("a", "b", "c", "d")
    assert found.samples["DY"].variations == {"SR": ("a",), "CR": ("a",)}
    assert found.samples["TT"].variations == {"SR": ("a",), "CR": ("a", "c")}
    assert list(found.classes) == ["a", "b", "c", "d"]


def test_data_keep_only_weights_for_data() -> None:
    found = plan({"common": {"inclusive": ["a", "data"]}}, {"common": {"inclusive": ["a", "data"]}})
    assert found.samples["DATA"].weights == {"SR": ("data",), "CR": ("data",)}
    assert found.samples["DATA"].variations == {"SR": ("data",), "CR": ("data",)}
    assert found.samples["DY"].weights["SR"] == ("a", "data")


def test_a_class_may_stand_for_its_name() -> None:
    found = plan({"common": {"inclusive": [make("own"), "a"]}})
    assert found.samples["DY"].names == ("own", "a")


def test_no_weights() -> None:
    found = plan({})
    assert found.samples["DY"].weights == {"SR": (), "CR": ()}
    assert found.classes == {}


_blocks = st.fixed_dictionaries(
    {},
    optional={
        "inclusive": st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
        "bycategory": st.dictionaries(
            st.sampled_from(CATEGORIES), st.lists(st.sampled_from("abcd"), max_size=2, unique=True)
        ),
    },
)
_weights = st.fixed_dictionaries(
    {}, optional={"common": _blocks, "bysample": st.dictionaries(st.sampled_from(list(SAMPLES)), _blocks)}
)


@settings(max_examples=50)
@given(weights=_weights, variations=_weights)
def test_every_plan_is_a_loop_over_the_blocks(weights: Any, variations: Any) -> None:
    def chosen(block: Any, sample: str, category: str) -> list[str]:
        names = []
        for part in (block.get("common", {}), block.get("bysample", {}).get(sample, {})):
            names += [*part.get("inclusive", []), *part.get("bycategory", {}).get(category, [])]
        return names

    pairs = [(sample, category) for sample in SAMPLES for category in CATEGORIES]
    parts = [weights.get("common", {}), *weights.get("bysample", {}).values()]
    applied = {n for p in parts for names in (p.get("inclusive", []), *p.get("bycategory", {}).values()) for n in names}
    parts = [variations.get("common", {}), *variations.get("bysample", {}).values()]
    varied = {n for p in parts for names in (p.get("inclusive", []), *p.get("bycategory", {}).values()) for n in names}
    twice = any(len(set(names)) < len(names) for names in (chosen(weights, *pair) for pair in pairs))
    if twice or not varied <= applied:
        with pytest.raises(ConfigError, match="applied twice" if twice else "but no weight of that name is applied"):
            plan(weights, variations)
        return
    found = plan(weights, variations)
    for sample, category in pairs:
        names = chosen(weights, sample, category) if SAMPLES[sample] else []
        assert list(found.samples[sample].weights[category]) == names
        asked = chosen(variations, sample, category)
        assert list(found.samples[sample].variations[category]) == [name for name in names if name in asked]


@pytest.mark.parametrize(
    ("weights", "variations", "message"),
    [
        (
            {"common": {"inclusive": ["fixd"]}},
            None,
            r"weight 'fixd' in weights\.common\.inclusive, did you mean 'fixed'",
        ),
        ({"bysample": {"TT": {"bycategory": {"SR": ["e"]}}}}, None, r"'e' in weights\.bysample\.TT\.bycategory\.SR"),
        ({"common": {"incl": []}}, None, r"unknown key 'incl' in weights\.common, did you mean 'inclusive'"),
        ({"bysamples": {}}, None, "unknown key 'bysamples' in weights, did you mean 'bysample'"),
        ({"bysample": {"TTT": {}}}, None, r"unknown sample 'TTT' in weights\.bysample, did you mean 'TT'"),
        ({"common": {"bycategory": {"SRR": []}}}, None, r"category 'SRR' in weights\.common\.bycategory, did you mean"),
        ({}, {"bysample": {"DYY": {}}}, r"sample 'DYY' in variations\.weights\.bysample, did you mean 'DY'"),
    ],
)
def test_unknown_name(weights: Any, variations: Any, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        plan(weights, variations)


@pytest.mark.parametrize(
    ("weights", "variations", "message"),
    [
        ({"common": {"inclusive": ["a", "a"]}}, None, "weight 'a' is applied twice to 'DY' in category 'SR'"),
        (
            {"common": {"inclusive": ["a"], "bycategory": {"CR": ["a"]}}},
            None,
            "weight 'a' is applied twice to 'DY' in category 'CR'",
        ),
        (
            {"common": {"inclusive": ["a"]}, "bysample": {"TT": {"inclusive": ["a"]}}},
            None,
            "weight 'a' is applied twice to 'TT' in category 'SR'",
        ),
        ({"common": {"inclusive": ["a"]}}, {"common": {"inclusive": ["b"]}}, "'b' is varied, but no weight of that"),
        ({"common": {"inclusive": ["fixed"]}}, {"common": {"inclusive": ["fixed"]}}, "'fixed' has no variations"),
        ({"common": {"inclusive": "a"}}, None, r"weights\.common\.inclusive must be a list, not 'a'"),
        ({"common": ["a"]}, None, r"weights\.common must be a dictionary with inclusive and bycategory, not \['a'\]"),
        ({"common": {"inclusive": [make("a")]}}, None, r"weights\.common\.inclusive: two weights are named 'a'"),
    ],
)
def test_wrong_block(weights: Any, variations: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(weights, variations)


def test_a_weight_that_is_not_listed_is_told_from_a_misspelt_one() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown weight 'fixd' in weights\.common\.inclusive, did you"):
        plan({"common": {"inclusive": ["fixd"]}})
    with pytest.raises(UnknownNameError, match=r"unknown weight 'sf_own' in .* and not in weights_classes; "):
        plan({"common": {"inclusive": ["sf_own"]}})


class Follower(WeightWrapper):
    name = "f"
    follows = "a"

    def compute_following(self, events: Any, size: int, keys: Any) -> Any:
        return {}


def following(name: str, followed: str, base: type[WeightWrapper] = Follower) -> type[WeightWrapper]:
    return type(name, (base,), {"name": name, "follows": followed})


def test_a_follower_is_applied_where_the_weight_is_that_it_follows() -> None:
    known = [*KNOWN, Follower]
    found = plan({"common": {"bycategory": {"SR": ["f", "b", "a"], "CR": ["a"]}}}, known=known)
    assert found.samples["DY"].weights == {"SR": ("f", "b", "a"), "CR": ("a",)}
    assert found.samples["DATA"].weights == {"SR": (), "CR": ()}
    # one that nobody applies does no harm
    assert plan({"common": {"inclusive": ["b"]}}, known=[*KNOWN, following("g", "fixed")]).samples


@pytest.mark.parametrize(
    ("weights", "follower", "message"),
    [
        (
            {"common": {"inclusive": ["f"], "bycategory": {"SR": ["a"]}}},
            Follower,
            "weight 'f' follows 'a', which isn't applied to 'DY' in category 'CR'",
        ),
        (
            {"common": {"inclusive": ["f"]}, "bysample": {"DY": {"inclusive": ["a"]}}},
            Follower,
            "weight 'f' follows 'a', which isn't applied to 'TT' in category 'SR'",
        ),
        (
            {"common": {"inclusive": ["f", "a"]}},
            type("f", (Follower,), {"isMC_only": False}),
            "weight 'f' follows 'a', which isn't applied to 'DATA' in category 'SR'",
        ),
        (
            {"common": {"inclusive": ["f"]}},
            following("f", "dta"),
            "unknown weight 'dta' in follows of weight 'f', did you",
        ),
        (
            {"common": {"inclusive": ["f", "fixed"]}},
            following("f", "fixed"),
            "follows 'fixed', which has no variations",
        ),
        (
            {"common": {"inclusive": ["f", "a"]}},
            following("f", "a", WeightWrapper),
            r"'f' follows 'a', but has no compute_following\(\)",
        ),
    ],
)
def test_wrong_follower(weights: Any, follower: type[WeightWrapper], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(weights, known=[*KNOWN, follower])


def test_a_follower_follows_no_follower() -> None:
    first = type("first", (Follower,), {"name": "first", "has_variations": True})
    second = following("second", "first")
    with pytest.raises(ConfigError, match="weight 'second' follows 'first', which itself follows 'a'"):
        plan({"common": {"inclusive": ["a", first, second]}})


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ([*KNOWN, make("a")], "weights_classes: two weights are named 'a'"),
        ([WeightWrapper], "weights_classes: <class .*WeightWrapper'> isn't a subclass of WeightWrapper with a name"),
        ([KNOWN[0]({}, {})], "isn't a subclass of WeightWrapper with a name"),
        (["a"], "weights_classes: 'a' isn't a subclass of WeightWrapper with a name"),
    ],
)
def test_wrong_classes(known: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan({}, known=known)


def test_the_code_of_a_weight_that_isnt_used_decides_nothing() -> None:
    assert not any(module.startswith("pocket.weights.leptons") for module in code_closure("pocket.engine.run").modules)
