from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.errors import ConfigError
from pocket.weights import WeightData, WeightDataMultiVariation, WeightLambda, WeightWrapper

EVENTS = ak.Array({"x": [1.0, 2.0, 3.0]})
N = 3


def weight(result: Any, **options: Any) -> WeightWrapper:
    """Return a weight whose function returns ``result``, or calls it with the events."""

    def function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        return result(events) if callable(result) else result

    return WeightLambda.wrap_func("sf", function, **options)({}, {})


def evaluate(weight: WeightWrapper, shape_variation: str = "nominal") -> tuple[list[float], dict[str, list[float]]]:
    nominal, varied = weight.evaluate(EVENTS, N, shape_variation)
    assert all(array.dtype == np.float64 for array in (nominal, *varied.values()))
    return nominal.tolist(), {name: values.tolist() for name, values in varied.items()}


@pytest.mark.parametrize(
    "result",
    [
        lambda events: events.x,
        lambda events: np.array([1, 2, 3], dtype=np.int8),
        lambda events: [1, 2, 3],
        lambda events: (events.x,),
        lambda events: [events.x],
        lambda events: [events.x.to_numpy()],
        lambda events: WeightData("sf", events.x),
        lambda events: WeightDataMultiVariation("sf", events.x, (), (), ()),
    ],
)
def test_forms_of_the_nominal(result: Any) -> None:
    assert evaluate(weight(result)) == ([1.0, 2.0, 3.0], {})


def test_one_number_counts_for_all_events() -> None:
    assert evaluate(weight(0.5)) == ([0.5] * 3, {})


@pytest.mark.parametrize("form", [tuple, list, lambda arrays: WeightData("sf", *arrays)])
def test_up_and_down(form: Any) -> None:
    arrays = ([1.0] * 3, [1.5] * 3, 0.5)
    assert evaluate(weight(form(arrays), has_variations=True)) == (
        [1.0] * 3,
        {"sfUp": [1.5] * 3, "sfDown": [0.5] * 3},
    )
    # variations of weights aren't stored inside shape variations, nor those that weren't announced
    assert evaluate(weight(form(arrays), has_variations=True), "JESUp") == ([1.0] * 3, {})
    assert evaluate(weight(form(arrays))) == ([1.0] * 3, {})


@pytest.mark.parametrize("form", [tuple, list, lambda data: WeightDataMultiVariation("sf", *data)])
def test_named_variations(form: Any) -> None:
    names = ["stat", "syst"]
    data = ([1.0] * 3, names, [[2.0] * 3, [3.0] * 3], [[4.0] * 3, [5.0] * 3])
    found = weight(form(data), has_variations=True, variations=names)
    assert found.variation_names() == ["sf_statUp", "sf_statDown", "sf_systUp", "sf_systDown"]
    assert evaluate(found) == (
        [1.0] * 3,
        {"sf_statUp": [2.0] * 3, "sf_statDown": [4.0] * 3, "sf_systUp": [3.0] * 3, "sf_systDown": [5.0] * 3},
    )


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.ones(2), r"\(nominal\) has shape \(2,\), expected \(3,\)"),
        (np.ones((3, 1)), r"\(nominal\) has shape \(3, 1\), expected \(3,\)"),
        (np.array([1.0, np.nan, np.inf]), r"\(nominal\) is not finite for 2 of 3 events"),
        (ak.Array([1.0, None, 2.0]), r"\(nominal\) is not one number per event: .*None"),
        (ak.Array([[1.0], [], [2.0]]), r"\(nominal\) is not one number per event"),
        ("text", r"\(nominal\) is not one number per event"),
        (None, r"\(nominal\) is None, expected one number per event \(3\)"),
        ((), r"returned 0 arrays, neither \(nominal, up, down\) nor \(nominal, names, up, down\)"),
        ((1.0,) * 5, r"returned 5 arrays, neither \(nominal, up, down\) nor \(nominal, names, up, down\)"),
    ],
)
def test_wrong_nominal(result: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"weight 'sf' {message}") as caught:
        evaluate(weight(result))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("result", "variations", "message"),
    [
        (1.0, (), "has variations, but did not return all of sfUp, sfDown"),
        ((1.0, 1.5), (), "did not return all of sfUp, sfDown"),
        ((1.0, np.ones(2), 1.0), (), r"\(sfUp\) has shape \(2,\), expected \(3,\)"),
        ((1.0, 1.0, np.nan), (), r"\(sfDown\) is not finite for 3 of 3 events"),
        ((1.0, 1.0, 1.0, 1.0), ("a",), "returned no lists of names, of up and of down variations"),
        ((1.0, ["b"], [1.0], [1.0]), ("a",), r"the variations \['b'\], but declares \['a'\]"),
        ((1.0, 1.0, 1.0), ("a", "b"), "did not return all of sf_aUp, sf_aDown, sf_bUp, sf_bDown"),
        (WeightDataMultiVariation("sf", 1.0, ["a"], [1.0], [1.0]), ("a", "b"), r"the variations \['a'\], but declares"),
        (WeightDataMultiVariation("sf", 1.0, ["a"], [1.0], []), ("a",), "did not return all of sf_aUp, sf_aDown"),
        (WeightDataMultiVariation("sf", 1.0, ["a"], [1.0, 1.0], [1.0]), ("a",), "did not return all of sf_aUp"),
    ],
)
def test_wrong_variations(result: Any, variations: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=f"weight 'sf' .*{message}"):
        evaluate(weight(result, has_variations=True, variations=variations))


