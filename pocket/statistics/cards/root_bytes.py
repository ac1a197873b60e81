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
#: bit of the number of bytes; without it, that number leads beyond all bytes, where nothing can be read
_BYTE_COUNT = 0x40000000
#: classes that TH1 derives from, and axes beside the first one
_BASES, _OTHER_AXES = 4, 2
#: two numbers of bars, then eight of sums and limits
_BARS_AND_SUMS = 2 * 2 + 8 * 8
_CLASS, _SIZE, _AXIS = struct.Struct(">IH"), struct.Struct(">i"), struct.Struct(">idd")


def parse_histogram(data: bytes, kind: str, axes: dict[bytes, Floats]) -> tuple[Floats, Floats | None, Floats] | None:
    """Return contents, sums of squared weights or None, and edges of a histogram, without under- and overflow.

    It is None if the bytes are of another version. ``axes`` are edges by the bytes of their axis, to which others are
    added, so that histograms share them.
    """
    try:
        version, end = _begin(data, _CLASS.size)
        if version not in _TH1_VERSIONS:
            return None
        position = _skip(data, 2 * _CLASS.size, _BASES)
        (cells,) = _SIZE.unpack_from(data, position)
        version, after = _begin(data, position + _SIZE.size)
        if version not in _AXIS_VERSIONS:
            return None
        axis = data[_skip(data, position + _SIZE.size + _CLASS.size, 2) : after]
        if axis not in axes:
            bins, low, high = _AXIS.unpack_from(axis)
            edges, _ = _array(axis, _AXIS.size)
            axes[axis] = edges if len(edges) else np.linspace(low, high, bins + 1)
        edges = axes[axis]
        _, position = _array(data, _skip(data, after, _OTHER_AXES) + _BARS_AND_SUMS)  # Levels of contours.
        squares, _ = _array(data, position)
        contents, _ = _array(data, end, CONTENTS[kind])
    except (struct.error, ValueError):
        return None
    if len(contents) != cells or len(edges) + 1 != cells or len(squares) not in (0, cells):
        return None
    return contents[1:-1], squares[1:-1] if len(squares) else None, edges


def _begin(data: bytes, position: int) -> tuple[int, int]:
    """Return the version of the class that begins somewhere, and the position after it."""
    count, version = _CLASS.unpack_from(data, position)
    return version, position + 4 + (count ^ _BYTE_COUNT)


def _skip(data: bytes, position: int, classes: int) -> int:
    """Return the position after some classes."""
    for _ in range(classes):
        _, position = _begin(data, position)
    return position


def _array(data: bytes, position: int, kind: str = ">f8") -> tuple[Floats, int]:
    """Return an array of numbers, which comes after its length, and the position after it."""
    (size,) = _SIZE.unpack_from(data, position)
    values = np.frombuffer(data, kind, size, position + _SIZE.size)
    return values.astype(float), position + _SIZE.size + values.nbytes
