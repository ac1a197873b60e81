from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from pocket.base.arrays.lazy import lazy_column
from pocket.errors import ConfigError


def test_is_computed_once_and_where_it_is_used() -> None:
    calls = []

    def compute() -> list[float]:
        calls.append(None)
        return [1.0, 2.5, 3.0]

    column = lazy_column("x", 3, "int64", compute)
    assert str(column.type) == "3 * int64"
    record = ak.Array(ak.contents.RecordArray([column.layout, ak.Array([4, 5, 6]).layout], ["x", "y"]))
    selected = record[np.array([True, False, True])]
    assert selected.y.to_list() == [4, 6]
    assert not calls
    assert selected.x.to_list() == [1, 3]
    assert column.to_list() == [1, 2, 3]
    assert len(calls) == 1


def test_another_number_of_values() -> None:
    column = lazy_column("few", 3, np.float64, lambda: [1.0])
    with pytest.raises(ConfigError, match=r"column 'few' was computed with shape \(1,\), expected \(3,\)"):
        np.asarray(column)
