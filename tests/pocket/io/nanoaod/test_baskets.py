from __future__ import annotations

import lzma
import re
import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.io.nanoaod import baskets
from pocket.io.nanoaod.baskets import Part, read_numbers
from pocket.io.nanoaod.packing import Packing
from pocket.io.nanoaod.read_ahead import ReadAhead
from pocket.io.nanoaod.ttree import Column
from pocket.io.remote.client import open_root
from tests.real_files import LARGEST, real_file

TYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
COMPRESSIONS = {
    "none": None,
    "zlib": uproot.ZLIB(1),
    "lzma": uproot.LZMA(1),
    "lz4": uproot.LZ4(1),
    "zstd": uproot.ZSTD(1),
}
#: entries of each basket
BASKETS = (7, 1, 40, 12)


def same(found: ak.Array, expected: ak.Array) -> bool:
    # without parameters: uproot names lists of characters
    equal = ak.array_equal(found, expected, equal_nan=True, dtype_exact=True, check_parameters=False)
    return bool(equal) and isinstance(found.layout, type(expected.layout))


def read(branch: Any, start: int, stop: int, packing: Packing | None = None) -> ak.Array | None:
    column = Column.of(branch)
    source = ReadAhead(branch.file.source)
    return None if column is None else read_numbers([Part(source, column, start, stop, packing)])


