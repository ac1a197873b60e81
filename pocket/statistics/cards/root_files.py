"""Writer of ROOT files with many histograms of equal edges, such as those of datacards.

uproot writes a file with one histogram. Its parts that don't depend on the histograms, and the bytes of the histogram,
in which name and contents are replaced, are what the file is made of, since uproot takes long for thousands of them. A
file depends on its content alone, so equal histograms have equal files.

Source of the layout: ROOT's documentation, "TFile" and "TKey" (https://root.cern/doc/master/classTFile.html).
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import uproot
import uproot.writing.identify as to_root

from pocket.base.typing import Floats
from pocket.errors import StatisticsError

#: position of the first key, and of the identifier of the file
_BEGIN, _IDENTIFIER = 100, 47
#: end of the free space that a file has behind its end
_LARGEST = 2_000_000_000
#: larger objects are compressed in several pieces
_LARGEST_PIECE = 0xFFFFFF
#: 1 January 2000 as ROOT packs it, so that files don't depend on when they are written
_DATE = (2000 - 1995) << 26 | 1 << 22 | 1 << 17
_KEY = ">ihiIhhii"
_CLASS = b"TH1D"
#: numbers that stand for contents and their errors until these are known
_CONTENTS, _SQUARES, _ENTRIES = 1.25e-301, 1.5e-302, 1.75e-303
#: positions of the byte counts of TH1D, TH1 and TNamed, which contain the name
_COUNTS = (0, 6, 12)
#: bytes of TNamed before its name
_BEFORE_NAME = 18 + 10


def root_file(edges: Floats, histograms: Mapping[str, tuple[Floats, Floats | None]]) -> bytes:
    """Return the content of a ROOT file with histograms (``TH1D``) of equal edges: values, variances or None."""
    edges = np.asarray(edges, dtype=float)
    skeleton, templates = _Skeleton.make(edges), {kind: _Template.make(edges, kind) for kind in (True, False)}
    title = b"\0"
    parts = [skeleton.head]
    position = len(skeleton.head)
    heads = []
    for name, (values, variances) in histograms.items():
        content = templates[variances is not None].fill(name, values, variances)
        packed = _compress(content)
        strings = _string(_CLASS) + _string(name.encode()) + title
        head = _key(len(packed), len(content), position, strings)
        heads.append(head)
        parts += [head, packed]
        position += len(head) + len(packed)
    own = skeleton.own_strings
    listed = b"".join([struct.pack(">i", len(heads)), *heads])
    keys_at, keys = position, _key(len(listed), len(listed), position, own) + listed
    info_at = keys_at + len(keys)
    info = bytearray(skeleton.streamers)
    struct.pack_into(">I", info, 10, _DATE)
    struct.pack_into(">i", info, 18, info_at)
    free_at = info_at + len(info)
    size = struct.calcsize(_KEY) + len(own) + 10
    end = free_at + size
    if end >= _LARGEST:
        raise StatisticsError(
            f"the histograms of a region take {end / 1e9:.1f} GB, more than a ROOT file of 2 GB holds"
        )
    free = _key(10, 10, free_at, own) + struct.pack(">hii", 1, end, _LARGEST)
    whole = bytearray(b"".join([*parts, keys, bytes(info), free]))
    skeleton.point(whole, end, free_at, size, info_at, keys_at, len(keys))
    return bytes(whole)


@dataclass(frozen=True)
class _Skeleton:
    """What a file has besides histograms: header and record of the directory, and key and description of classes."""

    head: bytes
    streamers: bytes

    @classmethod
    def make(cls, edges: Floats) -> _Skeleton:
        """Return that of a file that uproot writes."""
        content = io.BytesIO()
        with uproot.recreate(content, compression=uproot.ZLIB(1)) as file:
            file["h"] = _histogram(edges, with_squares=True)
            file.file.sink.flush()
            written = content.getvalue()
        (length,) = struct.unpack_from(">i", written, _BEGIN)
        at, size = struct.unpack_from(">ii", written, 37)
        return cls(written[: _BEGIN + length], written[at : at + size])

    @cached_property
    def own_strings(self) -> bytes:
        """Class, name and title of the file, as keys have them."""
        (length,) = struct.unpack_from(">h", self.head, _BEGIN + 14)
        return self.head[_BEGIN + struct.calcsize(_KEY) : _BEGIN + length]

    def point(
        self, content: bytearray, end: int, free_at: int, free_size: int, info_at: int, keys_at: int, keys_size: int
    ) -> None:
        """Write positions and sizes of all records into header and directory, and an identifier of the content."""
        struct.pack_into(">iiii", content, 12, end, free_at, free_size, 1)
        struct.pack_into(">i", content, 37, info_at)
        # The record of the directory comes after the file's name and title, which its key has too.
        directory = _BEGIN + struct.unpack_from(">i", content, 28)[0]
        struct.pack_into(">I", content, _BEGIN + 10, _DATE)
        struct.pack_into(">IIi", content, directory + 2, _DATE, _DATE, keys_size)
        struct.pack_into(">i", content, directory + 26, keys_at)
        identifiers = (_IDENTIFIER, directory + 32)
        for place in identifiers:
            content[place : place + 16] = bytes(16)
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        for place in identifiers:
            content[place : place + 16] = digest


@dataclass(frozen=True)
class _Template:
    """The bytes of a histogram without a name, and positions of what differs between histograms."""

    content: bytes
    entries: int
    squares: int  # −1 if there are none
    values: int

    @classmethod
    def make(cls, edges: Floats, with_squares: bool) -> _Template:
        """Return the template of histograms of some edges."""
        content = _histogram(edges, with_squares).serialize(name="")
        places = [content.find(struct.pack(">d", mark)) for mark in (_ENTRIES, _SQUARES, _CONTENTS)]
        return cls(content, *places)

    def fill(self, name: str, values: Floats, variances: Floats | None) -> bytes:
        """Return the bytes of a histogram, with empty under- and overflow."""
        total = float(np.sum(values))
        squares = total if variances is None else float(np.sum(variances))
        content = bytearray(self.content)
        # The effective number of events, from which ROOT shows that the histogram isn't empty.
        struct.pack_into(">d", content, self.entries, total**2 / squares if squares > 0 else total)
        for place, numbers in ((self.values, values), (self.squares, variances)):
            if numbers is not None:
                packed = np.asarray(numbers, dtype=">f8").tobytes()
                content[place : place + len(packed)] = packed
        encoded = _string(name.encode())
        for place in _COUNTS:
            (count,) = struct.unpack_from(">I", content, place)
            struct.pack_into(">I", content, place, count + len(encoded) - 1)
        content[_BEFORE_NAME : _BEFORE_NAME + 1] = encoded
        return bytes(content)


def _histogram(edges: Floats, with_squares: bool) -> Any:
    """Return a histogram as uproot writes it, with numbers that are found in its bytes."""
    bins = len(edges) - 1
    axis = to_root.to_TAxis(
        fName="xaxis", fTitle="", fNbins=bins, fXmin=float(edges[0]), fXmax=float(edges[-1]), fXbins=edges
    )
    padded = np.zeros((2, bins + 2))
    padded[:, 1:-1] = [[_CONTENTS], [_SQUARES]]
    return to_root.to_TH1x(
        fName=None,
        fTitle="",
        data=padded[0],
        fEntries=_ENTRIES,
        fTsumw=0.0,
        fTsumw2=0.0,
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fSumw2=padded[1] if with_squares else None,
        fXaxis=axis,
    )


def _string(text: bytes) -> bytes:
    """Return a string as ROOT stores it, after its length."""
    return (bytes([len(text)]) if len(text) < 255 else b"\xff" + struct.pack(">i", len(text))) + text


def _key(packed: int, size: int, position: int, strings: bytes) -> bytes:
    """Return the key of an object of some bytes in the file and in memory, with its class, name and title."""
    length = struct.calcsize(_KEY) + len(strings)
    return struct.pack(_KEY, length + packed, 4, size, _DATE, length, 1, position, _BEGIN) + strings


def _compress(content: bytes) -> bytes:
    """Return the bytes of an object as they are in the file."""
    size = len(content)
    if size > _LARGEST_PIECE:
        return bytes(uproot.compression.compress(content, uproot.ZLIB(1)))
    packed = zlib.compress(content, 1)
    if len(packed) + 9 >= size:
        return content
    return b"ZL\x08" + struct.pack("<I", len(packed))[:3] + struct.pack("<I", size)[:3] + packed
