"""NanoAOD as events, whose columns are read on first access and compacted to the selected events.

coffea applies a mask on events to every later operation, and each of them copies the surviving values again. Here, the
events that pass a skim become events of their own: their columns are read from the file without the other events, and
are contiguous in memory.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from itertools import accumulate
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.nanoevents import NanoEventsFactory
from coffea.nanoevents.factory import _key_formatter
from coffea.nanoevents.mapping import TrivialUprootOpener, UprootSourceMapping
from coffea.nanoevents.util import tuple_to_key

from pocket.base.typing import Mask
from pocket.io.nanoaod.baskets import Part, places, read_numbers
from pocket.io.nanoaod.local_source import LocalSource
from pocket.io.nanoaod.packing import Packing
from pocket.io.nanoaod.read_ahead import Place, ReadAhead
from pocket.io.nanoaod.records import LazyArrays
from pocket.io.nanoaod.schema import find_schema
from pocket.io.nanoaod.sharing import shared_reads
from pocket.io.nanoaod.ttree import Column, Leaf, read_tree


class NanoTree:
    """NanoAOD tree in an open file, whose columns several threads decompress, including this one."""

    def __init__(self, file: Any, object_path: str, metadata: Mapping[str, Any], threads: int = 1) -> None:
        self._file, self._path = file, object_path
        self.helpers = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._leaves: dict[str, Leaf] | None
        self.file_path = file.file.source.file_path
        self.shared = shared_reads(self.file_path)
        read = partial(read_tree, file, object_path)
        known = read() if self.shared is None else self.shared.tree(object_path, read)
        tree, self._leaves = known or (self._whole, None)
        self.num_entries = int(tree.num_entries)
        self.partition = (str(file.file.uuid), str(tree.object_path))
        self.schema = find_schema(tree, self._leaves, lambda: self._whole, metadata)

    @cached_property
    def source(self) -> LocalSource | ReadAhead:
        """The file source that columns are read from."""
        source = self._file.file.source
        return source if isinstance(source, LocalSource) else ReadAhead(source)

    def events(self, start: int, stop: int, then: int = 0) -> Any:
        """Return a range of entries; data of remote files up to the entry ``then`` are requested meanwhile."""
        return events_of([Piece(self, start, stop)], then)

    def expect(self, start: int, stop: int, then: int) -> None:
        """Request what a range of entries is likely to need, see :meth:`events`, if the file is remote."""
        if isinstance(self.source, ReadAhead):
            now = self._places(self.schema.whole, start, stop)
            later = self._places(self.schema.whole, stop, min(stop + stop - start, then))
            self.source.keep([*now, *later])
            # The requests are made in this order, so that data for this range arrive first.
            self.source.ask(now)
            self.source.ask(later)

    def ask(self, names: Iterable[str], start: int, stop: int, packing: Packing | None) -> None:
        """Request branches that some entries are likely to need, if the file is remote."""
        if isinstance(self.source, ReadAhead):
            self.source.ask(self._places(names, start, stop, packing))

    def _places(self, names: Iterable[str], start: int, stop: int, packing: Packing | None = None) -> list[Place]:
        """Return the places of the baskets of those branches that are columns of numbers."""
        found: list[Place] = []
        # The names are copied, since another thread may add further ones.
        for column in map(self.column, tuple(names)):
            # An error is raised when the column is read.
            with contextlib.suppress(ValueError):
                found += [] if column is None else places(column, start, stop, packing)
        return found if self.shared is None else [place for place in found if place[0] not in self.shared.baskets]

    def close(self) -> None:
        """Stop helpers and pending requests; call this before the file is closed."""
        if self.helpers is not None:
            self.helpers.shutdown(cancel_futures=True)
        if isinstance(self.source, ReadAhead):
            self.source.close()

    def column(self, name: str) -> Column | None:
        """Return a branch as a column of numbers, or ``None`` if it is of another kind."""
        return Column.of(self.branch(name)) if self._leaves is None else self._leaves[name].column

    def branch(self, name: str) -> Any:
        return self._whole[name]

    @cached_property
    def _whole(self) -> Any:
        return self._file[self._path]


class Piece(NamedTuple):
    """Range of entries of a file; ``stop`` is the entry after the last one."""

    nano: NanoTree
    start: int
    stop: int


def events_of(pieces: Sequence[Piece], then: int = 0) -> Any:
    """Return the events of several files with the same schema; ``then`` is that of :meth:`NanoTree.events`."""
    for nano, start, stop in pieces:
        nano.expect(start, stop, then)
    chunk = Chunk(Columns(pieces))
    chunk.columns.begin(chunk.columns.schema.whole)
    return chunk.events()


class Chunk(NanoEventsFactory):  # type: ignore[misc]
    """Ranges of entries, or the selected events in them."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        (nano, start, _), *_ = columns.pieces
        partition = tuple_to_key((*nano.partition, f"{start}-{start + columns.size}"))
        super().__init__(columns.schema, columns, partition, mode="virtual")
        self._buffer_key = partial(_key_formatter, partition)
        self._made: Callable[[], Any] = lambda: None
        self._layout: Any = None

    def __len__(self) -> int:
        return len(self.columns)

    def events(self) -> Any:
        """Return the events, always with the same columns."""
        # A weak reference, since the events refer to this object.
        events = self._made()
        if events is None:
            schema, length = self.columns.schema, len(self)
            layout = LazyArrays(self.columns, self._buffer_key).array(schema.form, length, lambda: (length,))
            attributes = {"@events_factory": self, "@form": schema.form, "@buffer_key": self._buffer_key}
            events = ak.Array(layout, behavior=schema.behavior(), attrs=attributes)
            self._made = weakref.ref(events)
        if self._layout is None:
            self._layout = events.layout
        return events

    def is_all_of(self, events: Any) -> bool:
        """Tell whether events are an unmodified, unselected range of entries."""
        return events.layout is self._layout and self.columns.packing is None

    def selected(self, packing: Packing) -> Chunk:
        columns = self.columns.selected(packing)
        columns.ask(columns.schema.packed - columns.late)
        return Chunk(columns)


