"""Branches of a TTree: their types, and the places of their baskets in the file.

uproot makes five objects for each branch, which takes 0.2 ms: half a second for NanoAOD with 2,600 branches, of which
an analysis reads forty. Here, the bytes of the tree are parsed for the properties of columns of numbers. uproot reads
any branch that isn't a branch with one leaf in ROOT 6's format.

An object in a TTree begins with its number of bytes, marked by a bit, and the version of its class. Its base classes
and members follow in the order of the class, base classes as objects of their own
(https://root.cern/doc/master/dobject.html). A pointer to an object begins with the number of bytes and a tag: the name
of its class, or the position of an earlier occurrence of that name.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import uproot
from uproot.deserialization import numbytes_version

Ranges = list[tuple[int, int]]

_COUNTED = 0x40000000
_CLASS = 0x80000000
_NEW_CLASS = 0xFFFFFFFF
#: Offset of the positions in tags.
_MAP_OFFSET = 2
#: Bit of an object that is referenced; two more bytes follow.
_REFERENCED = 1 << 4

_U4 = struct.Struct(">I")
_TWO = struct.Struct(">II")
_HEADER = struct.Struct(">IH")
#: Header of a class that begins with a base class, and the size of the latter.
_TOP = struct.Struct(">IHI")
#: Versions of TNamed and TObject, and the number of an object.
_NAMED = bytes.fromhex("0001000100000000")
_OBJECT = struct.Struct(">HII")
#: What a TBranch has between its title and its leaf, with the values that never differ in NanoAOD: TAttFill; fCompress,
#: fBasketSize, fEntryOffsetLen, fWriteBasket, fEntryNumber; fIOFeatures; fOffset, fMaxBaskets, fSplitLevel, fEntries,
#: fFirstEntry, fTotBytes, fZipBytes; an empty array of branches; the size of the array of leaves, its only element.
_BRANCH = struct.Struct(">6s4x iiiiq 11s iiiqqqq 25s 4s21s")
_ATTRIBUTES, _FEATURES = bytes.fromhex("400000060002"), bytes.fromhex("4000000700001aa12f1000")
_NO_BRANCHES = bytes.fromhex("40000015000300010000000003000000000000000000000000")
_ONE_LEAF = bytes.fromhex("000300010000000003000000000000000100000000")
#: Members of TLeaf: fLen, fLenType, fOffset, fIsRange, fIsUnsigned.
_LEAF = struct.Struct(">iii??")
_BRANCH_VERSION = 13
_LONGEST_NAME = 80

#: Class of a leaf → type of its numbers, ``None`` for strings; integers may be unsigned.
_TYPES = {
    "TLeafO": "?",
    "TLeafB": "i1",
    "TLeafS": "i2",
    "TLeafI": "i4",
    "TLeafL": "i8",
    "TLeafG": "i8",
    "TLeafF": "f4",
    "TLeafD": "f8",
    "TLeafC": None,
}


@dataclass(frozen=True)
class Column:
    """Branch with one number, or a list of numbers, per entry."""

    name: str
    dtype: np.dtype[Any]  # Stored type of the numbers.
    is_list: bool
    edges: list[int]  # First entry of each basket, and the end of the last one.
    places: Ranges  # First byte, and the one after the last, of each basket in the file.

    @classmethod
    def of(cls, branch: Any) -> Column | None:
        """Return the column of an uproot branch, ``None`` if it is of another kind."""
        if not isinstance(branch, uproot.TBranch):
            return None
        interpretation = branch.interpretation
        is_list = type(interpretation) is uproot.AsJagged and interpretation.header_bytes == 0
        numbers = interpretation.content if is_list else interpretation
        if type(numbers) is not uproot.AsDtype or numbers.from_dtype.kind not in "biuf":
            return None
        places = branch.entries_to_ranges_or_baskets(0, branch.num_entries)
        if not all(isinstance(place, tuple) for _, place in places):
            return None
        ranges = [(int(begin), int(end)) for _, (begin, end) in places]
        return cls(branch.name, numbers.from_dtype, is_list, branch.entry_offsets, ranges)


@dataclass(eq=False)
class Leaf:
    """Branch with one leaf."""

    name: str
    title: str
    kind: tuple[str, str, int, bool, bool]  # Class, title, number of elements, are they unsigned, in lists.
    data: bytes
    baskets: int  # Position of the baskets' metadata in these bytes.
    n_baskets: int  # Number of baskets for which there is space.
    n_written: int
    n_entries: int

    @cached_property
    def dtype(self) -> np.dtype[Any] | None:
        """Stored type of the numbers, ``None`` if entries have neither one number nor a list."""
        leaf_class, _, elements, unsigned, _ = self.kind
        type_name = _TYPES[leaf_class]
        if type_name is None or elements != 1:
            return None
        return np.dtype(type_name.replace("i", "u") if unsigned else type_name).newbyteorder(">")

    @property
    def is_list(self) -> bool:
        return self.kind[-1]

    @cached_property
    def column(self) -> Column | None:
        """The branch as a column, ``None`` if it is of another kind."""
        if self.dtype is None:
            return None
        space, begin = self.n_baskets, self.baskets
        # Each of the three arrays follows one byte.
        sizes = np.frombuffer(self.data, ">i4", space, begin + 1)
        entries = np.frombuffer(self.data, ">i8", space, begin + 2 + 4 * space)
        seeks = np.frombuffer(self.data, ">i8", space, begin + 3 + 12 * space)
        number = min([self.n_written, *np.flatnonzero(seeks == 0).tolist()])
        edges = entries[: number + 1].tolist()
        # If this fails, some baskets are in the tree itself.
        if len(edges) != number + 1 or edges[0] or edges != sorted(edges) or edges[-1] != self.n_entries:
            return None
        begins = seeks[:number].tolist()
        places = [(begin, begin + size) for begin, size in zip(begins, sizes.tolist(), strict=False)]
        return Column(self.name, self.dtype, self.is_list, edges, places)


def read_tree(file: Any, object_path: str) -> tuple[Any, dict[str, Leaf]] | None:
    """Return uproot's tree without branches, and name → our branch; ``None`` for an unexpected content."""
    key = file.key(object_path)
    if key.fClassName != "TTree":
        return None
    try:
        chunk, cursor = key.get_uncompressed_chunk_cursor()
        context = {"breadcrumbs": (), "TKey": key}
        tree = file.file.class_named("TTree").read(chunk, cursor, context, _Shallow(file.file), file.file, key)
        data = chunk.raw_data.tobytes()
        return tree, _leaves(data, tree.member("fBranches").position, -cursor.origin)
    except Exception:
        # Damaged bytes may raise any exception; uproot reads the tree, or raises its own error.
        return None


