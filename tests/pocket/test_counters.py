from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.counters import declare_unsigned_counters


@pytest.mark.parametrize(("names", "types"), [(None, ("uint32_t", "uint32_t")), (["nA"], ("uint32_t", "int32_t"))])
def test_types_of_counters(tmp_path: Path, names: list[str] | None, types: tuple[str, str]) -> None:
    columns = {name: ak.Array([[1, 2], [], [3]]) for name in ("A", "B")} | {"x": np.array([1, 2, 3], dtype=np.int32)}
    with uproot.recreate(tmp_path / "file.root") as file:
        declared = {name: ak.type(ak.Array(values)).content for name, values in columns.items()}
        tree = file.mktree("Events", declared, initial_basket_capacity=1)
        declare_unsigned_counters(tree, names)
        for _ in range(2):
            tree.extend(columns)
    with uproot.open(tmp_path / "file.root") as file:
        read = file["Events"]
        assert (read["nA"].typename, read["nB"].typename) == types
        assert read["x"].typename == "int32_t"
        assert read["nA"].array().to_list() == [2, 0, 1] * 2
        assert read["A"].array().to_list() == [[1, 2], [], [3]] * 2
