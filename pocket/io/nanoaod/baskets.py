"""Reader of columns of numbers, and of lists of numbers, from the baskets of a TTree.

For each basket, uproot makes an object with all that ROOT stores about it, and decodes all values of a column before
any of them are left out, which takes longer than the decompression. Here, the values to keep are copied from a basket
while it is in the CPU's caches.

A basket begins with a key (https://root.cern/doc/master/classTKey.html): its size in bytes, a version, the size of the
uncompressed data, a date, the size of the key, a cycle, and names. The key ends with the members of TBasket
(https://root.cern/doc/master/classTBasket.html): a version, two sizes of buffers, the number of entries, the end of the
values, counted from the beginning of the key, and a flag. The compressed data follow: the values, and for lists the
position of each entry's first byte, also counted from the beginning of the key.
"""

from __future__ import annotations

import ctypes
import functools
import lzma
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import awkward as ak
import cramjam
import lz4.block
import numba
import numpy as np
import uproot
import xxhash
import zstandard
from uproot.source.chunk import Chunk
from uproot.source.cursor import Cursor

from pocket.base.typing import Indices
from pocket.io.nanoaod.packing import Packing
from pocket.io.nanoaod.read_ahead import Place
from pocket.io.nanoaod.ttree import Column

if TYPE_CHECKING:
    from pocket.io.nanoaod.kept_reads import FileReads

_KEY = struct.Struct(">ihiIhh")
_BASKET = struct.Struct(">Hiiii?")
_POSITION = np.dtype(">i4")
#: Errors of damaged blocks.
_DAMAGED = (zstandard.ZstdError, lzma.LZMAError, cramjam.DecompressionError, lz4.block.LZ4BlockError)
#: First version of liblzma that is faster than the one in cramjam; 5.2 takes twice as long.
_FAST_LIBLZMA = (5, 4)
#: Bytes before each compressed block: two for the algorithm, one for its version, three for each of both sizes.
_BLOCK = 9
#: Bytes of the checksum before the data of an LZ4 block.
_CHECKSUM = 8


class Part(NamedTuple):
    """Range of entries of a column in one file, of which a packing selects some, and what is kept of the file."""

    source: Any
    column: Column
    start: int
    stop: int
    packing: Packing | None = None
    shared: FileReads | None = None


def read_numbers(parts: Sequence[Part]) -> ak.Array | None:
    """Read a column of one type from several files; return ``None`` if the baskets have an unexpected content."""
    column = parts[0].column
    baskets: list[_Basket] = []
    size = 0
    try:
        for part in parts:
            baskets += _baskets(part, size)
            size += part.stop - part.start if part.packing is None else len(part.packing)
        return (_lists if column.is_list else _values)(baskets, size, column.dtype)
    except (*_DAMAGED, struct.error, ValueError, IndexError):
        # uproot reads such a column itself, or raises the error.
        return None


class _Zstd(threading.local):
    """ZSTD decompressor of this thread."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()

    def __call__(self, block: memoryview, size: int) -> bytes:
        return self._decompressor.decompress(block, allow_extra_data=False)


def _lz4(block: memoryview, size: int) -> bytes:
    if xxhash.xxh64_digest(block[_CHECKSUM:]) != block[:_CHECKSUM]:
        raise ValueError("a block of LZ4 with another checksum")
    unpacked: bytes = lz4.block.decompress(block[_CHECKSUM:], uncompressed_size=size)
    return unpacked


def liblzma_version() -> str:
    """Return the version of the liblzma that Python uses, empty if it is a part of Python, which is recent then."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
        library = ctypes.CDLL(next(line.split(maxsplit=5)[5] for line in maps if "/liblzma.so" in line))
        library.lzma_version_string.restype = ctypes.c_char_p
        version: bytes = library.lzma_version_string()
    except (OSError, StopIteration, AttributeError):
        return ""
    return version.decode()


@functools.cache
def xz_library() -> str:
    """Return the library that unpacks LZMA: ``lzma``, which uses the system's, or ``cramjam`` where that is old."""
    version = liblzma_version()
    is_old = bool(version) and tuple(map(int, version.split(".")[:2])) < _FAST_LIBLZMA
    return "cramjam" if is_old else "lzma"


def _xz(block: memoryview, size: int) -> bytes:
    return bytes(cramjam.xz.decompress(block)) if xz_library() == "cramjam" else lzma.decompress(block)


#: Algorithm of a block → function that unpacks it, given its size; uproot unpacks the others.
UNPACK: dict[bytes, Callable[[memoryview, int], bytes]] = {b"ZS": _Zstd(), b"XZ": _xz, b"L4": _lz4}


