"""Collections and fields of events, looked up by the names that a user wrote.

A wrong name raises an error with the place that was searched and the nearest valid names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from pocket.errors import MissingBranchError, UnknownNameError, nearest


def collection(events: ak.Array, name: str) -> ak.Array:
    """Return a collection of objects, e.g. ``"MuonGood"``."""
    if name not in events.fields:
        raise UnknownNameError("collection", name, events.fields, "the events")
    return events[name]


def has_field(record: ak.Array, name: str) -> bool:
    """Tell whether records have a field, or compute it, as a sum of momenta does its mass."""
    if name in record.fields:
        return True
    return not hasattr(ak.Array, name) and isinstance(getattr(type(record), name, None), property)


def read_field(record: ak.Array, name: str) -> ak.Array:
    """Return a field that records have or compute, see :func:`has_field`."""
    return record[name] if name in record.fields else getattr(record, name)


def branch(objects: ak.Array, name: str, collection_name: str) -> ak.Array:
    """Return a field (:func:`has_field`), named in errors as a branch: ``Muon_pt``, or ``run`` of ``"events"``."""
    if not has_field(objects, name):
        prefix = "" if collection_name == "events" else f"{collection_name}_"
        close = nearest(name, objects.fields)
        hint = f"; nearest: {', '.join(f'{prefix}{other}' for other in close)}" if close else ""
        raise MissingBranchError(f"branch '{prefix}{name}' does not exist{hint}")
    return read_field(objects, name)


def with_fields(records: ak.Array, columns: Mapping[str, Any]) -> ak.Array:
    """Return records with further fields or other values of theirs, shape (n records, …); all are inserted at once.

    >>> jets = ak.zip({"pt": [30.0, 10.0], "eta": [0.1, -2.0]})
    >>> with_fields(jets, {"pt": np.array([31.0, 11.0]), "id": np.array([1, 2])}).to_list()[0]
    {'pt': 31.0, 'eta': 0.1, 'id': 1}
    """
    layout = records.layout
    if not isinstance(layout, ak.contents.RecordArray) or not all(
        isinstance(column, ak.Array | np.ndarray) and len(column) == len(records) for column in columns.values()
    ):
        for name, column in columns.items():
            records = ak.with_field(records, column, name)
        return records
    # awkward would look into all fields again for each new one.
    contents = dict(zip(layout.fields, layout.contents, strict=True))
    contents |= {name: ak.to_layout(column) for name, column in columns.items()}
    inserted = layout.copy(contents=list(contents.values()), fields=list(contents))
    return ak.Array(inserted, behavior=records.behavior, attrs=records.attrs)


def field(record: ak.Array, path: str, name: str) -> ak.Array:
    """Return a field of the events or of a collection, also of a nested record, e.g. ``"ll.mass"``.

    ``abs<field>`` is the absolute value of a field, unless there is a field of that name. See :func:`branch` for names.
    """
    *outer, last = path.split(".")
    for part in outer:
        record, name = branch(record, part, name), part if name == "events" else f"{name}_{part}"
    if last not in record.fields and last.startswith("abs") and last[3:] in record.fields:
        return np.abs(record[last[3:]])
    return branch(record, last, name)


def is_optional(values: ak.Array) -> bool:
    """Tell whether the type of the values allows ``None``; the values themselves aren't read."""
    return _has_options(values.layout)


def _has_options(layout: Any) -> bool:
    if layout.is_option:
        return True
    if layout.is_record or layout.is_union:
        return any(map(_has_options, layout.contents))
    return not (layout.is_numpy or layout.is_unknown) and _has_options(layout.content)
