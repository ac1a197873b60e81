from __future__ import annotations

import contextlib
import copyreg
import io
import json
import mmap
import os
import queue
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest
import scipy.interpolate as si
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.base.fingerprint import digest
from pocket.base.fingerprint.names import names_in
from pocket.errors import ConfigError
from tests.entries import check_each
from tests.law_runner import ROOT
from tests.pocket.base.fingerprint.reduced_objects import MADE, Make, Use, digests, histogram
from tests.pocket.base.fingerprint.sources import digest_in

SCRIPT = """
import json
from tests.pocket.base.fingerprint.reduced_objects import digests
print(json.dumps(dict(digests())))
"""
FLOATS = st.floats(allow_nan=False, width=32)
LISTS = st.lists(st.lists(st.none() | FLOATS, max_size=3), min_size=1, max_size=3)


@check_each(("make", "use"), MADE.values(), ids=MADE)
def test_objects_count_by_their_content(make: Make, use: Use) -> None:
    made = make(1)
    before = digest(made)
    assert digest(make(1)) == before != digest(make(2))
    use(made)
    assert digest(made) == before


@pytest.mark.parametrize("seed", ["0", "77"])
def test_content_has_the_same_digest_in_other_processes(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    printed = subprocess.check_output([sys.executable, "-c", SCRIPT], env=environment, text=True)
    assert json.loads(printed) == dict(digests())


@settings(max_examples=60, deadline=None)
@given(LISTS, LISTS)
def test_jagged_arrays_differ_as_their_lists_do(one: Any, other: Any) -> None:
    first, second = ak.Array(one), ak.Array(other)
    same = one == other and str(np.signbit(ak.flatten(first))) == str(np.signbit(ak.flatten(second)))
    # lists that are equal have one type
    assert (digest(first) == digest(second)) == same
    assert digest(ak.concatenate([first, second])[: len(first)]) == digest(ak.Array(one + other)[: len(one)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FLOATS, st.booleans()), min_size=1, max_size=4), st.integers(0, 3), FLOATS)
def test_masked_arrays_differ_by_values_and_masks(items: list[tuple[float, bool]], place: int, value: float) -> None:
    values, mask = (list(column) for column in zip(*items, strict=True))
    before = digest(np.ma.masked_array(values, mask))
    place %= len(values)
    other = [*values[:place], value, *values[place + 1 :]]
    same = np.array(other).tobytes() == np.array(values).tobytes()
    assert (digest(np.ma.masked_array(other, mask)) == before) == same
    mask[place] = not mask[place]
    assert digest(np.ma.masked_array(values, mask)) != before


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), st.integers(0, 3), st.floats(-1e6, 1e6))
def test_interpolations_differ_by_their_points(values: list[float], place: int, value: float) -> None:
    x = np.arange(4.0)
    other = [*values[:place], value, *values[place + 1 :]]
    same = np.array(other).tobytes() == np.array(values).tobytes()
    for make in (si.interp1d, si.CubicSpline, si.InterpolatedUnivariateSpline):
        if make is si.interp1d or not np.allclose(values, other):
            assert (digest(make(x, values)) == digest(make(x, other))) == same


def test_data_frames_count_by_their_content() -> None:
    pandas = pytest.importorskip("pandas")
    columns = {"a": [1, 2], "b": ["x", "y"], "c": pandas.to_datetime(["2020-01-01", "2021-01-01"])}
    frame = pandas.DataFrame(columns)
    before = digest(frame)
    assert digest(pandas.DataFrame(columns)) == before
    repr(frame), frame.describe(), frame["c"].dt.year, frame.loc[0]
    assert digest(frame) == before
    others = [
        pandas.DataFrame(columns | {"a": [1, 3]}),
        pandas.DataFrame(columns | {"b": ["x", "z"]}),
        pandas.DataFrame(columns | {"c": columns["c"][::-1]}),
        pandas.DataFrame(columns | {"a": [1.0, 2.0]}),
        pandas.DataFrame(columns, index=[1, 2]),
        frame.rename(columns={"a": "d"}),
        frame["a"],
        frame["a"].rename("b"),
        frame["b"].astype("category"),
    ]
    assert len({before, *map(digest, others)}) == len(others) + 1


def test_functions_in_objects_count_with_all_they_use() -> None:
    source = """
        import collections
        import numpy as np
        LIMIT = 30
        def limit(): return LIMIT
        at_once = np.vectorize(lambda x: x > limit())
        several = collections.deque([at_once])
        def cut(x): return several[0](x)
        """
    assert digest_in("cut", source) == digest_in("cut", source) != digest_in("cut", source.replace("30", "25"))


def test_how_other_libraries_store_objects_has_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(ValueError(1))
    # as those of Dask do for errors
    monkeypatch.setitem(copyreg.dispatch_table, ValueError, lambda error: (ValueError, (2,)))
    assert digest(ValueError(1)) == before


def test_names_in_objects_are_names() -> None:
    assert {"pt", "label"} <= names_in({"histogram": histogram(1)})


def test_generators_count_by_their_state() -> None:
    generator = np.random.default_rng(1)
    before = digest(generator)
    generator.random()
    assert digest(generator) != before
    # without a seed, no two are the same
    assert digest(np.random.default_rng()) != digest(np.random.default_rng())
    assert digest(random.Random()) != digest(random.Random())


def test_generators_of_libraries_count_by_name() -> None:
    before = digest([np.random.uniform, random.uniform])
    np.random.uniform()
    random.uniform(0, 1)
    assert digest([np.random.uniform, random.uniform]) == before
    assert digest(np.random.uniform) != digest(np.random.normal)


@contextlib.contextmanager
def opened(path: Path) -> Any:
    with uproot.recreate(path) as file:
        file["h"] = np.histogram(np.arange(4.0))
    with uproot.open(path) as file:
        yield file


@check_each(
    ("make", "place"),
    [
        (threading.Lock, "the object"),
        (threading.Event, "_cond._lock"),
        (threading.local, "the object"),
        (queue.Queue, r".*"),
        (lambda: sqlite3.connect(":memory:"), "the object"),
        (lambda: mmap.mmap(-1, 4), "the object"),
        (lambda: weakref.ref(MADE["deque"][0](1)), "the object"),
        (weakref.WeakKeyDictionary, ".*"),
        (lambda: (x for x in ()), "the object"),
        (lambda: np.nditer(np.arange(3)), "the object"),
        (lambda: sys._getframe(), "the object"),
        (lambda: io.TextIOWrapper(io.BytesIO()), "the object"),
        (lambda: h5py.File("x", "w", driver="core", backing_store=False), "the object"),
    ],
)
def test_what_cannot_be_stored_is_refused(make: Callable[[], object], place: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{place} can't be fingerprinted: its type .* has no defined content; use"):
        digest(make())


def test_open_files_of_uproot_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "h.root") as file:
        with pytest.raises(
            ConfigError, match=r"^_file can't be fingerprinted: its type uproot\.reading\.ReadOnlyFile has"
        ):
            digest(file)
        # what was read of them isn't
        values, _ = file["h"].to_numpy()
        assert digest(values) == digest(np.array([1.0, 0, 0, 1, 0, 0, 1, 0, 0, 1]))


def test_sockets_and_files_are_refused() -> None:
    with socket.socket() as opened_socket, Path(os.devnull).open() as opened_file:
        for each in (opened_socket, opened_file):
            with pytest.raises(ConfigError, match=r"^the object can't be fingerprinted: its type"):
                digest(each)
