"""Generated events with objects, as plain Python and as awkward arrays, and histograms of them."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from hypothesis import strategies as st

from pocket.histograms.config import Axis
from tests.pocket.histograms.axis_strategies import INTEGERS, REALS, SINGLES, UNSIGNED, integer_axes, real_axes

Event = dict[str, Any]

#: field → (type, values); ``None`` where there is no value
EVENT_FIELDS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "x": ("f8", REALS),
    "single": ("f4", SINGLES),
    "n": ("i8", INTEGERS),
    "count": ("u4", UNSIGNED),
    "flag": ("?", st.booleans()),
    "maybe": ("f8", st.none() | REALS),
    "maybe_flag": ("?", st.none() | st.booleans()),
}
OBJECT_FIELDS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "pt": ("f4", SINGLES),
    "charge": ("i4", INTEGERS),
    "tight": ("?", st.booleans()),
    "maybe": ("f4", st.none() | SINGLES),
}
METADATA = {"sample": "DY", "year": "2018", "era": "B"}


def events(max_size: int = 8) -> st.SearchStrategy[list[Event]]:
    """Lists of events with the collection ``Obj`` and the custom field ``score``, maybe empty."""
    objects = st.lists(st.fixed_dictionaries({name: values for name, (_, values) in OBJECT_FIELDS.items()}), max_size=3)
    fields = {name: values for name, (_, values) in EVENT_FIELDS.items()}
    return st.lists(st.fixed_dictionaries({**fields, "Obj": objects, "score": REALS}), max_size=max_size)


def to_awkward(generated: list[Event]) -> ak.Array:
    """Convert events, without the custom field."""
    columns = {name: _column([event[name] for event in generated], kind) for name, (kind, _) in EVENT_FIELDS.items()}
    objects = [item for event in generated for item in event["Obj"]]
    fields = {name: _column([item[name] for item in objects], kind) for name, (kind, _) in OBJECT_FIELDS.items()}
    jagged = ak.unflatten(ak.zip(fields), np.array([len(event["Obj"]) for event in generated], dtype=np.int64))
    return ak.zip({**columns, "Obj": jagged}, depth_limit=1)


def custom_fields(generated: list[Event]) -> dict[str, Any]:
    """Return the custom field."""
    return {"score": np.array([event["score"] for event in generated], dtype=np.float64)}


def _column(values: list[Any], kind: str) -> Any:
    column = np.array([0 if value is None else value for value in values], dtype=kind)
    if None in values:
        return ak.mask(column, np.array([value is not None for value in values], dtype=bool))
    return ak.Array(column)


@st.composite
def axes(draw: st.DrawFn) -> list[Axis]:
    """One to three axes that are filled from the events."""
    sources = [("events", name, kind) for name, (kind, _) in EVENT_FIELDS.items()]
    sources += [("Obj", name, kind) for name, (kind, _) in OBJECT_FIELDS.items()]
    sources += [("custom", "score", "f8"), ("metadata", "year", "U"), ("metadata", "era", "U")]
    chosen = draw(st.lists(st.sampled_from(sources), min_size=1, max_size=3, unique=True))
    found = []
    for coll, name, kind in chosen:
        pos = draw(st.sampled_from([None, None, 0, 1, 2])) if coll == "Obj" else None
        where = {"coll": coll, "field": name, "pos": pos}
        if kind == "U":
            categories = draw(
                st.lists(st.sampled_from(["A", "B", "2017", "2018"]), min_size=1, max_size=3, unique=True)
            )
            found.append(Axis(type="strcat", bins=categories, overflow=draw(st.booleans()), **where))
        elif kind == "?":
            found.append(draw(integer_axes(**where)))
        else:
            found.append(draw(real_axes(**where) if kind[0] == "f" else integer_axes(**where) | real_axes(**where)))
    return found


def entries_of(event: Event, histogram: list[Axis]) -> list[tuple[Any, ...]]:
    """Return what an event fills: one tuple of values per entry."""
    columns = [_values(event, axis) for axis in histogram]
    # all objects at once: the axes of objects advance together, the others keep their value
    number = max((len(column) for column in columns if isinstance(column, list)), default=None)
    if number is None:
        rows = [tuple(columns)]
    else:
        rows = [tuple(c[k] if isinstance(c, list) else c for c in columns) for k in range(number)]
    return [row for row in rows if None not in row]


def _values(event: Event, axis: Axis) -> Any:
    if axis.coll == "metadata":
        return METADATA[axis.field]
    if axis.coll != "Obj":
        return event[axis.field]
    values = [item[axis.field] for item in event["Obj"]]
    if axis.pos is None:
        return values
    return values[axis.pos] if axis.pos < len(values) else None