class _Content(NamedTuple):
    """Content of a basket as stored in the file."""

    n_entries: int
    begin: int  # Its first byte in the file.
    key_length: int
    packed: memoryview  # Bytes after the key, which are compressed if they are fewer than ``size``.
    size: int  # Uncompressed bytes after the key.
    border: int  # Uncompressed bytes of the values.

    @classmethod
    def of(cls, content: Any, begin: int, end: int) -> _Content:
        raw = memoryview(content)
        stored, _, size, _, key_length, _ = _KEY.unpack_from(raw)
        _, _, _, n_entries, behind, _ = _BASKET.unpack_from(raw, key_length - _BASKET.size)
        border = behind - key_length
        if not stored == end - begin == len(raw) or not 0 <= border <= size:
            raise ValueError("not a basket")
        return cls(n_entries, begin, key_length, raw[key_length:], size, border)

    def uncompressed(self) -> bytes:
        packed = self.packed
        if len(packed) == self.size:
            return packed.tobytes()
        blocks = []
        while len(packed) and (unpack := UNPACK.get(bytes(packed[:2]))):
            compressed, size = (int.from_bytes(packed[byte : byte + 3], "little") for byte in (3, 6))
            block = packed[_BLOCK : _BLOCK + compressed]
            if len(block) != compressed or len(unpacked := unpack(block, size)) != size:
                raise ValueError("a block of another size than it says")
            blocks.append(unpacked)
            packed = packed[_BLOCK + compressed :]
        if not len(packed) and sum(map(len, blocks)) == self.size:
            return blocks[0] if len(blocks) == 1 else b"".join(blocks)
        first = self.begin + self.key_length
        chunk = Chunk.wrap(None, np.frombuffer(self.packed, dtype=np.uint8), first)
        chunk = uproot.compression.decompress(chunk, Cursor(first), {}, len(self.packed), self.size)
        return bytes(chunk.get(0, self.size, Cursor(0), {}))


class _Basket(NamedTuple):
    """Basket: its wanted entries, counted from the first one, and their place among all wanted entries."""

    wanted: slice | Indices
    target: slice
    content: _Content
    shared: FileReads | None

    def uncompressed(self) -> bytes | memoryview:
        """Return the uncompressed data after the key, and keep them for those who read the file later."""
        content, shared = self.content, self.shared
        if shared is None:
            return content.uncompressed()
        if content.begin in shared.baskets:
            return content.packed
        data = content.uncompressed()
        if (kept := shared.copy(data)) is not None:
            shared.baskets[content.begin] = content._replace(packed=kept)
        return data


def places(column: Column, start: int, stop: int, packing: Packing | None = None) -> list[Place]:
    """Return the places of the baskets that :func:`read_numbers` reads."""
    _, found = _needed(column, start, stop, packing)
    return list(found.values())


def _needed(column: Column, start: int, stop: int, packing: Packing | None) -> tuple[list[int], dict[int, Place]]:
    """Return the first wanted entry of each basket among all of them, and number → place of baskets with any."""
    edges = np.array(column.edges) - start
    if packing is None:
        size, bounds = stop - start, edges.clip(0, stop - start).tolist()
    else:
        size, bounds = len(packing), np.searchsorted(packing.positions, edges).tolist()
    if bounds[0] or bounds[-1] != size:
        raise ValueError("the baskets don't have all entries")
    found = {number: place for number, place in enumerate(column.places) if bounds[number] < bounds[number + 1]}
    return bounds, found


def _baskets(part: Part, before: int) -> list[_Basket]:
    """Return the baskets with wanted entries, given the number of wanted entries before them."""
    source, column, start, stop, packing, shared = part
    bounds, found = _needed(column, start, stop, packing)
    kept = {} if shared is None else shared.baskets
    unread = [place for place in found.values() if place[0] not in kept]
    read = {place: _Content.of(raw, *place) for place, raw in zip(unread, source.read(unread), strict=True)}
    baskets = []
    for number, stored in found.items():
        content = read[stored] if stored in read else kept[stored[0]]
        first, next_one = (edge - start for edge in column.edges[number : number + 2])
        if content.n_entries != next_one - first:
            raise ValueError("not the basket that the branch speaks of")
        place = slice(bounds[number], bounds[number + 1])
        entries: slice | Indices = place if packing is None else packing.positions[place]
        if isinstance(entries, np.ndarray) and int(entries[-1]) - int(entries[0]) == len(entries) - 1:
            entries = slice(int(entries[0]), int(entries[-1]) + 1)
        target = slice(place.start + before, place.stop + before)
        wanted = slice(entries.start - first, entries.stop - first) if isinstance(entries, slice) else entries - first
        baskets.append(_Basket(wanted, target, content, shared))
    return baskets


def _values(baskets: list[_Basket], size: int, dtype: np.dtype[Any]) -> ak.Array:
    column = np.empty(size, dtype=dtype.newbyteorder("="))
    for basket in baskets:
        values, stored = np.frombuffer(basket.uncompressed(), dtype=dtype), basket.content
        if stored.border != stored.size or len(values) != stored.n_entries:
            raise ValueError("not one number per entry, and nothing else")
        column[basket.target] = values[basket.wanted]
    return ak.Array(column)


