from __future__ import annotations

from typing import Any

import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.corrections.bin_cache import Bins, binned
from pocket.corrections.grid import Edges, Keys, find_bins
from pocket.parameters.checksums import content_of
from pocket.toys.correction_nodes import category
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import with_inputs

INF = float("inf")


@st.composite
def edges(draw: st.DrawFn) -> list[float]:
    """Return edges of up to four bins, the last one of which may have no end."""
    found = draw(st.lists(st.integers(-20, 20), min_size=2, max_size=5, unique=True).map(sorted))
    return [edge / 4 for edge in found[:-1]] + [draw(st.sampled_from([found[-1] / 4, INF]))]


@settings(max_examples=60)
@given(
    keys=st.lists(st.integers(-3, 6), min_size=1, max_size=4, unique=True),
    # so many that their number doesn't fit one byte, too
    axes=st.tuples(edges() | st.just([edge / 4 for edge in range(300)]), edges()),
    flow=st.sampled_from(["clamp", "error"]),
    is_nested=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_correctionlib(
    tmp_path_factory: pytest.TempPathFactory,
    keys: list[int],
    axes: tuple[list[float], list[float]],
    flow: Any,
    is_nested: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    shape = [len(axis) - 1 for axis in axes]

    def of_key(key: int) -> Any:
        values = rng.uniform(size=shape)
        texts: Any = [["inf" if edge == INF else edge for edge in axis] for axis in axes]
        if not is_nested:
            return cs.MultiBinning(
                nodetype="multibinning", inputs=["x", "y"], edges=texts, content=values.ravel().tolist(), flow=flow
            )
        inner: Any = [
            cs.Binning(nodetype="binning", input="y", edges=texts[1], content=row.tolist(), flow=flow) for row in values
        ]
        return cs.Binning(nodetype="binning", input="x", edges=texts[0], content=inner, flow=flow)

    data = category("key", {key: of_key(key) for key in keys})
    path = write_corrections(
        tmp_path_factory.mktemp("grid") / "sf.json", with_inputs("grid", data, key="int", x="real", y="real")
    )
    found = binned(content_of(path), "grid", frozenset())
    assert found is not None
    bins, values = found
    assert bins.axes == {
        "key": Keys(tuple(keys)),
        **{name: Edges(tuple(axis), flow == "clamp") for name, axis in zip("xy", axes, strict=True)},
    }
    # values at the edges and between them, beyond them if there is a rule for it; more than one block
    size = 20000 if seed % 8 == 0 else 50
    columns = [rng.choice(keys, size)]
    for axis in axes:
        inside = np.concatenate([axis[:-1], np.add(axis[:-1], 0.1), [-1e9, 1e9] if flow == "clamp" else []])
        columns.append(rng.choice(inside, size))
    expected = correctionlib.CorrectionSet.from_file(path)["grid"].evaluate(*columns)
    numbers = find_bins(tuple(bins.axes.values()), columns)
    assert numbers is not None
    assert np.array_equal(values[numbers], expected)
    assert np.array_equal(bins.evaluate(*columns), numbers)


@pytest.mark.parametrize(("key", "x"), [(4, 0.5), (5, -0.1), (5, 2.0), (5, INF)])
def test_in_no_bin(key: int, x: float) -> None:
    axes = (Keys((5, 0)), Edges((0.0, 1.0, 2.0), clamped=False))
    assert find_bins(axes, [np.array([0, key]), np.array([1.5, x])]) is None
    assert find_bins(axes, [np.array([0, 5]), np.array([1.5, 0.0])]).tolist() == [3, 0]


def test_no_objects() -> None:
    assert find_bins((Keys((5,)),), [np.empty(0, dtype=np.int64)]).tolist() == []


def binning(**changes: Any) -> Any:
    """Return two bins of x."""
    plain = {"nodetype": "binning", "input": "x", "edges": [0.0, 1.0, 2.0], "content": [1.0, 2.0], "flow": "error"}
    return cs.Binning(**{**plain, **changes})


@pytest.mark.parametrize(
    "data",
    [
        binning(flow=0.5),
        binning(edges=cs.UniformBinning(n=2, low=0.0, high=2.0)),
        binning(content=[binning(), binning()]),
        binning(content=[binning(input="y"), 1.0]),
        binning(content=[1.0, binning(input="y")]),
        binning(content=[binning(input="y"), binning(input="y", edges=[0.0, 1.0, 3.0])]),
        cs.Category(nodetype="category", input="key", content=[{"key": 1, "value": binning()}], default=binning()),
        category("key", {0: binning(), 1: binning(flow="clamp")}),
        2.5,
    ],
    ids=[
        "own rule",
        "same width",
        "twice",
        "deeper first",
        "deeper last",
        "other edges",
        "default",
        "other rule",
        "none",
    ],
)
def test_no_grid(tmp_path: Any, data: Any) -> None:
    path = write_corrections(tmp_path / "sf.json", with_inputs("it", data, key="int", x="real", y="real"))
    found = binned(content_of(path), "it", frozenset())
    assert found is not None
    bins, values = found
    assert isinstance(bins, Bins)
    assert bins.axes is None
    columns = [np.array([1, 1]), np.array([0.5, 1.5]), np.array([0.5, 1.5])]
    expected = correctionlib.CorrectionSet.from_file(path)["it"].evaluate(*columns)
    assert np.array_equal(values[np.asarray(bins.evaluate(*columns), dtype=int)], expected)
