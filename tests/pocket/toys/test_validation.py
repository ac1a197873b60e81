from __future__ import annotations

from dataclasses import dataclass

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.toys.validation import Fraction, Positive, build
from tests.entries import check_each


@dataclass(frozen=True)
class Inner:
    fraction: Fraction
    sections: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Outer:
    name: str
    number: float
    mass: Positive
    inner: Inner


def _plain(**changes):
    return {"name": "a", "number": -2, "mass": 1, "inner": {"fraction": 1, "sections": [[1, 2], [4, 9]]}} | changes


def test_nested_values():
    built = build(Outer, _plain(), "top", "file.yaml")
    assert built == Outer("a", -2.0, Positive(1.0), Inner(Fraction(1.0), ((1, 2), (4, 9))))
    assert type(built.number) is float


@check_each(
    ("changes", "message"),
    [
        ({"name": 3}, "file.yaml: top.name is 3, expected str"),
        ({"number": "3"}, "top.number is '3', expected float"),
        ({"number": True}, "top.number is True"),
        ({"number": float("nan")}, "top.number is nan"),
        ({"mass": 0}, "top.mass is 0, expected a positive number"),
        ({"inner": 1}, "top.inner is 1, expected a mapping"),
        ({"inner": {"fraction": 1.1, "sections": []}}, "top.inner.fraction is 1.1, expected a fraction"),
        ({"inner": {"fraction": 0, "sections": 3}}, "top.inner.sections is 3, expected a list"),
        ({"inner": {"fraction": 0, "sections": [[1]]}}, r"sections\[0\] has 1 values, expected 2"),
        ({"inner": {"fraction": 0, "sections": [[1, 2.5]]}}, r"sections\[0\]\[1\] is 2.5, expected int"),
        ({"inner": {"fraction": 0}}, "top.inner.sections is missing"),
    ],
)
def test_wrong_values(changes, message):
    with pytest.raises(ConfigError, match=message):
        build(Outer, _plain(**changes), "top", "file.yaml")


def test_unknown_key():
    with pytest.raises(UnknownNameError, match=r"'top\.nam' in file\.yaml, did you mean 'top\.name'"):
        build(Outer, _plain(nam=1), "top", "file.yaml")


@dataclass(frozen=True)
class Optional:
    number: float
    inner: Inner | None = None


def test_a_part_may_be_left_out():
    inner = {"fraction": 0.5, "sections": []}
    assert build(Optional, {"number": 1}, "top", "file.yaml") == Optional(1.0)
    assert build(Optional, {"number": 1, "inner": inner}, "top", "file.yaml") == Optional(1.0, Inner(0.5, ()))
    with pytest.raises(ConfigError, match=r"file\.yaml: top\.inner\.fraction is 2, expected a fraction"):
        build(Optional, {"number": 1, "inner": inner | {"fraction": 2}}, "top", "file.yaml")