@pytest.fixture(scope="module", params=COMPRESSIONS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with numbers and lists of all types, in several baskets."""
    path = tmp_path_factory.mktemp("baskets") / f"{request.param}.root"
    rng = np.random.default_rng(1)
    types = {name: np.dtype(name) for name in TYPES}
    columns: dict[str, Any] = dict(types) | {f"many_{name}": f"var * {name}" for name in TYPES}
    with uproot.recreate(path, compression=COMPRESSIONS[request.param]) as file:
        file.mktree("Events", columns)
        for size in BASKETS:
            # few values, so that all are compressed
            numbers = {name: rng.integers(0, 3, size).astype(kind) for name, kind in types.items()}
            counts = rng.integers(0, 4, size)
            lists = {
                f"many_{name}": ak.unflatten(rng.integers(0, 2, counts.sum()).astype(kind), counts)
                for name, kind in types.items()
            }
            file["Events"].extend(numbers | lists)
    return path


@given(st.data())
@settings(max_examples=40)
def test_any_range_of_any_type(written: Path, data: st.DataObject) -> None:
    with uproot.open(written) as file:
        tree = file["Events"]
        name = data.draw(st.sampled_from([*TYPES, *(f"many_{name}" for name in TYPES)]))
        assert tree[name].num_baskets == len(BASKETS)
        start = data.draw(st.integers(0, sum(BASKETS) - 1))
        stop = data.draw(st.integers(start + 1, sum(BASKETS)))
        expected = tree[name].array(entry_start=start, entry_stop=stop)
        found = read(tree[name], start, stop)
        assert found is not None
        assert same(found, expected)
        keep = data.draw(st.lists(st.booleans(), min_size=stop - start, max_size=stop - start))
        kept = read(tree[name], start, stop, Packing(np.array(keep)))
        assert kept is not None
        assert same(kept, ak.to_packed(expected[np.array(keep)]))


def test_no_entries(written: Path) -> None:
    with uproot.open(written) as file:
        for name in ("int32", "many_int32"):
            found = read(file["Events"][name], 5, 5)
            assert found is None or same(found, file["Events"][name].array(entry_start=5, entry_stop=5))


@pytest.mark.parametrize(
    "name",
    [
        "nano_tt_v12.root",
        *(pytest.param(f"nano_{each}.root", marks=pytest.mark.slow) for each in ("dy", "dimuon")),
        LARGEST,
    ],
)
def test_every_branch_of_real_files(name: str) -> None:
    # with the source that is used for local files
    with open_root(str(real_file(name))) as file:
        tree = file["Events"]
        entries = int(tree.num_entries)
        for start, stop in ((0, entries), (entries // 3, entries - 1)):
            number = 0
            for branch in tree.branches:
                found = read(branch, start, stop)
                if found is not None:
                    number += 1
                    assert same(found, branch.array(entry_start=start, entry_stop=stop)), branch.name
            # the others hold text
            assert number > 0.99 * len(tree.branches)


def test_other_kinds_are_left_to_uproot(tmp_path: Path) -> None:
    path = tmp_path / "others.root"
    columns = {"text": ["a", "bc"], "fixed": np.ones((2, 3)), "number": np.ones(2)}
    with uproot.recreate(path) as file:
        file.mktree("Events", {"text": "string", "fixed": "3 * float64", "number": "float64"})
        file["Events"].extend(columns)
        file.mkrntuple("Fields", {"number": "float64"})
    with uproot.open(path) as file:
        assert Column.of(file["Fields"]["number"]) is None
        tree = file["Events"]
        assert Column.of(tree["fixed"]) is None
        assert Column.of(tree["text"]) is None
        assert read(tree["number"], 0, 2) is not None


@pytest.mark.slow
@given(st.data())
@settings(max_examples=40)
def test_damaged_baskets(written: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "damaged.root"
    shutil.copyfile(written, path)
    name = data.draw(st.sampled_from(["int32", "many_float32"]))
    with uproot.open(path) as file:
        branch = file["Events"][name]
        number = data.draw(st.integers(0, len(BASKETS) - 1))
        begin, size = int(branch.member("fBasketSeek")[number]), int(branch.basket_compressed_bytes(number))
    content = bytearray(path.read_bytes())
    content[begin + data.draw(st.integers(0, size - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    # all entries, or some of each basket with gaps between them
    gap = data.draw(st.booleans())
    keep = np.concatenate([(np.arange(size) % 2 == 0) | (not gap) for size in BASKETS])
    with uproot.open(path) as file:
        branch = file["Events"][name]
        try:
            expected = ak.to_packed(branch.array()[keep])
        except Exception:
            expected = None
        try:
            found = read(branch, 0, sum(BASKETS), Packing(keep))
        except Exception as error:
            # what uproot's own code raised tells that the file is bad
            traceback, modules = error.__traceback__, []
            while traceback is not None:
                modules.append(traceback.tb_frame.f_globals["__name__"])
                traceback = traceback.tb_next
            assert any(module.startswith("uproot.") for module in modules)
            return
        if found is not None:
            assert expected is not None
            assert same(found, expected)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 40])
def test_lists_that_are_copied_in_blocks(tmp_path: Path, length: int) -> None:
    rng = np.random.default_rng(length)
    lists = ak.unflatten(rng.random(length * 30, dtype=np.float32), np.full(30, length))
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"x": "var * float32"})
        file["Events"].extend({"x": lists})
    for keep in (np.arange(30) % 3 > 0, np.arange(30) == 29, np.zeros(30, dtype=np.bool_)):
        with uproot.open(tmp_path / "a.root") as file:
            found = read(file["Events"]["x"], 0, 30, Packing(keep))
        assert found is not None
        assert found.to_list() == lists[keep].to_list()


@pytest.mark.parametrize(
    ("version", "library"), [("5.2.5", "cramjam"), ("5.4.1", "lzma"), ("5.8.1", "lzma"), ("", "lzma")]
)
def test_library_for_lzma(version: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baskets, "liblzma_version", lambda: version)
    baskets.xz_library.cache_clear()
    try:
        assert baskets.xz_library() == library
        content = np.random.default_rng(1).normal(size=5000).astype(np.float32).tobytes()
        block = lzma.compress(content)
        assert baskets.UNPACK[b"XZ"](memoryview(block), len(content)) == content
        with pytest.raises(baskets._DAMAGED):
            baskets.UNPACK[b"XZ"](memoryview(block[:40] + b"damaged" + block[47:]), len(content))
    finally:
        baskets.xz_library.cache_clear()


def test_version_of_liblzma_is_that_of_the_loaded_one() -> None:
    loaded = [line for line in Path("/proc/self/maps").read_text().splitlines() if "/liblzma.so" in line]
    version = baskets.liblzma_version()
    assert bool(version) == bool(loaded)
    assert re.fullmatch(r"(\d+\.\d+\.\d+\w*)?", version)
