from __future__ import annotations

import collections
import contextvars
import datetime
import functools
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.base.fingerprint import digest, fingerprint
from pocket.errors import ConfigError
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import digest_in

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Colour(Enum):
    RED = 1
    BLUE = 2


class Level(IntEnum):
    LOW = 1


class Edge(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Axis:
    field: str
    bins: int
    label: str = field(default="", metadata={"fingerprint": False})
    ticks: dict[str, int] = field(default_factory=dict, metadata={"fingerprint": "given"})


@dataclass(frozen=True)
class OtherAxis:
    field: str
    bins: int


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    @functools.cached_property
    def doubled(self) -> int:
        return 2 * int(self.__dict__["value"])


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


class Text(str):
    __slots__ = ()


class Custom:
    def __init__(self, name: str, lock: object) -> None:
        self.name = name
        self.lock = lock

    def __fingerprint__(self) -> object:
        return self.name


class Defaults(collections.defaultdict[str, float]):
    """Table of the user's own."""


@check_each(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        ("a", b"a"),
        (None, "None"),
        (0.1, 0.1 + 1e-17 * 4),
        (0.0, -0.0),
        ([1, 2], [2, 1]),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        (["a", "b"], ["a\nb"]),
        ({"a": 1}, {"a": 2}),
        ({"a": "b"}, {"b": "a"}),
        ({1, 2}, {1, 3}),
        (Colour.RED, Colour.BLUE),
        (Level.LOW, 1),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (datetime.date(2018, 1, 1), datetime.date(2018, 1, 2)),
        (re.compile("a" * 300), re.compile("a" * 301)),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (slice(1, 2), slice(1, 3)),
        (np.arange(3), np.arange(3.0)),
        (np.arange(4), np.arange(4).reshape(2, 2)),
        (np.zeros(2000), np.concatenate([np.zeros(1000), [1], np.zeros(999)])),
        (np.float32(0.5), np.float64(0.5)),
        (np.array(["a", None], dtype=object), np.array(["b", None], dtype=object)),
        (Axis("pt", 3), Axis("pt", 4)),
        (Axis("pt", 3), Axis("pt", 3, ticks={"minor": 2})),
        (Axis("pt", 3, ticks={"minor": 1}), Axis("pt", 3, ticks={"minor": 2})),
        (Axis("pt", 3), OtherAxis("pt", 3)),
        (Plain(value=1), Plain(value=2)),
        (Plain(value=1), Plain(other=1)),
        (Slotted(1), Slotted(2)),
        (Text("a"), Text("b")),
        (Edge(0, 1), Edge(0, 2)),
        (Edge(0, 1), (0, 1)),
        (Custom("a", None), Custom("b", None)),
        (int, float),
        (len, sum),
        (np.add, np.subtract),
        (scipy.special.expit, scipy.special.logit),
        (list[int], list[float]),
        (str.upper, str.lower),
        (np.concatenate, np.stack),
        (logging, json),
        (Plain(value=1).__init__, Plain(value=2).__init__),
        ("a".join, "b".join),
        # the order of a dict may decide what code does that goes through it
        ({"a": {3, 2}, "b": [1]}, {"b": [1], "a": {2, 3}}),
        # what is missing in a table has a value, too
        (collections.defaultdict(lambda: 1.0, a=0.9), collections.defaultdict(lambda: 2.0, a=0.9)),
        (collections.defaultdict(int), collections.defaultdict(None)),
        (Defaults(int, a=1), Defaults(float, a=1)),
    ],
)
def test_different_objects_differ(one: object, other: object) -> None:
    assert digest(one) != digest(other)


def with_cached_property() -> Plain:
    instance = Plain(value=1)
    assert instance.doubled == 2
    return instance


@check_each(
    ("one", "other"),
    [
        ({"a": {3, 2}, "b": [1]}, {"a": {2, 3}, "b": [1]}),
        ({"a": 1}, collections.OrderedDict(a=1)),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({1, 2}, frozenset({2, 1})),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a\\b")),
        (Axis("pt", 3, "$p_T$"), Axis("pt", 3, "pt [GeV]")),
        (Axis("pt", 3), Axis("pt", 3, ticks={})),
        (Plain(value=1), with_cached_property()),
        (Custom("a", threading.Lock()), Custom("a", threading.Lock())),
        (logging.getLogger("a"), logging.getLogger("b")),
        (contextvars.ContextVar("a"), contextvars.ContextVar("b", default=1)),
        (object(), object()),
    ],
)
def test_equal_content_has_one_digest(one: object, other: object) -> None:
    assert digest(one) == digest(other)