def test_a_class_of_its_own() -> None:
    class Squared(WeightWrapper):
        name = "squared"
        has_variations = True

        def __init__(self, params: Any, metadata: Any) -> None:
            super().__init__(params, metadata)
            # which variations there are may follow from the parameters
            self._variations = self._params["sources"]

        def compute(self, events: Any, size: int, shape_variation: str) -> WeightDataMultiVariation:
            values = events.x ** self._metadata["power"]
            return WeightDataMultiVariation(self.name, values, self.variations, [values + 1], [values - 1])

    assert evaluate(Squared({"sources": ["stat"]}, {"power": 2})) == (
        [1.0, 4.0, 9.0],
        {"squared_statUp": [2.0, 5.0, 10.0], "squared_statDown": [0.0, 3.0, 8.0]},
    )


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda events, size: 1.0, "too many positional arguments"),
        (lambda params, metadata, events, size, shape_variation, other: 1.0, "missing a required argument: 'other'"),
        (1.0, "1.0 is not a callable object"),
    ],
)
def test_a_function_of_other_arguments(function: Any, reason: str) -> None:
    begin = r"weight 'w': function must take \(params, metadata, events, size, shape_variation\): "
    with pytest.raises(ConfigError, match=f"^{begin}{reason}$"):
        WeightLambda.wrap_func("w", function)
    # a compiled function has no signature
    assert WeightLambda.wrap_func("w", max).name == "w"


def test_a_weight_without_compute() -> None:
    class Empty(WeightWrapper):
        name = "empty"

    with pytest.raises(NotImplementedError, match=r"weight 'empty' has no compute\(\)"):
        Empty({}, {}).evaluate(EVENTS, N, "nominal")


def follower(result: Any) -> WeightWrapper:
    class Follower(WeightWrapper):
        name = "calib"
        follows = "sf_btag"

        def compute_following(self, events: Any, size: int, keys: Any) -> Any:
            asked.append((len(events), size, keys))
            return result

    asked: list[Any] = []
    weight = Follower({}, {})
    weight.asked = asked  # type: ignore[attr-defined]
    return weight


def test_variations_of_the_weight_that_is_followed() -> None:
    weight = follower({"hf_up": [1, 2, 3], "lf_down": 0.5, "more": 7.0})
    found = weight.evaluate_following(EVENTS, N, ["sf_btag_hfUp", "sf_btag_lfDown"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "sf_btag_hfUp": [1.0, 2.0, 3.0],
        "sf_btag_lfDown": [0.5] * 3,
    }
    assert weight.asked == [(3, 3, ("hf_up", "lf_down"))]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"hf_up": 1.0}, "weight 'calib' follows 'sf_btag', but did not return hf_down for it"),
        ({"hf_up": 1.0, "hf_down": [1.0, 2.0]}, r"weight 'calib' \(sf_btag_hfDown\) has shape \(2,\), expected \(3,\)"),
        ({"hf_up": np.nan, "hf_down": 1.0}, r"weight 'calib' \(sf_btag_hfUp\) is not finite for 3 of 3 events"),
    ],
)
def test_wrong_variations_of_the_weight_that_is_followed(result: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        follower(result).evaluate_following(EVENTS, N, ["sf_btag_hfUp", "sf_btag_hfDown"])
