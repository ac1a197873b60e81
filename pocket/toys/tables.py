"""Objects of all events in flat tables, one row per object, and relations between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats, Indices, Mask

#: name → values of any type
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Table:
    """Objects of one kind in all events of a file: the event number of each row, and columns by name."""

    event: Indices
    columns: Columns

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """Return the rows of a mask or an index."""
        return Table(self.event[rows], {name: values[rows] for name, values in self.columns.items()})

    def by_pt(self) -> Table:
        """Return the rows ordered by event, and in each event by descending pt."""
        return self.take(np.lexsort((-self["pt"], self.event)))


def stack(*tables: Table) -> Table:
    """Return tables with the same columns, concatenated."""
    return Table(
        np.concatenate([table.event for table in tables]),
        {name: np.concatenate([table[name] for table in tables]) for name in tables[0].columns},
    )


def offsets(event: Indices, n_events: int) -> Indices:
    """Return the first row of each event, shape (n_events + 1,), for rows ordered by event."""
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=n_events))])


def local_index(rows: Indices, target: Indices, n_events: int) -> Indices:
    """Return rows of a table, -1 for none, as positions inside the event; ``target`` has the rows' events."""
    if not len(target):
        return np.full(len(rows), -1)
    return np.where(rows < 0, -1, rows - offsets(target, n_events)[target[rows]])


def pairs(left: Indices, right: Indices, n_events: int) -> tuple[Indices, Indices]:
    """Return the row numbers of all pairs of two objects in the same event, in ascending order.

    The arguments are the event numbers of the rows of two tables, of which the right one is in order.
    """
    starts = offsets(right, n_events)
    partners = np.diff(starts)[left]
    left_rows = np.repeat(np.arange(len(left)), partners)
    within = np.arange(len(left_rows)) - np.repeat(np.cumsum(partners) - partners, partners)
    return left_rows, within + np.repeat(starts[left], partners)


def delta_r(a: Table, b: Table, rows_a: Indices, rows_b: Indices) -> Floats:
    """Return the distance in (eta, phi) between rows of two tables."""
    phi = np.abs(a["phi"][rows_a] - b["phi"][rows_b])
    distance: Floats = np.hypot(a["eta"][rows_a] - b["eta"][rows_b], np.minimum(phi, 2 * np.pi - phi))
    return distance


def first_within(a: Table, b: Table, radius: float, n_events: int) -> Indices:
    """Return for each row of ``a`` the first row of ``b`` that is closer than ``radius`` in (eta, phi), or -1."""
    rows_a, rows_b = pairs(a.event, b.event, n_events)
    close = delta_r(a, b, rows_a, rows_b) < radius
    found = np.full(len(a), -1)
    found[rows_a[close][::-1]] = rows_b[close][::-1]
    return found


def isolated(table: Table, radius: float, n_events: int) -> Mask:
    """Return the mask of rows without an earlier row of their event within ``radius`` in (eta, phi)."""
    later, earlier = pairs(table.event, table.event, n_events)
    ordered = earlier < later
    later, earlier = later[ordered], earlier[ordered]
    alone = np.ones(len(table), dtype=bool)
    alone[later[delta_r(table, table, later, earlier) < radius]] = False
    return alone
