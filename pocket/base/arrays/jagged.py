"""Jagged arrays as flat arrays of their elements, and the lengths of their lists."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import is_optional
from pocket.base.typing import Indices


def starts_of(counts: npt.NDArray[Any]) -> Indices:
    """Return the position of the first element of each list; ``counts`` has shape (n lists,)."""
    return np.asarray(np.cumsum(counts, dtype=np.int64) - counts, dtype=np.int64)


def offsets_of(counts: npt.NDArray[Any]) -> Indices:
    """Return the position of the first element of each list, and the end of the last one; shape (n lists + 1,)."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def reduce_lists(operation: np.ufunc, values: npt.NDArray[Any], counts: Indices, empty: npt.NDArray[Any]) -> Any:
    """Reduce the elements of each list to one.

    Args:
        values: the elements of all lists, shape (n elements, …).
        empty: results of lists without elements, shape (n lists, …); the other results overwrite it.
    """
    filled = counts > 0
    if filled.any():
        # reduceat returns a single element where two offsets are equal, so empty lists are left out.
        empty[filled] = operation.reduceat(values, starts_of(counts)[filled], axis=0)
    return empty


def counts_of(lists: ak.Array) -> Indices:
    """Return the number of elements of each list, 0 for ``None``, shape (n lists,)."""
    layout = _plain(lists.layout)
    if layout is not None:
        return np.diff(np.asarray(layout.offsets))
    return np.asarray(ak.fill_none(ak.num(lists, axis=1), 0), dtype=np.int64)


def elements_of(lists: ak.Array) -> ak.Array:
    """Return the elements of all lists in one array, shape (n elements, …)."""
    layout = _plain(lists.layout)
    return ak.flatten(lists, axis=1) if layout is None else ak.Array(_elements(layout))


def flat_values(lists: ak.Array) -> npt.NDArray[Any]:
    """Return the numbers of all lists, shape (n elements,)."""
    return as_numbers(elements_of(lists))


def as_numbers(values: ak.Array) -> npt.NDArray[Any]:
    """Return numbers as a NumPy array, shape (n,)."""
    layout = values.layout
    if isinstance(layout, ak.contents.IndexedArray) and isinstance(layout.content, ak.contents.NumpyArray):
        # The elements are taken directly, since awkward would check all positions first.
        return np.asarray(layout.content.data).take(np.asarray(layout.index), axis=0)
    return np.asarray(values)


def element_at(lists: ak.Array, position: int) -> ak.Array:
    """Return one element of each list, ``None`` where there are fewer; shape (n lists, …)."""
    layout = _plain(lists.layout)
    if layout is None:
        return padded(lists, position + 1)[:, position]
    starts, ends = np.asarray(layout.starts), np.asarray(layout.stops)
    index = ak.index.Index64(np.where(ends - starts > position, starts + position, -1))
    elements = ak.contents.IndexedOptionArray.simplified(index, layout.content)
    return ak.Array(elements, behavior=lists.behavior, attrs=lists.attrs)


def padded(lists: ak.Array, size: int) -> ak.Array:
    """Return lists with ``None`` after the elements of those that are shorter; shape (n lists, at least size)."""
    layout = lists.layout
    if isinstance(layout, ak.contents.ByteMaskedArray | ak.contents.BitMaskedArray):
        # awkward 2.14 would drop the valid lists of such a mask instead of those that are None, so we convert it.
        lists = ak.Array(layout.to_IndexedOptionArray64(), behavior=lists.behavior, attrs=lists.attrs)
    return ak.pad_none(lists, size, axis=1)


def to_lists(values: Any, counts: npt.NDArray[Any], behavior: Any = None) -> ak.Array:
    """Return numbers or records of shape (n elements,), an array or a layout, as lists of some lengths."""
    offsets = ak.index.Index64(offsets_of(counts))
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.to_layout(values)), behavior=behavior)


def count_true(mask: ak.Array) -> Any:
    """Return the number of true elements of each list, ``None`` for ``None``; shape (n lists,)."""
    layout = _plain(mask.layout)
    if layout is None or not _is_boolean(layout.content):
        return ak.sum(mask, axis=1)
    from pocket.base.arrays.compiled import count_true as count_compiled

    counts = np.empty(layout.length, dtype=np.int64)
    count_compiled(np.asarray(ak.Array(_elements(layout))), np.asarray(layout.offsets), counts)
    return counts


def by_descending(objects: ak.Array, name: str) -> ak.Array:
    """Return the objects of each event in descending order of a field; equal ones stay in their order."""
    objects = without_gaps(objects)
    layout = objects.layout
    if not isinstance(layout, ak.contents.ListOffsetArray):
        return objects[ak.argsort(objects[name], axis=1, ascending=False, stable=True)]
    values, counts = flat_values(objects[name]), counts_of(objects[name])
    event = np.repeat(np.arange(len(counts)), counts)
    # Most events are in this order already or have one object, so only the others are sorted.
    wrong = np.zeros(len(counts), dtype=np.bool_)
    wrong[event[1:][(values[1:] > values[:-1]) & (event[1:] == event[:-1])]] = True
    if not wrong.any():
        return objects
    order, moved = np.arange(len(values)), np.flatnonzero(wrong[event])
    order[moved] = moved[np.lexsort((-values[moved].astype(np.float64), event[moved]))]
    content = ak.Array(layout.content, behavior=objects.behavior)[order].layout
    lists = ak.contents.ListOffsetArray(layout.offsets, content, parameters=layout.parameters)
    return ak.Array(lists, behavior=objects.behavior, attrs=objects.attrs)


