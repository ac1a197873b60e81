from __future__ import annotations

from typing import Any

import hist
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import HistogramError
from pocket.histograms.axes import build_axis, category_axis, flat_bins, set_sums
from pocket.histograms.config import Axis
from tests.pocket.histograms.axis_strategies import EDGES, INTEGERS, REALS, SINGLES, UNSIGNED, integer_axes, real_axes

FIELD = {"field": "x"}


def counted(axes: list[Axis], columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """Count entries per bin by the flat index."""
    built = [build_axis(axis) for axis in axes]
    bins, size = flat_bins(built, columns, "h")
    return np.bincount(bins[bins >= 0], minlength=size).astype(float).reshape([axis.extent for axis in built])


def filled(axes: list[Axis], columns: list[npt.NDArray[Any]]) -> Any:
    return hist.Hist(*map(build_axis, axes)).fill(*columns).view(flow=True)


def in_domain(axis: Axis, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a column without negative numbers if the axis has a transform: hist.fill takes these as overflow."""
    return np.abs(column) if axis.transform else column


@settings(max_examples=50)
@given(data=st.data(), kind=st.sampled_from(["f8", "f4", "f2", "i8", "i4", "u1", "u4", "?"]))
def test_bins_are_those_of_hist_fill(data: st.DataObject, kind: str) -> None:
    values, axes = {
        "f": (SINGLES if kind == "f4" else REALS, real_axes(**FIELD)),
        "i": (INTEGERS, st.one_of(integer_axes(**FIELD), real_axes(**FIELD))),
        "u": (UNSIGNED, st.one_of(integer_axes(**FIELD), real_axes(**FIELD))),
        "?": (st.booleans(), integer_axes(**FIELD)),
    }[kind[0]]
    axis = data.draw(axes)
    with np.errstate(over="ignore"):  # 1e30 is infinity in half precision
        column = in_domain(axis, np.array(data.draw(st.lists(values, max_size=20)), dtype=kind))
    assert counted([axis], [column]).tolist() == filled([axis], [column]).tolist()


@settings(max_examples=25)
@given(
    axes=st.tuples(real_axes(field="x"), integer_axes(field="y"), real_axes(field="z")),
    rows=st.lists(st.tuples(REALS, INTEGERS, SINGLES), max_size=20),
)
def test_several_axes(axes: tuple[Axis, ...], rows: list[tuple[float, int, float]]) -> None:
    types = ("f8", "i4", "f4")
    columns = [
        in_domain(axis, np.array([row[number] for row in rows], dtype=types[number]))
        for number, axis in enumerate(axes)
    ]
    assert counted(list(axes), columns).tolist() == filled(list(axes), columns).tolist()


def test_a_lower_edge_belongs_to_its_bin() -> None:
    axis = build_axis(Axis(field="x", bins=EDGES))
    assert flat_bins([axis], [np.array(EDGES)], "h")[0].tolist() == list(range(1, len(EDGES) + 1))
    below = np.nextafter(EDGES, -np.inf)
    assert flat_bins([axis], [below], "h")[0].tolist() == list(range(len(EDGES)))


@pytest.mark.parametrize(
    "axis",
    [
        Axis(field="x", bins=3, start=0, stop=1),
        Axis(field="x", bins=EDGES),
        Axis(field="x", bins=3, start=0, stop=1, overflow=False, underflow=False),
        Axis(field="x", bins=3, start=1, stop=10, transform="log"),
    ],
)
def test_nan_may_be_above_the_last_bin_as_in_hist_fill(axis: Axis) -> None:
    values = in_domain(axis, np.array([0.5, np.nan, -np.inf, np.nan], dtype=np.float32))
    bins, size = flat_bins([build_axis(axis)], [values], "h", "overflow")
    counts = np.bincount(bins[bins >= 0], minlength=size)
    assert counts.tolist() == filled([axis], [values]).tolist()
    assert bins[1] == (size - 1 if axis.overflow else -1)


@pytest.mark.parametrize("kind", ["f8", "f4", "i4"])
@pytest.mark.parametrize(
    ("start", "transform", "expected"), [(1, "log", [0, 0, 0, 1, 1, 2, 3]), (0, "sqrt", [0, 0, 1, 1, 1, 1, 2])]
)
def test_negative_numbers_are_below_an_axis_with_a_transform(
    start: int, transform: str, expected: list[int], kind: str
) -> None:
    axis = build_axis(Axis(field="x", bins=2, start=start, stop=100, transform=transform))
    values = np.array([-1e6, -1, 0, 1, 9, 20, 99 + (transform == "log")], dtype=kind)
    assert flat_bins([axis], [values], "h")[0].tolist() == expected
    if kind != "i4":
        assert flat_bins([axis], [np.array([-np.inf, np.nan], kind)], "h", "overflow")[0].tolist() == [0, 3]


def test_single_precision_is_compared_as_it_is() -> None:
    axis = build_axis(Axis(field="x", bins=[0.0, 0.1, 0.7, 1.0]))
    # float32 rounds 0.1 up and 0.7 down
    assert flat_bins([axis], [np.array([0.1, 0.7], dtype=np.float32)], "h")[0].tolist() == [2, 2]
    assert flat_bins([axis], [np.array([0.1, 0.7])], "h")[0].tolist() == [2, 3]


@pytest.mark.parametrize(("flow", "expected"), [(True, [3, 1, 2, 3]), (False, [-1, 1, 2, -1])])
def test_unknown_categories(flow: bool, expected: list[int]) -> None:
    offset = 1  # category axes have no underflow
    texts = build_axis(Axis(field="x", type="strcat", bins=["b", "a"], overflow=flow))
    found, size = flat_bins([texts], [np.array(["c", "b", "a", ""])], "h")
    assert [bin if bin < 0 else bin + offset for bin in found] == expected
    assert size == 2 + flow
    numbers = build_axis(Axis(field="x", type="intcat", bins=[5, -1], overflow=flow))
    found, _ = flat_bins([numbers], [np.array([1, 5, -1, 2**40])], "h")
    assert [bin if bin < 0 else bin + offset for bin in found] == expected


def test_integers_beyond_32_bits_are_in_the_flow() -> None:
    axis = build_axis(Axis(field="event", type="integer", start=0, stop=3))
    assert flat_bins([axis], [np.array([2**40, -(2**40), 2])], "h")[0].tolist() == [4, 0, 3]
    assert flat_bins([axis], [np.array([2**64 - 1, 0], dtype=np.uint64)], "h")[0].tolist() == [4, 1]


def test_no_entries() -> None:
    axes = [Axis(field="x", bins=3, start=0, stop=1), Axis(field="n", type="integer", start=0, stop=2)]
    bins, size = flat_bins([build_axis(axis) for axis in axes], [np.array([]), np.array([])], "h")
    assert bins.tolist() == []
    assert size == 5 * 4


@pytest.mark.parametrize(
    ("axis", "values", "message"),
    [
        (Axis(field="x", bins=3, start=0, stop=1), [0.5, np.nan, np.nan], r"'mll': axis 'x': 2 of 3 values are NaN"),
        (Axis(field="n", type="integer", start=0, stop=3), [1.5], "'mll': axis 'n' holds integers, .* float64"),
        (Axis(field="n", type="intcat", bins=[1]), [1.0], "axis 'n' holds integers, its values are float64"),
        (Axis(field="s", type="strcat", bins=["a"]), [1], "axis 's' holds strings, its values are int64"),
        (Axis(field="x", bins=3, start=0, stop=1), ["a"], "axis 'x' holds numbers, its values are <U1"),
    ],
)
def test_values_that_no_bin_can_hold(axis: Axis, values: list[Any], message: str) -> None:
    with pytest.raises(HistogramError, match=message):
        flat_bins([build_axis(axis)], [np.array(values)], "mll")


def test_built_axes() -> None:
    log = build_axis(Axis(field="pt", coll="Jet", bins=3, start=1, stop=1000, transform="log", label="$p_T$"))
    assert (log.name, log.label) == ("Jet_pt", "$p_T$")
    assert log.edges.tolist() == pytest.approx([1, 10, 100, 1000])
    root = build_axis(Axis(field="pt", bins=3, start=0, stop=9, transform="sqrt"))
    assert root.edges.tolist() == pytest.approx([0, 1, 4, 9])
    assert root.label == "pt"
    integer = build_axis(Axis(field="n", type="integer", start=2, stop=5, underflow=False))
    assert (integer.edges.tolist(), integer.extent) == ([2, 3, 4, 5], 4)
    bare = build_axis(Axis(field="n", bins=[0, 1, 3], underflow=False, overflow=False))
    assert (bare.edges.tolist(), bare.extent) == ([0, 1, 3], 2)
    categories = category_axis("cat", ["SR", "CR"])
    assert (categories.name, list(categories), categories.extent) == ("cat", ["SR", "CR"], 2)


@pytest.mark.parametrize("storage", ["weight", "double", "int64"])
def test_set_sums(storage: str) -> None:
    axes = [Axis(field="x", bins=2, start=0, stop=1), Axis(field="n", type="integer", start=0, stop=1)]
    histogram = hist.Hist(*map(build_axis, axes), storage=storage)
    sumw = np.arange(12.0).reshape(4, 3)
    set_sums(histogram, sumw, sumw + 100)
    assert histogram.values(flow=True).tolist() == sumw.tolist()
    assert histogram.variances(flow=True).tolist() == (sumw + (100 if storage == "weight" else 0)).tolist()
