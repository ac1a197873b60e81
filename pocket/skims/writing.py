"""Writing of selected events into NanoAOD files, with the columns of the originals."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import awkward as ak
import lz4.block
import numpy as np
import numpy.typing as npt
import uproot
from uproot.interpretation.jagged import AsJagged
from uproot.interpretation.numerical import AsDtype

from pocket.datasets.branches import Segment
from pocket.datasets.fileset import TREE, FileInfo
from pocket.engine.reading import open_file, read_segment
from pocket.errors import ConfigError
from pocket.io.nanoaod.writing import make_tree, without_times
from pocket.plan.skim import SkimPlan

#: number of events in a basket, all in memory: about 200 MB for a full NanoAOD. Smaller baskets take longer to read.
BASKET_ENTRIES = 20_000
#: UUID version 5 namespace of the files of skims
NAMESPACE = uuid.UUID("5f3c8f2e-64a1-4c1d-9c61-0e0f6a1f7d52")

Entries = npt.NDArray[np.int64]
Columns = dict[str, ak.Array]


#: largest ratio of compressed to original size for which data are stored compressed
_WORTHWHILE = 0.7


class _LZ4(uproot.LZ4):  # type: ignore[misc]
    """LZ4 with the slower search that ROOT uses from level 4 on, which reads as fast and makes smaller files.

    Data that hardly get smaller, such as floats of full precision, are stored uncompressed, because they are read
    faster like that.
    """

    @property
    def code_pair(self) -> tuple[int, int]:
        """Algorithm and level as written into the file; uproot only knows them for its own classes."""
        return uproot.const.kLZ4, self.level

    def compress(self, data: bytes) -> bytes:
        """Return the compressed data, or the data itself, which uproot stores as it is, if it hardly gets smaller."""
        packed: bytes = lz4.block.compress(data, mode="high_compression", compression=self.level, store_size=False)
        return packed if len(packed) < _WORTHWHILE * len(data) else data


_COMPRESSIONS = {"LZ4": _LZ4(4), "ZSTD": uproot.ZSTD(5), "LZMA": uproot.LZMA(5)}


@dataclass(frozen=True)
class _Branches:
    """Columns of a tree to copy with their types, jagged ones with their counters, of which some are uint32."""

    types: Mapping[str, str]
    counters: Mapping[str, str]
    unsigned: frozenset[str]

    @classmethod
    def of(cls, tree: Any, path: str, skim: SkimPlan, without: Collection[str]) -> _Branches:
        """Return the columns that a skim keeps."""
        types, counters = {}, {}
        names = [branch.name for branch in tree.branches]
        for pattern in (*skim.keep, *skim.drop):
            if pattern not in names and any(name.startswith(f"{pattern}_") for name in names):
                raise ConfigError(f"the skim's pattern {pattern!r} matches no branch of {path}, write '{pattern}_*'")
        for branch in tree.branches:
            if not skim.keeps(branch.name) or branch.name in without:
                continue
            types[branch.name] = branch.typename
            interpretation = branch.interpretation
            jagged = isinstance(interpretation, AsJagged)
            numbers = interpretation.content if jagged else interpretation
            if not isinstance(numbers, AsDtype) or numbers.inner_shape or (jagged and branch.count_branch is None):
                raise ConfigError(
                    f"branch {branch.name!r} of {path} ({branch.typename}) is neither a number nor a list with a "
                    f"counter, which a skim can't copy: leave it out by drop=[{branch.name!r}]"
                )
            if jagged:
                counters[branch.name] = branch.count_branch.name
        used = frozenset(counters.values())
        unsigned = frozenset(name for name in used if tree[name].typename == "uint32_t")
        return cls({name: kind for name, kind in types.items() if name not in used}, counters, unsigned)


class EventWriter:
    """Writes selected events into the trees Events of ``events_{number}.root``.

    Events of several files go into one file as long as their columns are the same, because each file has a fixed cost
    when it is read. Columns keep their names, types and values; those with a common counter share one again. The trees
    Runs and LuminosityBlocks are not copied, because their sums are over all events of the original.

    UUIDs follow from ``identity``, which changes with everything that affects the content. ``constants`` are columns
    with one value, which replace those of the same name. The files are removed if an error ends the block.
    """

    def __init__(self, folder: Path, skim: SkimPlan, identity: str, constants: Mapping[str, float], size: int) -> None:
        self.files: dict[str, FileInfo] = {}
        self._folder, self._skim, self._identity, self._constants = folder, skim, identity, constants
        self._n_baskets = -(-size // BASKET_ENTRIES)
        self._branches: _Branches | None = None
        self._pending: list[Columns] = []
        self._n_pending = self._n_written = 0
        self._file: Any = None
        self._tree: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._finish()
            return
        if self._file is not None:
            self._file.close()
        for name in (*self.files, self._name()):
            (self._folder / name).unlink(missing_ok=True)

    def copy(self, segment: Segment, entries: Entries) -> Mapping[str, str]:
        """Copy events of a file, in increasing order; return path or URL → reason of attempts that failed before."""
        done = 0

        def copy_rest(location: Segment) -> None:
            # The events that an earlier attempt has read are kept.
            nonlocal done
            for branches, columns, size in self._read(location, entries[done:]):
                self._add(branches, columns, size)
                done += size

        return read_segment(segment, copy_rest).failures if len(entries) else {}

    def _read(self, segment: Segment, entries: Entries) -> Iterator[tuple[_Branches, Columns, int]]:
        """Yield events in parts that fit into a basket, with one column in memory over the whole range of a part."""
        # This is a generator, so that an error of the writer isn't taken for an error of the input file.
        with open_file(segment) as file:
            tree = file[segment.object_path]
            branches = _Branches.of(tree, segment.path, self._skim, self._constants)
            if branches != self._branches:
                yield branches, {}, 0
            while len(entries):
                part, entries = np.split(entries, [BASKET_ENTRIES - self._n_pending])
                start, stop = int(part[0]), int(part[-1]) + 1
                columns = {}
                for name in branches.types:
                    values = tree[name].array(entry_start=start, entry_stop=stop)
                    columns[name] = ak.to_packed(values[part - start])
                yield branches, columns, len(part)

    @without_times()
    def _add(self, branches: _Branches, columns: Columns, size: int) -> None:
        if branches != self._branches:
            self._finish()
            self._branches = branches
        if size:
            self._pending.append(columns)
            self._n_pending += size
        if self._n_pending >= BASKET_ENTRIES:
            self._write()

    @without_times()
    def _finish(self) -> None:
        """Write the pending events and close the file."""
        self._write()
        if self._file is None:
            return
        self._file.close()
        self.files[self._name()] = FileInfo(object_path=TREE, num_entries=self._n_written, uuid=str(self._uuid()))
        self._file, self._n_written = None, 0

    def _write(self) -> None:
        """Write the pending events as the next basket of each column."""
        if not self._n_pending:
            return
        assert self._branches is not None
        columns = {
            name: ak.concatenate([part[name] for part in self._pending]) if len(self._pending) > 1 else values
            for name, values in self._pending[0].items()
        }
        columns |= {name: ak.Array(np.full(self._n_pending, value)) for name, value in self._constants.items()}
        if self._file is None:
            self._begin(columns, self._branches)
        self._tree.extend(columns)
        self._n_written += self._n_pending
        self._pending, self._n_pending = [], 0

    def _begin(self, columns: Columns, branches: _Branches) -> None:
        compression, file_uuid = _COMPRESSIONS[self._skim.compression], self._uuid()
        self._file = uproot.recreate(
            self._folder / self._name(), compression=compression, uuid_function=lambda: file_uuid
        )
        types = {name: ak.type(values).content for name, values in columns.items()}
        self._tree = make_tree(
            self._file, TREE, types, self._n_baskets, branches.unsigned, counter_name=branches.counters.get
        )

    def _name(self) -> str:
        return f"events_{len(self.files):04d}.root"

    def _uuid(self) -> uuid.UUID:
        return uuid.uuid5(NAMESPACE, f"{self._identity} {len(self.files)}")