def products_of(values: npt.NDArray[Any], counts: Indices) -> npt.NDArray[np.float64]:
    """Return the product of the elements of each list, 1 for a list without elements; shape (n lists,)."""
    from pocket.base.arrays.compiled import multiply

    products = np.empty(len(counts))
    multiply(np.asarray(values, dtype=np.float64), counts, products)
    return products


def without_gaps(objects: ak.Array) -> ak.Array:
    """Return the same lists of objects in an order in memory that makes operations on them fast."""
    # Lists of selected events refer to those of all events by index, and every operation follows the indices again.
    layout = _plain(objects.layout)
    return objects if layout is None else ak.Array(layout, behavior=objects.behavior, attrs=objects.attrs)


class ObjectColumns:
    """Columns of a collection as flat arrays with one entry per object, on which operations are faster.

    Columns of collections that aren't plain lists (with ``None`` for an event, say) stay as they are.

    Args:
        objects: jagged records, shape (n events, n objects).

    Attributes:
        objects: the same objects, see :func:`without_gaps`.

    Examples:
        >>> muons = ObjectColumns(ak.zip({"pt": [[30.0, 10.0], []], "eta": [[0.1, -2.0], []]}))
        >>> ((muons["pt"] > 20) & (abs(muons["eta"]) < 2.4)).tolist()
        [True, False]
    """

    def __init__(self, objects: ak.Array) -> None:
        self.objects = without_gaps(objects)
        layout = self.objects.layout
        self._offsets = layout.offsets if isinstance(layout, ak.contents.ListOffsetArray) else None
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self.flat(self.objects[name])
        return self._known[name]

    def flat(self, column: ak.Array) -> Any:
        """Return a column of the shape of the collection as a flat array."""
        if self._offsets is None:
            return column
        layout = _plain(column.layout)
        if layout is None or not np.array_equal(layout.offsets, self._offsets):
            raise ValueError("a column of other lists than the objects")
        values = ak.Array(_elements(layout))
        return values if is_optional(values) else as_numbers(values)

    def lists(self, values: Any) -> ak.Array:
        """Return values that were computed from flat columns in the shape of the collection."""
        if self._offsets is None:
            return values
        return ak.Array(ak.contents.ListOffsetArray(self._offsets, ak.to_layout(values)))


def select_objects(objects: ak.Array, mask: ak.Array) -> ak.Array:
    """Return ``objects[mask]``, faster than awkward for plain lists of objects.

    Args:
        objects: jagged array, shape (n events, n objects).
        mask: boolean per object, same shape.

    Returns:
        Shape (n events, n selected), with the fields and behaviours of the objects.

    Examples:
        >>> muons = ak.zip({"pt": [[30.0, 10.0], [], [25.0]]})
        >>> select_objects(muons, muons.pt > 20).pt.tolist()
        [[30.0], [], [25.0]]
    """
    lists, chosen = _plain(objects.layout), _plain(mask.layout)
    if lists is None or chosen is None or not _is_boolean(chosen.content):
        return objects[mask]
    if not np.array_equal(lists.offsets, chosen.offsets):
        return objects[mask]
    from pocket.base.arrays.compiled import choose

    elements, offsets = as_numbers(ak.Array(_elements(chosen))), np.empty(lists.length + 1, dtype=np.int64)
    positions = np.empty(len(elements) + 1, dtype=np.int64)
    number = choose(elements, np.asarray(chosen.offsets), positions, offsets)
    kept = ak.Array(lists.content, behavior=objects.behavior)[positions[:number]].layout
    layout = ak.contents.ListOffsetArray(ak.index.Index64(offsets), kept, parameters=lists.parameters)
    return ak.Array(layout, behavior=objects.behavior, attrs=objects.attrs)


def _plain(layout: Any) -> ak.contents.ListOffsetArray | None:
    """Return lists with contiguous elements and offsets that begin at 0, ``None`` if the layout has no lists."""
    if isinstance(layout, ak.contents.IndexedArray):
        layout = layout.project()
    if not isinstance(layout, ak.contents.ListOffsetArray | ak.contents.ListArray):
        return None
    if isinstance(layout, ak.contents.ListOffsetArray) and layout.offsets.dtype == np.int64 and layout.offsets[0] == 0:
        return layout  # The conversion below would copy the offsets.
    return layout.to_ListOffsetArray64(True)


def _is_boolean(layout: Any) -> bool:
    # The types alone are compared, since a mask may have parameters of the column that it was computed from.
    return getattr(layout.form.type, "primitive", "") == "bool"


def _elements(layout: ak.contents.ListOffsetArray) -> Any:
    size = int(np.asarray(layout.offsets)[-1])
    return layout.content if layout.content.length == size else layout.content[:size]
