"""Values that fill a histogram, with one flat entry per object or event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import has_field, is_optional, read_field
from pocket.base.arrays.jagged import as_numbers, counts_of, element_at, elements_of
from pocket.errors import HistogramError, MissingBranchError, nearest
from pocket.histograms.config import Axis


def axis_values(axis: Axis, events: Any, custom: Mapping[str, Any], metadata: Mapping[str, Any], where: str) -> Any:
    """Return the values of an axis: one per event, or a list per event for the objects of a collection."""
    if axis.coll == "metadata":
        if axis.field not in metadata:
            raise HistogramError(f"histogram {where!r}: the metadata have no {axis.field!r}, only {sorted(metadata)}")
        values = ak.Array([str(metadata[axis.field])])[np.zeros(len(events), dtype=np.int64)]
    elif axis.coll == "custom":
        if axis.field not in custom:
            raise HistogramError(
                f"histogram {where!r}: the workflow defined no custom field {axis.field!r}, only {sorted(custom)}"
            )
        values = ak.Array(custom[axis.field])
        if len(values) != len(events):
            raise HistogramError(
                f"histogram {where!r}: custom field {axis.field!r} has {len(values)} entries for {len(events)} "
                "preselected events"
            )
    else:
        place = "events" if axis.coll == "events" else f"collection {axis.coll!r}"
        record = events if axis.coll == "events" else _field(events, axis.coll, f"histogram {where!r}: no {place}")
        values = _field(record, axis.field, f"histogram {where!r}: no field {axis.field!r} in {place}")
    if axis.pos is None:
        return values
    if values.ndim < 2:
        raise HistogramError(f"histogram {where!r}: axis {axis.name!r} has pos={axis.pos}, but one value per event")
    return element_at(values, axis.pos)


@dataclass(frozen=True)
class Entries:
    """Entries of a histogram: one per event or object that has values on all axes.

    Event, object and values of each axis have shape (n entries,); the object is an index among those of all events.
    ``counts`` are the numbers of objects of events. For one entry per event, there are no objects and no counts.
    """

    event: npt.NDArray[np.int64]
    object: npt.NDArray[np.int64] | None
    counts: npt.NDArray[np.int64] | None
    values: list[npt.NDArray[Any]]


def entries(columns: Sequence[Any], size: int, where: str) -> Entries:
    """Return the values of all axes as flat entries.

    Values per event are repeated for each object of jagged axes. Entries without a value (``None``) on any axis are
    left out.
    """
    event = np.arange(size, dtype=np.int64)
    jagged = [column for column in columns if column.ndim > 1]
    counts: list[npt.NDArray[np.int64]] = []
    if jagged:
        counts = [counts_of(column) for column in jagged]
        if any(column.ndim > 2 for column in jagged) or any(np.any(count != counts[0]) for count in counts[1:]):
            raise HistogramError(f"histogram {where!r}: its axes have different numbers of objects, or lists in lists")
        event = np.repeat(event, counts[0])
        columns = [elements_of(column) if column.ndim > 1 else column[event] for column in columns]
    optional = [column for column in columns if is_optional(column)]
    keep = np.ones(len(event), dtype=np.bool_)
    for column in optional:
        keep &= _is_there(column)
    if optional and not keep.all():
        event, columns = event[keep], [column[keep] for column in columns]
    flat = [_numpy(_all_there(column) if is_optional(column) else column) for column in columns]
    if not jagged:
        return Entries(event, None, None, flat)
    return Entries(event, np.flatnonzero(keep), counts[0], flat)


def _is_there(column: ak.Array) -> npt.NDArray[np.bool_]:
    """Tell which values aren't ``None``, with a fast path for objects at a position."""
    layout = column.layout
    if isinstance(layout, ak.contents.IndexedOptionArray):
        return np.asarray(layout.index.data) >= 0
    return ~np.asarray(ak.is_none(column))


def _all_there(column: ak.Array) -> ak.Array:
    """Return values of an optional type, none of which is ``None``, with a type that isn't optional."""
    layout = column.layout
    if isinstance(layout, ak.contents.IndexedOptionArray):
        return ak.Array(ak.contents.IndexedArray.simplified(layout.index, layout.content))
    return ak.drop_none(column)


def _numpy(column: Any) -> npt.NDArray[Any]:
    if ak.parameters(column).get("__array__") == "string":
        return np.asarray(ak.to_list(column), dtype=np.str_)
    return as_numbers(column)


def _field(record: Any, name: str, sentence: str) -> Any:
    if not has_field(record, name):
        close = nearest(name, record.fields) or sorted(record.fields)[:8]
        raise MissingBranchError(f"{sentence}, nearest: {', '.join(close)}")
    return read_field(record, name)