class _Shallow:
    """Wrapper of a file that makes uproot skip arrays of objects."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def class_named(self, name: str, version: Any = None) -> Any:
        return _Unread if name == "TObjArray" else self._file.class_named(name, version)


class _Unread(tuple[()]):
    """Array of objects that isn't read, and the position of its first byte."""

    position: int

    @classmethod
    def read(cls, chunk: Any, cursor: Any, context: Any, *others: Any) -> _Unread:
        unread = cls()
        unread.position = cursor.index
        size, _, _ = numbytes_version(chunk, cursor, context, move=False)
        cursor.skip(size)
        return unread


def _leaves(data: bytes, position: int, key_length: int) -> dict[str, Leaf]:
    number, position = _array(data, position)
    shift = key_length + _MAP_OFFSET
    #: Tag → name of each class.
    classes: dict[int, str] = {}
    #: Tags of leaves, which leaves with lists refer to for their numbers of elements.
    tags: set[int] = {0}
    found: dict[str, Leaf] = {}
    for _ in range(number):
        name, begin, position = _element(data, position, classes, shift)
        if name != "TBranch":
            raise ValueError(f"a {name}")
        leaf = _leaf(data, begin, classes, shift, tags)
        found.setdefault(leaf.name, leaf)
    return found


def _leaf(data: bytes, position: int, classes: dict[int, str], shift: int, tags: set[int]) -> Leaf:
    """Return the leaf of the TBranch at a position, whose tag is added to those of the leaves before."""
    _, version, size = _TOP.unpack_from(data, position)
    named, position = position + _HEADER.size, position + _TOP.size + (size & ~_COUNTED)
    name, title = _names(data[named:position])
    members = _BRANCH.unpack_from(data, position)
    attributes, _, _, _, n_written, _, features, _, n_baskets, _, n_entries, _, _, _, branches, count, others = members
    content = (version, attributes, features, branches, others)
    if content != (_BRANCH_VERSION, _ATTRIBUTES, _FEATURES, _NO_BRANCHES, _ONE_LEAF):
        raise ValueError("another version of TBranch, with branches of its own or with several leaves")
    first = position + _BRANCH.size
    leaf_class, leaf, _ = _element(data, first, classes, shift)
    if leaf_class not in _TYPES:
        raise ValueError(f"a {leaf_class}")
    # TLeafF begins with TLeaf, and TLeaf with TNamed.
    _, _, size = _TOP.unpack_from(data, leaf + _HEADER.size)
    named, leaf = leaf + 2 * _HEADER.size, leaf + _HEADER.size + _TOP.size + (size & ~_COUNTED)
    _, of_leaf = _names(data[named:leaf])
    elements, _, _, _, unsigned = _LEAF.unpack_from(data, leaf)
    (counter,) = _U4.unpack_from(data, leaf + _LEAF.size)
    if counter not in tags:
        raise ValueError("a number of elements that isn't known")
    tags.add(first + shift)
    kind = (leaf_class, of_leaf, elements, unsigned, counter != 0)
    # The array of leaves is followed by that of baskets.
    baskets = _end(data, _end(data, first - len(count + others)))
    return Leaf(name, title, kind, data, baskets, n_baskets, n_written, n_entries)


