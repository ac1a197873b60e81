"""Sums of the raw outputs of branches.

A merge adds thousands of branches, most of which have the same layout. So it adds their arrays, and makes histograms of
the sum only. If all histograms together are large, some of them are added at a time, when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pocket.base.containers import existing_place, is_container
from pocket.histograms.raw import TYPES, Layout, Numbers, add_numbers, open_raw, read_layout

#: Bytes of histograms that are added at a time; a histogram may have more.
MEMORY = 128_000_000


def add_raw(directories: Iterable[str | Path], memory: int = MEMORY) -> dict[str, Any]:
    """Return the sum of raw outputs, folders or containers of their files, whose numbers are added in this order.

    Beside all sums, ``variables`` reads histograms from the folders when they are asked for.

    >>> import tempfile
    >>> import hist
    >>> from pocket.histograms.raw import write_raw
    >>> mll = hist.new.Reg(4, 60, 120, name="mll").Weight().fill([88.0, 91.0, 93.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_raw(Path(folder), {"cutflow": {"initial": 3}, "variables": {"mll": {"DY": {"DY_2018": mll}}}})
    ...     output = add_raw([folder, folder])
    ...     output["cutflow"], output["variables"]["mll"]["DY"]["DY_2018"].values()
    ({'initial': 6}, array([0., 2., 4., 0.]))
    """
    from coffea.processor import accumulate

    totals: dict[bytes, _Total] = {}
    size = 0
    for directory in directories:
        with _open(directory) as file:
            content = read_layout(file)
            if content not in totals:
                totals[content] = _Total(Layout(content), whole=size <= memory)
                size += totals[content].size
                if size > memory:
                    for total in totals.values():
                        total.keep_sums()
            totals[content].add(file, directory)
    sums: dict[str, Any] = accumulate((total.sums() for total in totals.values()), {})
    return {**sums, "variables": _Histograms(list(totals.values()), memory)}


def _open(output: str | Path) -> Any:
    """Return the open file of a raw output; it is the first one of a container, which can be opened as HDF5."""
    import h5py

    place = existing_place(output)
    return h5py.File(place) if is_container(place) else open_raw(place)


class _Total:
    """Sum of the raw outputs with one layout, as a ``whole`` or without its histograms."""

    def __init__(self, layout: Layout, *, whole: bool) -> None:
        self.layout = layout
        self.whole = whole
        self._folders: list[str | Path] = []
        self._numbers: Numbers = {}

    def __contains__(self, variable: str) -> bool:
        return variable in self.layout.variables

    @property
    def size(self) -> int:
        """Size of all numbers in bytes."""
        return self.layout.size_of(0, self._sections)

    @property
    def _sections(self) -> int:
        return len(self.layout.variables) + 1

    def keep_sums(self) -> None:
        """Add no histograms any more."""
        self.whole = False
        for kind, numbers in self._numbers.items():
            start, stop = self.layout.range_of(kind, 0, 1)
            self._numbers[kind] = numbers[start:stop].copy()

    def add(self, file: Any, directory: str | Path) -> None:
        """Add a branch."""
        self._folders.append(directory)
        last = self._sections if self.whole else 1
        for kind in TYPES:
            self._numbers[kind] = add_numbers(self._numbers.get(kind), file, kind, self.layout, 0, last)

    def sums(self) -> dict[str, Any]:
        """Return all sums."""
        return self.layout.sums(self._numbers)

    def histograms(self, variables: Iterable[str]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
        """Yield some variables that follow each other in the layout, each with its histograms by sample and dataset."""
        wanted = [name for name in variables if name in self]
        if not wanted:
            return
        first, last = 0, self._sections
        numbers = self._numbers
        if not self.whole:
            first, last = self.layout.section_of(wanted[0]), self.layout.section_of(wanted[-1]) + 1
            numbers = {}
            for directory in self._folders:
                with _open(directory) as file:
                    for kind in TYPES:
                        numbers[kind] = add_numbers(numbers.get(kind), file, kind, self.layout, first, last)
        for name in wanted:
            yield name, self.layout.histograms(name, numbers, first)


class _Histograms(Mapping[str, dict[str, dict[str, Any]]]):
    """Variable → sample → dataset → sum of histograms."""

    def __init__(self, totals: list[_Total], memory: int) -> None:
        self._totals = totals
        self._names = dict.fromkeys(name for total in totals for name in total.layout.variables)
        self._groups = {name: group for group in self._grouped(memory) for name in group}
        self._loaded: dict[str, dict[str, dict[str, Any]]] = {}

    def __getitem__(self, name: str) -> dict[str, dict[str, Any]]:
        from coffea.processor import accumulate

        if name not in self._loaded:
            group = self._groups[name]
            self._loaded = {}
            parts = [dict(total.histograms(group)) for total in self._totals]
            self._loaded = {one: accumulate([part[one] for part in parts if one in part], {}) for one in group}
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _grouped(self, memory: int) -> list[list[str]]:
        """Return groups of variables that are added together, each at most as large unless it is a single one."""
        if all(total.whole for total in self._totals):
            return [[name] for name in self._names]
        groups: list[list[str]] = [[]]
        size = 0
        for name in sorted(self._names):
            sections = [(total.layout, total.layout.section_of(name)) for total in self._totals if name in total]
            own = sum(layout.size_of(section, section + 1) for layout, section in sections)
            if groups[-1] and size + own > memory:
                groups.append([])
                size = 0
            groups[-1].append(name)
            size += own
        return groups
