from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from uproot.writing._cascadetree import Tree

from pocket.io.nanoaod.writing import make_tree, without_times


@pytest.mark.parametrize(("names", "types"), [(None, ("uint32_t", "uint32_t")), (["nA"], ("uint32_t", "int32_t"))])
def test_types_of_counters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str] | None, types: tuple[str, str]
) -> None:
    headers = []
    write_anew = Tree.write_anew

    def note(tree: Any, sink: Any) -> None:
        headers.append(tree)
        write_anew(tree, sink)

    monkeypatch.setattr(Tree, "write_anew", note)
    columns = {name: ak.Array([[1, 2], [], [3]]) for name in ("A", "B")} | {"x": np.array([1, 2, 3], dtype=np.int32)}
    with uproot.recreate(tmp_path / "file.root") as file:
        declared = {name: ak.type(ak.Array(values)).content for name, values in columns.items()}
        tree = make_tree(file, "Events", declared, 2, names)
        for _ in range(2):
            tree.extend(columns)
        assert len(headers) == 1
        # uproot's own trees are as they were
        other = file.mktree("Others", {"A": declared["A"]})
        other.extend({"A": columns["A"]})
    with uproot.open(tmp_path / "file.root") as file:
        read = file["Events"]
        assert read.title == "Events"
        assert (read["nA"].typename, read["nB"].typename) == types
        assert read["x"].typename == "int32_t"
        assert read["nA"].array().to_list() == [2, 0, 1] * 2
        assert read["A"].array().to_list() == [[1, 2], [], [3]] * 2
        assert file["Others"]["nA"].typename == "int32_t"


def test_more_baskets_than_expected(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        tree = make_tree(file, "Events", {"A": ak.type(ak.Array([[1], []])).content}, 1)
        for number in range(5):
            tree.extend({"A": ak.Array([[number], []])})
    with uproot.open(tmp_path / "file.root") as file:
        assert file["Events"]["A"].array().to_list() == [row for number in range(5) for row in ([number], [])]
        assert file["Events"]["nA"].typename == "uint32_t"


def test_files_without_times_have_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime.datetime):
        ticks = 0

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Clock:
            cls.ticks += 1
            return cls(2024, 1, 1) + datetime.timedelta(hours=cls.ticks)

    for module in (uproot.writing._cascade, uproot.writing._cascadetree, uproot.writing.writable):
        monkeypatch.setattr(module.datetime, "datetime", Clock)

    def write() -> bytes:
        path = tmp_path / "file.root"
        with uproot.recreate(path, uuid_function=lambda: uuid.UUID(int=1)) as file:
            columns = {"A": ak.Array([[1, 2], [], [3]]), "x": np.array([1, 2, 3])}
            types = {name: ak.type(ak.Array(values)).content for name, values in columns.items()}
            make_tree(file, "Events", types, 1).extend(columns)
        return path.read_bytes()

    assert write() != write()
    with without_times():
        assert write() == write()
    with uproot.open(tmp_path / "file.root") as file:
        assert file.key("Events").created_on == datetime.datetime(1995, 1, 1)
    assert Clock.ticks
