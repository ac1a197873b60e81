from __future__ import annotations

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.configuration.plain_values import describe_code, plain
from pocket.cuts.cut import Cut
from pocket.weights import WeightLambda, WeightWrapper
from tests.entries import check_each

FILE = "tests/pocket/configuration/test_plain_values.py"


class Side(Enum):
    """A side."""

    UP = "up"


@dataclasses.dataclass(frozen=True)
class Options:
    """Some options."""

    low: float
    names: tuple[str, ...]


class Opaque:
    """Holds something."""

    def __init__(self, value: int) -> None:
        self.value = value


class Threshold(Opaque):
    """Can be called."""

    def __call__(self, values: Any) -> Any:
        """Compare."""
        return values > self.value


def at_least(values: Any, minimum: float = 0.0) -> Any:
    """Keep large values.

    More about it.
    """
    return values >= minimum


def make(limit: float) -> Any:
    def inner(values: Any) -> Any:
        return values > limit

    return inner


cached = functools.cache(at_least)
positive = lambda values: values > 0  # noqa: E731


def line_of(obj: Any) -> str:
    return f"{FILE}:{inspect.getsourcelines(obj)[1]}"


@check_each(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("x", "x"),
        (Side.UP, "UP"),
        (PurePosixPath("a/b"), "a/b"),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (OmegaConf.create({"a": [1, "${b}"], "b": 2}), {"a": [1, 2], "b": 2}),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({1: {"z": 1, "a": 2}}, {"1": {"z": 1, "a": 2}}),
        ({"z", "b", "a"}, ["a", "b", "z"]),
        (range(3), [0, 1, 2]),
        (Options(0.5, ("a", "b")), {"low": 0.5, "names": ["a", "b"]}),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected
    # order counts
    assert json.dumps(plain(value)) == json.dumps(expected)


def test_other_objects_are_told_apart_by_content_not_by_address() -> None:
    first = plain({"option": Opaque(1)})
    assert first["option"]["type"] == f"{__name__}.Opaque"
    assert first == plain({"option": Opaque(1)})
    assert first != plain({"option": Opaque(2)})


def test_function() -> None:
    described = describe_code(at_least)
    assert described.pop("hash")
    assert described == {
        "name": "at_least",
        "module": __name__,
        "source": line_of(at_least),
        "doc": "Keep large values.",
    }
    assert plain(Cut("large", {"x": 1}, at_least))["function"] == describe_code(at_least)


def test_lambda_shows_its_line() -> None:
    assert describe_code(positive)["code"] == "positive = lambda values: values > 0  # noqa: E731"


def test_partial_shows_what_is_bound() -> None:
    described = describe_code(functools.partial(at_least, minimum=2.0))
    assert described["source"] == line_of(at_least)
    assert described["bound"] == [{"minimum": 2.0}]
    assert described["hash"] != describe_code(functools.partial(at_least, minimum=3.0))["hash"]


@pytest.mark.parametrize("obj", [cached, functools.partial(cached)])
def test_decorated_function_is_found(obj: Any) -> None:
    assert describe_code(obj)["source"] == line_of(at_least)


def test_method_and_instance_with_call_are_found() -> None:
    method = describe_code(Threshold(1).__call__)
    assert (method["name"], method["source"]) == ("Threshold.__call__", line_of(Threshold.__call__))
    instance = describe_code(Threshold(1))
    assert (instance["name"], instance["source"]) == ("Threshold", line_of(Threshold))
    assert instance["hash"] != describe_code(Threshold(2))["hash"]


def test_hash_is_of_the_content() -> None:
    assert describe_code(make(1.0)) == describe_code(make(1.0))
    assert describe_code(make(1.0))["hash"] != describe_code(make(2.0))["hash"]


def test_class_that_a_call_makes_is_described_by_the_one_in_the_file() -> None:
    def constant(value: float) -> Callable[..., float]:
        def weight(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> float:
            return value

        return weight

    weights = [WeightLambda.wrap_func("w", constant(value)) for value in (1.0, 2.0)]
    first, second = map(describe_code, weights)
    assert first["name"] == "WeightLambda"
    assert first["source"].startswith("pocket/weights/base.py:")
    assert first["hash"] != second["hash"]


def test_class_in_a_package_file() -> None:
    import tests.tasks.small as package

    described = describe_code(package.MuonProcessor)
    line = inspect.getsourcelines(package.MuonProcessor)[1]
    assert described["source"] == f"tests/tasks/small/__init__.py:{line}"
    assert described["name"] == "MuonProcessor"


def test_library_function_has_a_hash_too() -> None:
    assert {"name": "sqrt", "module": "math"}.items() <= describe_code(__import__("math").sqrt).items()
    assert describe_code(WeightWrapper)["module"] == "pocket.weights.base"
