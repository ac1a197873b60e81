"""ROOT files with the histograms of datacards."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.cards.root_bytes import CONTENTS, parse_histogram
from pocket.statistics.cards.root_files import root_file

#: edges of the histograms of one bin that stand for a counting region
COUNTING_EDGES = np.array([0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Histogram:
    """A histogram of a file, without under- and overflow; ``place`` is its name and file, for messages."""

    values: Floats
    variances: Floats
    edges: Floats
    place: str


def write_histograms(path: Path, edges: Floats, histograms: Mapping[str, tuple[Floats, Floats | None]]) -> None:
    """Write histograms (``TH1D``) of equal edges, of values and variances or None; each number keeps its bits."""
    path.write_bytes(root_file(edges, histograms))


class HistogramFiles:
    """The ROOT files that a card in a folder names, opened when they are needed, to be closed by :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, tuple[Any, frozenset[str], memoryview]] = {}
        self._folders: dict[tuple[str, str], Any] = {}
        self._axes: dict[bytes, Floats] = {}

    def has(self, file: str, name: str) -> bool:
        """Tell whether a file has an object."""
        return name in self._open(file)[1]

    def read(self, file: str, name: str) -> Histogram:
        """Return a histogram by its name, with its folders in the file."""
        # Before the file is opened, which may be one that can't be.
        if ":" in name and file.endswith(".root"):
            raise StatisticsError(
                f"{name!r} in {file} is an object of a RooFit workspace or a tree, but only histograms can be read"
            )
        opened, names, content = self._open(file)
        if name not in names:
            raise StatisticsError(f"{file} has no histogram {name!r}")
        try:
            folder, _, stem = name.rpartition("/")
            if (file, folder) not in self._folders:
                self._folders[file, folder] = opened[folder] if folder else opened
            key = self._folders[file, folder].key(stem)
            kind = str(key.fClassName)
            if kind not in CONTENTS:
                raise StatisticsError(f"{name!r} in {file} is a {kind}, but only histograms with one axis can be read")
            found = parse_histogram(_unpack(key, content), kind, self._axes)
            values, squares, edges = found or _read_any(opened[name])
        except (ValueError, OSError, zlib.error, uproot.DeserializationError, NotImplementedError) as error:
            raise StatisticsError(f"{name!r} in {file} can't be read: {error}") from None
        # A histogram without sums of squares has the errors of counts, as ROOT's GetBinError gives them.
        variances = np.abs(values) if squares is None else squares
        place = f"{name!r} in {file}"
        check_finite(values, "content", place)
        return Histogram(values, variances, edges, place)

    def close(self) -> None:
        """Close all files."""
        for file, *_ in self._files.values():
            file.close()
        self._files.clear()
        self._folders.clear()

    def _open(self, file: str) -> tuple[Any, frozenset[str], memoryview]:
        if file not in self._files:
            path = self._folder / file
            if path.suffix != ".root":
                raise StatisticsError(f"{file} isn't a ROOT file by its name, and no other ones can be read")
            if not path.is_file():
                raise StatisticsError(f"the file {file} is missing in {self._folder}")
            try:
                opened = uproot.open(path, handler=uproot.MemmapSource)
                names = frozenset(opened.keys(cycle=False))
                content = np.memmap(path, mode="r").data
            except (ValueError, OSError, uproot.DeserializationError) as error:
                first = str(error).strip().partition("\n")[0]
                raise StatisticsError(f"the file {file} isn't a ROOT file with histograms: {first}") from None
            self._files[file] = opened, names, content
        return self._files[file]


def _unpack(key: Any, content: memoryview) -> bytes:
    """Return the bytes of an object in a file."""
    packed = bytes(content[key.fSeekKey + key.fKeylen : key.fSeekKey + key.fNbytes])
    # Fast path for one block of zlib, as histograms usually are, after 9 bytes with method and sizes.
    if packed[:2] == b"ZL" and len(packed) == 9 + int.from_bytes(packed[3:6], "little") and key.fObjlen != len(packed):
        return zlib.decompress(packed[9:])
    return bytes(key.get_uncompressed_chunk_cursor()[0].raw_data)


def _read_any(histogram: Any) -> tuple[Floats, Floats | None, Floats]:
    """Return contents, variances and edges of a histogram of any version."""
    squares = np.array(histogram.variances(), dtype=float) if len(histogram.member("fSumw2")) else None
    return np.array(histogram.values(), dtype=float), squares, np.array(histogram.axis().edges(), dtype=float)


def check_finite(values: Floats, what: str, place: str) -> None:
    """Check that all bins have a number."""
    # One number tells of all of them, which is faster.
    if not (math.isfinite(values.sum()) or (finite := np.isfinite(values)).all()):
        raise StatisticsError(f"the {what} of bin {int(np.argmin(finite))} of {place} isn't a number")
