from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.errors import ConfigError
from pocket.weights import WeightData, WeightDataMultiVariation
from pocket.weights.event import common_weights
from tests.pocket.compat.test_workflow import configure


def own(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return events


def test_a_name_is_taken_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = WeightLambda.wrap_func("taken_by_a_function", own)
    assert WeightWrapper.weight_classes["taken_by_a_function"] is first
    with pytest.raises(ValueError, match="two weights are named 'taken_by_a_function': give one of them another name"):
        WeightLambda.wrap_func("taken_by_a_function", functools.partial(own))

    class One(WeightWrapper):
        name = "taken_by_a_class"

    with pytest.raises(ValueError, match="two weights are named 'taken_by_a_class'"):
        type("Two", (WeightWrapper,), {"name": "taken_by_a_class", "__module__": __name__})
    assert WeightWrapper.get_weight_class_from_name("taken_by_a_class") is One
    # shipped weights may be replaced
    assert WeightWrapper.weight_classes["genWeight"] in common_weights
    with pytest.raises(ValueError, match="nothing not found"):
        WeightWrapper.get_weight_class_from_name("nothing")


def test_a_module_that_is_loaded_again_defines_its_weights_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "weights_of_mine.py").write_text(
        "from pocket.compat.weight_classes import WeightLambda, WeightWrapper\n"
        "class Mine(WeightWrapper):\n    name = 'mine_again'\n"
        "made = WeightLambda.wrap_func('made_again', lambda params, metadata, events, size, shape_variation: 1.0)\n"
    )
    for _ in range(2):
        module = importlib.import_module("weights_of_mine")
        assert WeightWrapper.weight_classes["mine_again"] is module.Mine
        assert WeightWrapper.weight_classes["made_again"] is module.made
        del sys.modules["weights_of_mine"]


COLUMN = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (COLUMN, WeightData("w", COLUMN)),
        ([COLUMN], WeightData("w", COLUMN)),
        ((COLUMN, 2 * COLUMN, 3 * COLUMN), WeightData("w", COLUMN, 2 * COLUMN, 3 * COLUMN)),
        (WeightData("other", COLUMN, COLUMN), WeightData("w", COLUMN, COLUMN)),
        ((COLUMN, ["a"], [COLUMN], [COLUMN]), WeightDataMultiVariation("w", COLUMN, ["a"], [COLUMN], [COLUMN])),
        (
            WeightDataMultiVariation("other", COLUMN, ["a"], [COLUMN], [COLUMN]),
            WeightDataMultiVariation("w", COLUMN, ["a"], [COLUMN], [COLUMN]),
        ),
    ],
)
def test_results_have_one_form(result: Any, expected: Any) -> None:
    monkey = type("w", (WeightLambda,), {"function": staticmethod(lambda *args: result)})
    monkey.name = "w"
    found = monkey().compute(None, 2, "nominal")
    assert type(found) is type(expected)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("result", ["wrong", [1, 2, 3, 4], (), [1.0]])
def test_what_is_no_column_is_refused(result: Any) -> None:
    monkey = type("w", (WeightLambda,), {"function": staticmethod(lambda *args: result)})
    monkey.name = "w"
    with pytest.raises(ValueError, match="weight 'w' returned"):
        monkey().compute(None, 4, "nominal")


def test_a_weight_without_function_can_be_named() -> None:
    weight = WeightLambda.wrap_func("named_only", None)
    with pytest.raises(ConfigError, match="declared with function=None"):
        weight().compute(None, 1, "nominal")


def test_functions_with_other_arguments_are_errors_of_who_applies_them() -> None:
    older = WeightLambda.wrap_func("older", lambda events, size, metadata, shape_variation: [("older", events)])
    block = {"common": {"inclusive": ["genWeight"]}}
    assert "older" not in configure(weights=block, weights_classes=[older]).weights.classes
    block = {"common": {"inclusive": ["genWeight", "older"]}}
    with pytest.raises(ConfigError, match=r"weight 'older': function must take \(params, metadata, events"):
        configure(weights=block, weights_classes=[older])
