from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.io.nanoaod import ttree as trees
from pocket.io.nanoaod.ttree import Column, read_tree
from pocket.io.remote.client import open_root
from tests.real_files import LARGEST, real_file


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_dimuon.root", "nano_tt_v12.root", LARGEST])
def test_real_files_against_uproot(name: str) -> None:
    with open_root(str(real_file(name))) as file:
        found = read_tree(file, "Events")
        assert found is not None
        tree, leaves = found
        expected = file["Events"]
        assert tree.num_entries == expected.num_entries
        assert list(leaves) == [branch.name for branch in expected.branches]
        for branch in expected.branches:
            assert leaves[branch.name].column == Column.of(branch), branch.name
            (leaf,) = branch.member("fLeaves")
            leaf_class, title, elements, unsigned, is_list = leaves[branch.name].kind
            assert (leaf_class, title) == (leaf.classname, leaf.member("fTitle"))
            assert (elements, unsigned) == (leaf.member("fLen"), leaf.member("fIsUnsigned"))
            assert is_list == (leaf.member("fLeafCount") is not None)


TYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def write(path: Path, compression: uproot.compression.Compression | None = None) -> None:
    """Write branches of all kinds, in two baskets."""
    with uproot.recreate(path, compression=compression) as file:
        kinds = {name: name for name in TYPES} | {"fixed": "3 * float64", "lists": "var * float32", "x" * 300: "int32"}
        file.mktree("Events", kinds, title="a tree")
        for size in (5, 3):
            columns = {name: np.zeros(size, dtype=kind) for name, kind in kinds.items() if "*" not in kind}
            file["Events"].extend(columns | {"fixed": np.zeros((size, 3)), "lists": ak.Array([[1.0]] * size)})


@pytest.mark.parametrize("compression", [None, uproot.ZSTD(5)])
def test_any_type(tmp_path: Path, compression: uproot.compression.Compression | None) -> None:
    write(tmp_path / "a.root", compression)
    with uproot.open(tmp_path / "a.root") as file:
        found = read_tree(file, "Events")
        assert found is not None
        columns = {name: leaf.column for name, leaf in found[1].items()}
        assert columns == {branch.name: Column.of(branch) for branch in file["Events"].branches}
        assert columns["fixed"] is None
        assert columns["lists"] is not None
        assert columns["lists"].is_list
        assert columns["uint16"] == Column(
            "uint16", np.dtype(">u2"), False, [0, 5, 8], Column.of(file["Events"]["uint16"]).places
        )


def test_what_is_left_to_uproot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.root")
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mkrntuple("Fields", {"x": "float64"})
    with uproot.open(tmp_path / "b.root") as file:
        assert read_tree(file, "Fields") is None
    with uproot.open(tmp_path / "a.root") as file:
        assert read_tree(file, "Events") is not None
        with monkeypatch.context() as patch:
            patch.setattr(trees, "_BRANCH_VERSION", 14)
            assert read_tree(file, "Events") is None
        monkeypatch.delitem(trees._TYPES, "TLeafF")
        assert read_tree(file, "Events") is None


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Column | None], range]:
    """A file, its columns, and where the tree is in it."""
    path = tmp_path_factory.mktemp("trees") / "a.root"
    write(path)
    with uproot.open(path) as file:
        key, found = file.key("Events"), read_tree(file, "Events")
        begin, size = key.data_cursor.index, key.data_compressed_bytes
    assert found is not None
    return path, {name: leaf.column for name, leaf in found[1].items()}, range(begin, begin + size)


@given(st.data())
@settings(max_examples=60)
def test_damaged_trees(
    written: tuple[Path, dict[str, Column | None], range], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    original, expected, place = written
    path = tmp_path_factory.mktemp("damaged") / "a.root"
    content = bytearray(original.read_bytes())
    # names and titles may be others; where and how long things are must not lead to another column
    content[data.draw(st.sampled_from(place))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with uproot.open(path) as file:
        try:
            by_uproot = {branch.name: Column.of(branch) for branch in file["Events"].branches}
        except Exception:
            by_uproot = None
        found = read_tree(file, "Events")
        if found is not None and by_uproot is not None:
            columns = {name: leaf.column for name, leaf in found[1].items()}
            for name in columns.keys() & by_uproot.keys():
                assert columns[name] in (None, by_uproot[name], expected.get(name))
