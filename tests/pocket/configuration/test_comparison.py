from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.columns import ColOut
from pocket.configuration.comparison import Comparison, square_roots
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import get_nObj_min, passthrough
from pocket.engine.weighting import compute_weights
from pocket.errors import ConfigError
from pocket.weights import WeightLambda, WeightWrapper
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.pocket.configs import configure, only


def column(name: str, **settings: Any) -> type[WeightWrapper]:
    """Return a weight that is a column of the events."""
    return WeightLambda.wrap_func(name, lambda params, metadata, events, *rest: events[name], **settings)


W, OLD, NEW, DATA_TOO = column("w"), column("old"), column("new"), column("other", isMC_only=False)
VARIED = WeightLambda.wrap_func("s", lambda p, m, events, *rest: (events.s, 2 * events.s, 0 * events.s), True)
BOTH = {"baseline": [passthrough], "tight": [passthrough]}


def config(common: list[Any], dy: tuple[Any, ...] = (), varied: tuple[str, ...] = (), **changes: Any) -> Configurator:
    """Return a configuration that applies some weights to all samples, and some to one."""
    usual: dict[str, Any] = {
        "weights": {"common": {"inclusive": common}, "bysample": {"DY": {"inclusive": list(dy)}}},
        "variations": {"weights": {"common": {"inclusive": list(varied)}}},
        "categories": BOTH,
    }
    return configure(**usual | changes)


@settings(max_examples=30)
@given(
    events=st.lists(
        st.tuples(st.floats(-3, 3), st.floats(0, 3), st.floats(0.1, 3), st.floats(0, 3)), min_size=1, max_size=6
    )
)
def test_squares_of_the_weights_are_products_of_those_before_and_after(
    events: list[tuple[float, float, float, float]],
) -> None:
    columns = ak.Array([dict(zip(("w", "s", "new", "old"), event, strict=True)) for event in events])
    before, after = config([W, OLD]), config([W, VARIED], (NEW,), ("s",))
    covariance = square_roots(before, after)
    for sample in ("DY", "TT"):
        of_before, of_after, of_covariance = (
            compute_weights(one.weights, [sample], {}, {}, columns)[sample] for one in (before, after, covariance)
        )
        assert of_covariance.variations == ("nominal",)
        product = of_before.nominal("baseline") * of_after.nominal("baseline")
        np.testing.assert_allclose(of_covariance.nominal("baseline") ** 2, np.abs(product), rtol=1e-9, atol=1e-12)


def test_only_weights_of_one_side_have_a_root() -> None:
    covariance = square_roots(config([W]), config([W, VARIED], (NEW,), ("s",)))
    assert {sample: plan.weights["baseline"] for sample, plan in covariance.weights.samples.items()} == {
        "DY": ("w", "root_s", "root_new"),
        "TT": ("w", "root_s"),
        "DATA": (),
    }
    assert set(covariance.weights.classes) == {"w", "root_s", "root_new"}
    assert not any(cls.has_variations for name, cls in covariance.weights.classes.items() if name != "w")


def test_categories_of_one_side_keep_their_weights() -> None:
    covariance = square_roots(config([W], categories={"baseline": [passthrough]}), config([W, VARIED]))
    assert covariance.weights.samples["TT"].weights == {"baseline": ("w", "root_s"), "tight": ("w", "s")}


def test_variations_and_columns_are_left_out() -> None:
    columns = {"common": {"inclusive": [ColOut("Muon", ["pt"])]}}
    after = config([W, VARIED], varied=("s",), columns=columns)
    covariance = square_roots(config([W]), after)
    assert not any(plan.variations["baseline"] for plan in covariance.weights.samples.values())
    assert not any(covariance.columns["DY"].values())
    assert covariance.variables == after.variables
    # and the one it is made of is as it was
    assert any(after.columns["DY"].values())
    assert after.weights.samples["TT"].weights["baseline"] == ("w", "s")


def test_scale_factors_are_needed_as_before_also_those_that_follow() -> None:
    follower = ScaleFactorWeight.wrap("calib", "norm", inputs={"njet": "nJet"}, follows="s")
    covariance = square_roots(config([VARIED]), config([VARIED, follower]))
    assert covariance.scale_factors == ("norm",)
    assert covariance.weights.classes["root_calib"].follows is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preselections": [get_nObj_min(2, coll="Muon")]}, "they differ in preselections$"),
        ({"datasets": only("DY")}, "they differ in datasets$"),
        ({"workflow_options": {"a": 1}}, "they differ in workflow_options$"),
        ({"categories": {**BOTH, "tight": [get_nObj_min(2, coll="Muon")]}}, "they differ in category 'tight'$"),
    ],
)
def test_other_events_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        square_roots(config([W]), config([W, VARIED], **changes))


def test_weights_that_cannot_be_compared() -> None:
    with pytest.raises(ConfigError, match="they differ in weight 's'"):
        square_roots(config([column("s")]), config([VARIED]))
    with pytest.raises(ConfigError, match="apply the same weights, which leaves nothing to compare"):
        square_roots(config([W, DATA_TOO]), config([W, DATA_TOO]))
    with pytest.raises(ConfigError, match="'root_lumi': 'lumi' is a factor of the dataset"):
        square_roots(config([W]), config([W, "lumi"]))


def test_a_covariance_of_nothing_is_refused() -> None:
    assert Comparison("nominal").covariance_config == ""
    with pytest.raises(
        ConfigError, match="'root' is the covariance_config of a comparison, whose configuration before is empty"
    ):
        Comparison("", covariance_config="root")