class Columns(UprootSourceMapping):  # type: ignore[misc]
    """Columns of ranges of entries, or of the selected entries in them, of trees with the same schema."""

    def __init__(self, pieces: Sequence[Piece], packing: Packing | None = None) -> None:
        nano, *_ = pieces[0]
        super().__init__(
            TrivialUprootOpener({nano.partition[0]: nano.file_path}), 0, 0, use_ak_forth=True, virtual=True
        )
        self.pieces, self.schema, self.packing = pieces, nano.schema, packing
        self.learns = False  # Whether columns that are read from now on are added to those below.
        #: Branches that were needed only after the last selection in files of this kind.
        self.late: set[str] = self.schema.late
        self._helpers = nano.helpers
        ends = list(accumulate(stop - start for _, start, stop in pieces))
        self.size = ends[-1]  # Number of entries before any selection.
        ranges = zip([0, *ends], ends, strict=False)
        self._packings = [
            packing if packing is None or len(pieces) == 1 else packing.within(first, last) for first, last in ranges
        ]
        self._whole: dict[str, Any] = {}
        self._begun: dict[str, Future[ak.Array | None]] = {}

    def selected(self, packing: Packing) -> Columns:
        """Return the same columns for fewer of their events; columns read for all entries aren't read again."""
        if self.packing is not None:
            mask = np.zeros(self.size, dtype=np.bool_)
            mask[self.packing.positions[packing.positions]] = True
            packing = Packing(mask)
        columns = Columns(self.pieces, packing)
        columns._whole = self._whole
        return columns

    def ask(self, names: Iterable[str]) -> None:
        """Request branches that are likely to be needed, see :meth:`NanoTree.ask`, and let helpers start to read."""
        unread = set(names) - self._whole.keys()
        for (nano, start, stop), packing in zip(self.pieces, self._packings, strict=True):
            nano.ask(unread, start, stop, packing)
        self.begin(unread)

    def begin(self, names: Iterable[str]) -> None:
        """Let helpers, if there are any, start to read branches."""
        if self._helpers is not None:
            for name in sorted(set(names) - self._begun.keys()):
                self._begun[name] = self._helpers.submit(self._read, name)

    def __len__(self) -> int:
        return self.size if self.packing is None else len(self.packing)

    def numbers(self, name: str) -> ak.Array | None:
        """Return a column of numbers, or of lists of them, for the selected events; ``None`` for any other branch."""
        begun = self._begun.pop(name, None)
        # If no helper has started on it, this thread reads it.
        return self._read(name) if begun is None or begun.cancel() else begun.result()

    def _read(self, name: str) -> ak.Array | None:
        parts = []
        for (nano, start, stop), packing in zip(self.pieces, self._packings, strict=True):
            if (column := nano.column(name)) is None:
                return None
            parts.append(Part(nano.source, column, start, stop, packing, nano.shared))
        return read_numbers(parts)

    def _column_source(self, uuid: str, path_in_source: str) -> Any:
        return None

    def get_column_handle(self, columnsource: Any, name: str, allow_missing: bool) -> Any:
        return name

    def extract_column(
        self, columnhandle: Any, start: int, stop: int, allow_missing: bool, use_ak_forth: bool = True
    ) -> Any:
        name, packing = columnhandle, self.packing
        if self.learns:
            self.late.add(name)
        if name in self._whole:
            return self._whole[name] if packing is None else packing(self._whole[name])
        (self.schema.whole if packing is None else self.schema.packed).add(name)
        column = self.numbers(name)
        if column is None:
            parts = []
            for (nano, first, last), own in zip(self.pieces, self._packings, strict=True):
                branch = nano.branch(name)
                read = partial(super().extract_column, branch, allow_missing=allow_missing, use_ak_forth=use_ak_forth)
                parts.append(read(first, last) if own is None else _read_packed(read, branch, first, last, own))
            column = ak.concatenate(parts) if len(parts) > 1 else parts[0]
        if packing is None:
            self._whole[name] = column
        return column


def _read_packed(read: Callable[[int, int], Any], branch: Any, start: int, stop: int, packing: Packing) -> Any:
    # A field of an RNTuple doesn't have its offsets.
    offsets = getattr(branch, "entry_offsets", (start, stop))
    parts = [
        packing.within(first - start, last - start)(read(first, last))
        for first, last in needed_ranges(offsets, start, stop, packing.mask)
    ]
    return ak.concatenate(parts) if len(parts) > 1 else parts[0]


def needed_ranges(offsets: Any, start: int, stop: int, mask: Mask) -> list[tuple[int, int]]:
    """Return the ranges of entries to read for the selected ones, in units of baskets, or an empty one if nothing is.

    Args:
        offsets: first entry of each basket, and the end of the last one.
        mask: the selected entries, shape (stop − start,).
    """
    edges: npt.NDArray[np.int64] = np.unique(np.clip(np.asarray([*offsets, start, stop], dtype=np.int64), start, stop))
    ranges: list[tuple[int, int]] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if not mask[first - start : last - start].any():
            continue
        if ranges and ranges[-1][1] == first:
            first = ranges.pop()[0]
        ranges.append((first, last))
    return ranges or [(start, start)]
