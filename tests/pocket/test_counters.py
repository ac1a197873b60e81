from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from uproot.writing._cascadetree import Tree

from pocket.counters import make_tree


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