def _end(data: bytes, position: int) -> int:
    (count,) = _U4.unpack_from(data, position)
    if not count & _COUNTED:
        raise ValueError("an object that doesn't say how long it is")
    return int(position + _U4.size + (count & ~_COUNTED))


def _string(data: bytes, position: int) -> tuple[str, int]:
    size, position = data[position], position + 1
    if size == 255:
        (size,) = _U4.unpack_from(data, position)
        position += _U4.size
    return data[position : position + size].decode(errors="surrogateescape"), position + size


@functools.lru_cache(maxsize=1 << 14)
def _names(named: bytes) -> tuple[str, str]:
    """Return name and title of a TNamed; files alike have the same ones."""
    bits = _U4.size + len(_NAMED)
    if named[_U4.size : bits] != _NAMED or named[bits + _U4.size - 1] & _REFERENCED:
        raise ValueError("another version of TNamed, or a reference to it")
    name, position = _string(named, bits + _U4.size)
    title, position = _string(named, position)
    if position != len(named):
        raise ValueError("a TNamed of another size than it says")
    return name, title


def _array(data: bytes, position: int) -> tuple[int, int]:
    """Return the number of elements of the TObjArray at a position, and the position of the first one."""
    position += _HEADER.size
    _, _, bits = _OBJECT.unpack_from(data, position)
    _, position = _string(data, position + _OBJECT.size + (2 if bits & _REFERENCED else 0))
    size, _ = _TWO.unpack_from(data, position)
    return size, position + _TWO.size


def _element(data: bytes, position: int, classes: dict[int, str], shift: int) -> tuple[str, int, int]:
    """Return class, beginning and end of the object that the pointer at a position leads to."""
    count, tag = _TWO.unpack_from(data, position)
    begin, end = position + _TWO.size, position + _U4.size + (count & ~_COUNTED)
    if tag == _NEW_CLASS:
        after = data.index(0, begin, begin + _LONGEST_NAME)
        name = classes[begin - _U4.size + shift] = data[begin:after].decode(errors="replace")
        return name, after + 1, end
    # An object that occurred before isn't among the classes.
    return classes[tag & ~_CLASS], begin, end


def structure(file: Any) -> str:
    """Return a digest of the positions and times of the objects in an open ROOT file of uproot."""
    # Opening a file reads all of this. Whatever ROOT or uproot writes to a file changes it.
    keys = [
        (name, key.fClassName, key.fSeekKey, key.fNbytes, key.fObjlen, key._fDatime)
        for name in file.keys(recursive=False)
        for key in [file.key(name)]
    ]
    content = (str(file.file.uuid), file.file.fBEGIN, file.file.fEND, file.file.fSeekInfo, keys)
    return hashlib.sha256(repr(content).encode()).hexdigest()[:20]