def _lists(baskets: list[_Basket], size: int, dtype: np.dtype[Any]) -> ak.Array:
    # Values are handled as unsigned integers, like their bytes; memory that is never written to isn't allocated.
    native = np.dtype(f"u{dtype.itemsize}")
    stored = native.newbyteorder(">")
    content = np.empty(sum(basket.content.border for basket in baskets) // native.itemsize + 8, dtype=native)
    offsets = np.zeros(size + 1, dtype=np.int64)
    filled = 0
    for basket in baskets:
        data, known = basket.uncompressed(), basket.content
        # The view includes the data after the values.
        values = np.frombuffer(data, dtype=native, count=len(data) // native.itemsize)
        # Convert to native byte order first: only native integers are vectorised.
        starts = np.frombuffer(data, dtype=_POSITION, offset=known.border)[1:].astype(np.int32)
        if len(starts) != known.n_entries + 1:
            raise ValueError("the basket doesn't tell where its entries begin")
        starts -= np.int32(known.key_length)
        starts[-1] = known.border
        starts >>= np.int32(native.itemsize.bit_length() - 1)
        ends = offsets[basket.target.start + 1 : basket.target.stop + 1]
        if isinstance(basket.wanted, slice):
            bounds = starts[basket.wanted.start : basket.wanted.stop + 1]
            begin, end = int(bounds[0]), filled + int(bounds[-1] - bounds[0])
            if begin < 0 or bounds[-1] > starts[-1] or not _shift(bounds, filled - begin, ends):
                raise ValueError("positions outside of the basket")
            content[filled:end] = values[begin : bounds[-1]].view(stored)
        else:
            end = _copy(values, starts, basket.wanted, content, filled, ends)
            if end < 0:
                raise ValueError("positions outside of the basket")
            # Swap bytes while they are in the CPU's caches; byteswap() is much slower.
            content[filled:end] = content[filled:end].view(stored)
        filled = end
    lists = ak.contents.ListOffsetArray(
        ak.index.Index64(offsets), ak.contents.NumpyArray(content[:filled].view(dtype.newbyteorder("=")))
    )
    return ak.Array(lists)


@numba.njit(cache=True, nogil=True)
def _shift(bounds: Any, by: int, ends: Indices) -> bool:
    """Write the ends of lists, shape (n,), shifted by a number of elements, and tell whether they never decrease."""
    growing = True
    for number in range(np.uint64(len(ends))):
        end = bounds[number + np.uint64(1)]
        growing &= end >= bounds[number]
        ends[number] = np.int64(end) + by
    return growing


@numba.njit(cache=True, nogil=True)
def _copy(values: Any, starts: Any, wanted: Indices, content: Any, filled: int, ends: Indices) -> Any:
    """Copy lists of some entries, and return the number of elements with those before; −1 if one isn't in the values.

    Args:
        starts: first value of each entry, and the end of the last one, shape (n entries + 1,).
        wanted: numbers of the entries to copy, shape (n,).
        content: written to from the element ``filled`` on; has eight elements more than there are values.
        ends: end of each list in ``content``, written to, shape (n,).
    """
    # Most lists are short, and the CPU can't predict their ends, so a loop with a condition per element would be slow.
    # So eight elements are copied at once, and the next list overwrites those that are too many.
    # Indices are unsigned, so numba skips the check for negative ones.
    place, size, room, eight = np.uint64(filled), np.uint64(starts[-1]), np.uint64(len(values)), np.uint64(8)
    for number in range(len(wanted)):
        entry = np.uint64(wanted[number])
        start, end = np.uint64(starts[entry]), np.uint64(starts[entry + np.uint64(1)])
        if not start <= end <= size:
            return -1
        stop = place + (end - start)
        if end + eight <= room:
            while True:
                # All values are read before any is written, since the compiler can't know that the arrays don't
                # overlap.
                a, b = values[start], values[start + np.uint64(1)]
                c, d = values[start + np.uint64(2)], values[start + np.uint64(3)]
                e, f = values[start + np.uint64(4)], values[start + np.uint64(5)]
                g, h = values[start + np.uint64(6)], values[start + np.uint64(7)]
                content[place], content[place + np.uint64(1)] = a, b
                content[place + np.uint64(2)], content[place + np.uint64(3)] = c, d
                content[place + np.uint64(4)], content[place + np.uint64(5)] = e, f
                content[place + np.uint64(6)], content[place + np.uint64(7)] = g, h
                place, start = place + eight, start + eight
                if place >= stop:
                    break
        else:
            for position in range(end - start):
                content[place + position] = values[start + position]
        place = stop
        ends[number] = np.int64(place)
    return np.int64(place)
