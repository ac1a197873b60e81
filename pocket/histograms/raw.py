"""Raw output of a branch in one file: all numbers as two arrays, with a layout that tells what each of them is.

Where most bins are empty, only the others are written, with their places. Raw outputs are added by
:mod:`pocket.histograms.raw_sums`.
"""

from __future__ import annotations

import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.histograms.sums import sums_of

RAW = "raw.h5"

_INTEGER, _FLOAT = "integers", "floats"
#: Kind of number → its type.
TYPES = {_INTEGER: np.dtype(np.int64), _FLOAT: np.dtype(np.float64)}
#: Kind of number → numbers of a range of sections, in the order of the layout.
Numbers = dict[str, npt.NDArray[Any]]
#: Numbers are stored with their places if fewer than one of so many isn't zero.
_SPARSE = 4

_Array = npt.NDArray[Any]


def write_raw(directory: Path, output: Mapping[str, Any]) -> None:
    """Write sums and histograms of an output, without the labels of axes; columns are written elsewhere."""
    import h5py
    import uhi.io.json

    numbers = {kind: _Written(dtype) for kind, dtype in TYPES.items()}
    sums = _take_sums(sums_of(output), numbers)
    variables = {}
    for variable in sorted(output["variables"]):
        for one in numbers.values():
            one.begin_section()
        variables[variable] = {
            sample: {dataset: _take_histogram(histogram, numbers) for dataset, histogram in sorted(datasets.items())}
            for sample, datasets in sorted(output["variables"][variable].items())
        }
    # Edges may be infinite, which Python writes and reads as "Infinity".
    text = json.dumps({"sums": sums, "variables": variables}, default=uhi.io.json.default)
    # The file is written to memory first, since HDF5 crashes on a full disk.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layout"] = np.frombuffer(zlib.compress(text.encode()), dtype=np.uint8)
        for kind, one in numbers.items():
            one.write(file, kind)
    (directory / RAW).write_bytes(content.getbuffer())


def read_raw(directory: str | Path) -> dict[str, Any]:
    """Return the output that :func:`write_raw` wrote."""
    with open_raw(directory) as file:
        layout = Layout(read_layout(file))
        numbers = {kind: add_numbers(None, file, kind, layout, 0, len(layout.variables) + 1) for kind in TYPES}
    return {
        **layout.sums(numbers),
        "variables": {name: layout.histograms(name, numbers) for name in layout.variables},
    }


def open_raw(directory: str | Path) -> Any:
    """Return the open file of a raw output, to be closed by the caller."""
    import h5py

    return h5py.File(Path(directory) / RAW)


def read_layout(file: Any) -> bytes:
    """Return the content of a :class:`Layout`, which is the same for files whose numbers can be added."""
    return bytes(file["layout"][()].tobytes())


def add_numbers(total: _Array | None, file: Any, kind: str, layout: Layout, first: int, last: int) -> _Array:
    """Return the sum of numbers, if there are some, and those of sections of a file, added in place.

    Section 0 has the sums, section 1 the first histogram, and so on.
    """
    start, stop = layout.range_of(kind, first, last)
    if _places(kind) not in file:
        numbers: _Array = file[kind][start:stop]
        if total is None:
            return numbers
        total += numbers
        return total
    ends = file[_ends(kind)][()]
    here = slice(ends[first - 1] if first else 0, ends[last - 1])
    places, values = file[_places(kind)][here].astype(np.int64) - start, file[kind][here]
    if total is None:
        total = np.zeros(stop - start, TYPES[kind])
        total[places] = values
    else:
        # Each place occurs once.
        total[places] += values
    return total


def _places(kind: str) -> str:
    """Return the name of the places of the numbers, which are there if zeros are left out."""
    return f"places of {kind}"


def _ends(kind: str) -> str:
    """Return the name of the ends of sections in numbers without zeros."""
    return f"ends of {kind}"


class Layout:
    """What the numbers of a raw output are; for its content see :func:`read_layout`."""

    def __init__(self, content: bytes) -> None:
        self._parts: Any = json.loads(zlib.decompress(content))
        #: names of the histograms, in the order of their sections
        self.variables: list[str] = list(self._parts["variables"])

    @cached_property
    def _ends(self) -> dict[str, list[int]]:
        """Kind → end of each section, after a zero."""
        sizes: dict[str, list[int]] = {kind: [0] for kind in TYPES}
        for kind in _leaves(self._parts["sums"]):
            sizes[kind][0] += 1
        for samples in self._parts["variables"].values():
            found = dict.fromkeys(TYPES, 0)
            for datasets in samples.values():
                for form in datasets.values():
                    for kind, shape in form["arrays"].values():
                        found[kind] += math.prod(shape)
            for kind, size in found.items():
                sizes[kind].append(size)
        return {kind: [0, *accumulate(each)] for kind, each in sizes.items()}

    def range_of(self, kind: str, first: int, last: int) -> tuple[int, int]:
        """Return the first number of a kind in some sections, and the one after the last."""
        return self._ends[kind][first], self._ends[kind][last]

    def size_of(self, first: int, last: int) -> int:
        """Return the size of the numbers of some sections in bytes."""
        ranges = {kind: self.range_of(kind, first, last) for kind in TYPES}
        return sum((stop - start) * TYPES[kind].itemsize for kind, (start, stop) in ranges.items())

    def section_of(self, variable: str) -> int:
        """Return the section of a histogram."""
        return self.variables.index(variable) + 1

    def sums(self, numbers: Numbers) -> dict[str, Any]:
        """Return the sums, from the numbers of section 0 or of more."""
        return dict(_filled(self._parts["sums"], _Taker(numbers, dict.fromkeys(TYPES, 0))))

    def histograms(self, variable: str, numbers: Numbers, first: int = 0) -> dict[str, dict[str, Any]]:
        """Return sample → dataset → histogram of a variable, from numbers of sections from ``first`` on."""
        import hist
        import uhi.io.json

        section = self.section_of(variable)
        take = _Taker(numbers, {kind: self._ends[kind][section] - self._ends[kind][first] for kind in TYPES})

        def histogram(form: Mapping[str, Any]) -> Any:
            arrays = {name: take(*array) for name, array in form["arrays"].items()}
            axes = [uhi.io.json.object_hook(axis) for axis in form["axes"]]
            return hist.Hist({"uhi_schema": 1, "axes": axes, "storage": {"type": form["type"], **arrays}})

        return {
            sample: {dataset: histogram(form) for dataset, form in datasets.items()}
            for sample, datasets in self._parts["variables"][variable].items()
        }