@settings(max_examples=60)
@given(PLAIN, PLAIN)
def test_digest_tells_plain_values_apart_as_json_does(one: object, other: object) -> None:
    same = json.dumps(one) == json.dumps(other)
    assert (digest(one) == digest(other)) == same
    assert digest(one) == digest(json.loads(json.dumps(one)))


def test_omegaconf_counts_as_what_it_resolves_to() -> None:
    parameters = OmegaConf.create({"a": [1, {"b": "${c}"}], "c": "2"})
    assert digest(parameters) == digest({"a": [1, {"b": "2"}], "c": "2"})
    assert digest(parameters.a) == digest([1, {"b": "2"}])
    assert digest(parameters) != digest(OmegaConf.merge(parameters, {"c": "3"}))


def test_fingerprint_is_the_beginning_of_the_digest() -> None:
    assert fingerprint({"a": 1}) == digest({"a": 1})[:12]
    assert re.fullmatch("[0-9a-f]{64}", digest(1))


def test_dataclass_of_the_users_counts_with_its_methods() -> None:
    source = """
    from dataclasses import dataclass, field
    @dataclass(frozen=True)
    class Weight:
        name: str
        bins: list = field(default_factory=list)
        def compute(self, x): return x * {factor}
    """
    one, same, other = (digest_in("Weight('a')", source.format(factor=factor)) for factor in (1, 1, 2))
    assert one == same
    assert one != other


@check_each(
    ("build", "place", "kind"),
    [
        (lambda bad: {"weights": {"common": {"inclusive": [1, 2, bad]}}}, r"weights\.common\.inclusive\[2\]", "lock"),
        (lambda bad: [Axis(bad, 2)], r"\[0\]\.field", "lock"),
        (lambda bad: {"a b": bad}, r"\['a b'\]", "lock"),
        (lambda bad: {"f": functools.partial(print, bad)}, r"f\.args\[0\]", "lock"),
        (lambda bad: Plain(inner=Plain(thing=bad)), r"inner\.thing", "lock"),
        (lambda bad: [lambda: bad], r"\[0\] -> bad", "lock"),
        (lambda bad: lambda: bad, "the object -> bad", "lock"),
        (lambda bad: bad, "the object", "lock"),
        (lambda bad: np.frompyfunc(lambda x: x, 1, 1), "the object", "ufunc"),
        (lambda bad: (x for x in ()), "the object", "generator"),
    ],
)
def test_unknown_types_are_named_with_their_place(build: Callable[[object], object], place: str, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"^{place} can't be fingerprinted: its type [a-z_.]*{kind} "):
        digest(build(threading.Lock()))


def test_unresolvable_interpolation_names_its_place() -> None:
    with pytest.raises(ConfigError, match=r"^parameters can't be resolved: .*nowhere"):
        digest({"parameters": OmegaConf.create({"a": "${nowhere}"})})


CROSS_PROCESS = """
import functools, pathlib, numpy as np
from omegaconf import OmegaConf
from pocket.base.fingerprint import digest
import lib

namespace = {}
exec("def no_source(x): return x in {'a', 'b', 'c', 'd'}", namespace)
print(digest({
    "set": {"a", "b", "c", ("d", frozenset("efg"))},
    "dict": {name: {name} for name in ("x", "y", "z")},
    "omega": OmegaConf.create({"a": [1, "${b}"], "b": 2}),
    "cut": lib.cut, "array": np.linspace(0, 1, 5),
    "class": lib.Workflow, "instance": lib.Workflow(), "method": lib.Workflow().run,
    "partial": functools.partial(lib.cut, params={1, 2}), "lambdas": lib.lambdas, "exec": namespace["no_source"],
}))
"""
LIBRARY = """
import json
NAMES = {"e", "mu", "tau"}
lambdas = [lambda x: x in {"a", "b", "c"}, lambda x: x in NAMES]
def cut(events, params): return even(3) and json.dumps(events) > 2
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
class Workflow:
    tags = {"a", "b", "c"}
    def run(self): return cut(self, {}), super().__init__()
"""


def test_digest_is_the_same_in_every_process(tmp_path: pathlib.Path) -> None:
    (tmp_path / "lib.py").write_text(LIBRARY)
    root = pathlib.Path(__file__).parents[4]
    digests = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{tmp_path}:{root}"}
        command = [sys.executable, "-c", CROSS_PROCESS]
        digests.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(digests) == 1
    assert re.fullmatch("[0-9a-f]{64}\n", digests.pop())
