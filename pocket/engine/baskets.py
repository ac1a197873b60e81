"""Numbers, and lists of numbers, read out of the baskets of a TTree.

uproot makes an object of each basket with all that ROOT stores about it, and new memory for what is decompressed, which
takes longer than the decompression. A column of numbers needs little of it. The bytes are fetched by uproot.

A basket begins with a key (https://root.cern/doc/master/classTKey.html): its size in bytes, a version, the size of the
uncompressed data, a date, the size of the key, a cycle, and names. The key ends with what TBasket adds to it
(https://root.cern/doc/master/classTBasket.html): a version, two sizes of buffers, the number of entries, the end of the
values, counted from the beginning of the key, and a flag. Behind it are the compressed data: the values, and for lists
the position of each entry's first byte, counted from the beginning of the key as well.
"""

from __future__ import annotations

import lzma
import queue
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import awkward as ak
import cramjam
import numpy as np
import numpy.typing as npt
import uproot
from uproot.source.cursor import Cursor

Bytes = npt.NDArray[np.uint8]

_KEY = struct.Struct(">ihiIhh")
_BASKET = struct.Struct(">Hiiii?")
_POSITION = np.dtype(">i4")
#: bytes before each compressed block: two of the algorithm, one of its version, three each of both sizes
_BLOCK = 9


def read_numbers(branch: Any, start: int, stop: int) -> ak.Array | None:
    """Read a range of entries of a branch with one number, or a list of numbers, per entry.

    Args:
        branch: the branch.
        start: first entry.
        stop: entry after the last one.

    Returns:
        What ``branch.array()`` gives, or ``None`` for branches of another kind and where anything in their baskets
        isn't as expected.
    """
    if not isinstance(branch, uproot.TBranch):
        return None
    interpretation = branch.interpretation
    is_list = type(interpretation) is uproot.AsJagged and interpretation.header_bytes == 0
    numbers = interpretation.content if is_list else interpretation
    if type(numbers) is not uproot.AsDtype or numbers.from_dtype.kind not in "biuf":
        return None
    places = branch.entries_to_ranges_or_baskets(start, stop)
    if not places or not all(isinstance(place, tuple) for _, place in places):
        return None
    try:
        baskets = _baskets(branch, places)
        return _lists(baskets, start, stop, numbers) if is_list else _values(baskets, start, stop, numbers)
    except (cramjam.DecompressionError, lzma.LZMAError, struct.error, ValueError, IndexError):
        # uproot reads it in its own way, or says in its own words what is wrong
        return None


def _zstd(block: Bytes, memory: Bytes) -> int:
    return int(cramjam.zstd.decompress_into(block.data, memory.data))


def _lzma(block: Bytes, memory: Bytes) -> int:
    # Python's own is a third faster than cramjam's
    unpacked = lzma.decompress(block.data)
    memory[: len(unpacked)] = np.frombuffer(unpacked, dtype=np.uint8)
    return len(unpacked)


#: algorithm of a block → what unpacks it into memory and returns its size; uproot unpacks the others
UNPACK: dict[bytes, Callable[[Bytes, Bytes], int]] = {b"ZS": _zstd, b"XZ": _lzma}