class _Taker:
    """Takes arrays from numbers, one after the other, beginning with some number of each kind."""

    def __init__(self, numbers: Numbers, begin: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._next = dict(begin)

    def __call__(self, kind: str, shape: Sequence[int]) -> _Array:
        start = self._next[kind]
        self._next[kind] = start + math.prod(shape)
        return self._numbers[kind][start : self._next[kind]].reshape(shape)


class _Written:
    """The numbers of one kind of an output that is written, in sections."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        #: for each section its arrays: size, places of what isn't zero or ``None`` for all, values
        self._sections: list[list[tuple[int, _Array | None, _Array]]] = [[]]
        self._size = self._filled = 0

    def begin_section(self) -> None:
        """Begin the section of the next histogram."""
        self._sections.append([])

    def add(self, values: Any) -> None:
        """Add an array, or one number."""
        array = np.asarray(values, self._dtype).ravel()
        # A negative zero isn't left out, since its sign counts.
        filled = array.view(np.int64) != 0
        number = int(np.count_nonzero(filled))
        self._size += len(array)
        self._filled += number
        if number * _SPARSE < len(array):
            places = np.flatnonzero(filled)
            self._sections[-1].append((len(array), places, array[places]))
        else:
            self._sections[-1].append((len(array), None, array))

    def write(self, file: Any, kind: str) -> None:
        """Write all numbers, or those that aren't zero with their places."""
        arrays = [one for section in self._sections for one in section]
        if self._filled * _SPARSE >= self._size:
            file[kind] = np.concatenate([np.zeros(0, self._dtype), *(_dense(*one) for one in arrays)])
            return
        found = [_sparse(*one) for one in arrays]
        starts = [0, *accumulate(size for size, _, _ in arrays)]
        places = [here + start for (here, _), start in zip(found, starts, strict=False)]
        file[kind] = np.concatenate([np.zeros(0, self._dtype), *(values for _, values in found)])
        small = self._size <= np.iinfo(np.uint32).max
        file[_places(kind)] = np.concatenate(places).astype(np.uint32 if small else np.int64)
        lengths = iter([len(values) for _, values in found])
        file[_ends(kind)] = np.cumsum([sum(next(lengths) for _ in section) for section in self._sections])


def _dense(size: int, places: _Array | None, values: _Array) -> _Array:
    if places is None:
        return values
    array = np.zeros(size, values.dtype)
    array[places] = values
    return array


def _sparse(size: int, places: _Array | None, values: _Array) -> tuple[_Array, _Array]:
    if places is not None:
        return places, values
    places = np.flatnonzero(values.view(np.int64))
    return places, values[places]


def _take_sums(node: Any, numbers: Mapping[str, _Written]) -> Any:
    """Take all numbers from nested dictionaries, and return the same with their kinds instead."""
    if isinstance(node, Mapping):
        return {key: _take_sums(value, numbers) for key, value in node.items()}
    kind = _INTEGER if isinstance(node, int) else _FLOAT
    numbers[kind].add(node)
    return kind


def _take_histogram(histogram: Any, numbers: Mapping[str, _Written]) -> dict[str, Any]:
    """Take the arrays of a histogram, and return its UHI form with their kinds and shapes instead."""
    import uhi.io.json

    form = uhi.io.json.default(histogram)
    arrays = {}
    for name, values in form["storage"].items():
        if isinstance(values, np.ndarray):
            kind = _INTEGER if values.dtype.kind in "iu" else _FLOAT
            numbers[kind].add(values)
            arrays[name] = [kind, values.shape]
    # The order of the keys is that of HDF5, so that merged templates have the same bytes as with that form.
    axes = [{**axis, "metadata": {"label": "", "name": axis["metadata"]["name"]}} for axis in form["axes"]]
    return {"axes": axes, "type": form["storage"]["type"], "arrays": arrays}


def _leaves(node: Any) -> Iterator[str]:
    """Yield the kinds of all numbers in nested dictionaries."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from _leaves(value)
    else:
        yield node


def _filled(node: Any, take: _Taker) -> Any:
    """Return nested dictionaries with the numbers instead of their kinds."""
    if isinstance(node, Mapping):
        return {key: _filled(value, take) for key, value in node.items()}
    return take(node, (1,)).item()
