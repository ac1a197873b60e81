"""Histograms with one axis from their bytes in a ROOT file, of which only contents, errors and edges are taken.

Each class in the bytes comes after the number of its bytes and its version, so that what isn't needed is skipped.
Members are in the order of ROOT's ``TH1`` and ``TAxis``, whose versions here are those of ROOT 5.34 to 6; others are
for uproot.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from pocket.base.typing import Floats

#: class of the histogram → type of its contents, in the order of bytes in the file
CONTENTS: Final = {"TH1D": ">f8", "TH1F": ">f4", "TH1I": ">i4", "TH1S": ">i2", "TH1C": ">i1"}
_TH1_VERSIONS = (7, 8)
_AXIS_VERSIONS = (9, 10)
#: bit of the number of bytes, which tells it from other numbers
_BYTE_COUNT = 0x40000000
#: classes that TH1 derives from, and axes beside the first one
_BASES, _OTHER_AXES = 4, 2
#: two numbers of bars, then eight of sums and limits
_BARS_AND_SUMS = 2 * 2 + 8 * 8


class _Bytes:
    """A position in the bytes of an object."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def version(self) -> tuple[int, int]:
        """Return the version of the class that begins here, and the position after it."""
        count, version = struct.unpack_from(">IH", self.data, self.position)
        if not count & _BYTE_COUNT:
            raise ValueError("a class doesn't begin with the number of its bytes")
        end = self.position + 4 + (count & ~_BYTE_COUNT)
        self.position += 6
        return version, end

    def skip(self, classes: int) -> None:
        """Skip some classes."""
        for _ in range(classes):
            _, self.position = self.version()

    def array(self, kind: str = ">f8") -> Floats:
        """Return an array of numbers, which comes after its length."""
        (size,) = struct.unpack_from(">i", self.data, self.position)
        values = np.frombuffer(self.data, kind, size, self.position + 4)
        self.position += 4 + values.nbytes
        return values.astype(float)


def parse_histogram(data: bytes, kind: str) -> tuple[Floats, Floats | None, Floats] | None:
    """Return contents, variances and edges of a histogram, without under- and overflow.

    Returns:
        Contents of shape (bins,), sums of squared weights of that shape, or None if it has none, and edges of shape
        (bins + 1,); or None if the bytes are of another version.

    >>> parse_histogram(b"", "TH1D") is None
    True
    """
    source = _Bytes(data)
    try:
        source.version()
        version, end = source.version()
        if version not in _TH1_VERSIONS:
            return None
        source.skip(_BASES)
        (cells,) = struct.unpack_from(">i", data, source.position)
        source.position += 4
        edges = _edges(source)
        if edges is None:
            return None
        source.skip(_OTHER_AXES)
        source.position += _BARS_AND_SUMS
        source.array()  # Levels of contours.
        squares = source.array()
        source.position = end
        contents = source.array(CONTENTS[kind])
    except (struct.error, ValueError):
        return None
    if len(contents) != cells or len(edges) + 1 != cells or len(squares) not in (0, cells):
        return None
    return contents[1:-1], squares[1:-1] if len(squares) else None, edges


def _edges(source: _Bytes) -> Floats | None:
    """Return the edges of the axis that begins here."""
    version, end = source.version()
    if version not in _AXIS_VERSIONS:
        return None
    source.skip(2)
    bins, low, high = struct.unpack_from(">idd", source.data, source.position)
    source.position += 4 + 8 + 8
    edges = source.array()
    source.position = end
    return edges if len(edges) else np.linspace(low, high, bins + 1)