@dataclass(frozen=True)
class _Basket:
    """A basket as it is in the file.

    Args:
        first: its first entry in the tree.
        last: the entry after its last one.
        chunk: the bytes of it, from the file.
        begin: where it begins in the file.
        raw: these bytes.
        key_length: bytes of the key.
        size: bytes behind the key, uncompressed.
        border: bytes of the values, uncompressed.
    """

    first: int
    last: int
    chunk: Any
    begin: int
    raw: Bytes
    key_length: int
    size: int
    border: int

    def uncompressed(self, memory: Bytes) -> Bytes:
        """Return what is behind the key; in the given memory, of which there must be enough, if possible."""
        packed = self.raw[self.key_length :]
        if len(packed) == self.size:
            return packed
        filled = 0
        while len(packed) and (unpack := UNPACK.get(bytes(packed[:2]))):
            compressed, size = (int.from_bytes(packed[byte : byte + 3], "little") for byte in (3, 6))
            block = packed[_BLOCK : _BLOCK + compressed]
            if len(block) != compressed or unpack(block, memory[filled : filled + size]) != size:
                raise ValueError("a block of another size than it says")
            filled, packed = filled + size, packed[_BLOCK + compressed :]
        if not len(packed) and filled == self.size:
            return memory[:filled]
        cursor = Cursor(self.begin + self.key_length)
        unpacked = uproot.compression.decompress(self.chunk, cursor, {}, len(self.raw) - self.key_length, self.size)
        found: Bytes = unpacked.get(0, self.size, Cursor(0), {})
        return found


def _baskets(branch: Any, places: list[tuple[int, tuple[int, int]]]) -> list[_Basket]:
    ranges = [(int(begin), int(end)) for _, (begin, end) in places]
    chunks = branch.file.source.chunks(ranges, notifications=queue.Queue())
    entries = branch.entry_offsets
    baskets = []
    for (number, _), (begin, end), chunk in zip(places, ranges, chunks, strict=True):
        raw = chunk.get(begin, end, Cursor(begin), {})
        stored, _, size, _, key_length, _ = _KEY.unpack_from(raw)
        _, _, _, n_entries, behind, _ = _BASKET.unpack_from(raw, key_length - _BASKET.size)
        first, last, border = entries[number], entries[number + 1], behind - key_length
        if stored != end - begin or n_entries != last - first or not 0 <= border <= size:
            raise ValueError("not the basket that the branch speaks of")
        baskets.append(_Basket(first, last, chunk, begin, raw, key_length, size, border))
    return baskets


def _memory(baskets: list[_Basket]) -> Bytes:
    # the same for all baskets, so that it stays in the caches of the processor
    return np.empty(max(basket.size for basket in baskets), dtype=np.uint8)


def _values(baskets: list[_Basket], start: int, stop: int, numbers: Any) -> ak.Array:
    column = np.empty(stop - start, dtype=numbers.to_dtype)
    memory = _memory(baskets)
    for basket in baskets:
        values = basket.uncompressed(memory).view(numbers.from_dtype)
        if basket.border != basket.size or len(values) != basket.last - basket.first:
            raise ValueError("not one number per entry, and nothing else")
        first, last = max(start, basket.first), min(stop, basket.last)
        column[first - start : last - start] = values[first - basket.first : last - basket.first]
    return ak.Array(column)


def _lists(baskets: list[_Basket], start: int, stop: int, numbers: Any) -> ak.Array:
    offsets = np.zeros(stop - start + 1, dtype=np.int64)
    content = np.empty(sum(basket.border for basket in baskets) // numbers.itemsize, dtype=numbers.to_dtype)
    memory = _memory(baskets)
    total = 0
    for basket in baskets:
        data = basket.uncompressed(memory)
        starts = data[basket.border :].view(_POSITION)[1:] - np.int32(basket.key_length)
        if len(starts) != basket.last - basket.first + 1:
            raise ValueError("the basket doesn't tell where its entries begin")
        starts[-1] = basket.border
        first, last = max(start, basket.first), min(stop, basket.last)
        starts = starts[first - basket.first : last - basket.first + 1] // numbers.itemsize
        values = data[: basket.border].view(numbers.from_dtype)[starts[0] : starts[-1]]
        if starts[0] < 0 or len(values) != starts[-1] - starts[0]:
            raise ValueError("positions outside of the basket")
        offsets[first - start : last - start + 1] = starts
        offsets[first - start : last - start + 1] += total - starts[0]
        content[total : total + len(values)] = values
        total += len(values)
    lists = ak.contents.ListOffsetArray(ak.index.Index64(offsets), ak.contents.NumpyArray(content[:total]))
    return ak.Array(lists)
