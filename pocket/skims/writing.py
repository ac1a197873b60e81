"""Copying of selected events into a NanoAOD file, branch by branch as they are in the original."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot
from uproot.interpretation.jagged import AsJagged
from uproot.interpretation.numerical import AsDtype

from pocket.counters import declare_unsigned_counters
from pocket.datasets.fileset import TREE
from pocket.datasets.segments import Segment
from pocket.engine.reading import open_file
from pocket.errors import ConfigError
from pocket.skims.skim import Skim

#: events of a basket, which are in memory at once: about 100 MB of a full NanoAOD
BASKET_ENTRIES = 10_000


def copy_events(
    segment: Segment,
    entries: npt.NDArray[np.int64],
    path: Path,
    skim: Skim,
    *,
    file_uuid: uuid.UUID,
    constants: Mapping[str, float],
) -> None:
    """Copy events into the tree Events of a new file.

    Branches keep their names, types and values; those with a common counter have one again. The trees Runs and
    LuminosityBlocks are not copied, because their sums are over all events of the original.

    Args:
        segment: the file to copy from.
        entries: numbers of the events in it, at least one, in increasing order.
        path: the file to write; one that is there is replaced.
        skim: which branches are copied.
        file_uuid: identity of the new file.
        constants: branches to add, with one value for all events; they replace those of the same name.

    Raises:
        ConfigError: if a branch is neither a number nor a list of numbers per event.
        BadFileError: if the original can't be read.
    """
    edges = [*range(0, len(entries), BASKET_ENTRIES), len(entries)]
    parts = [entries[first:last] for first, last in pairwise(edges)]
    with uproot.recreate(path, compression=uproot.ZSTD(5), uuid_function=lambda: file_uuid) as new:
        tree = None
        for part, (branches, columns) in zip(parts, _read(segment, skim, parts, constants), strict=True):
            columns |= {name: ak.Array(np.full(len(part), value)) for name, value in constants.items()}
            if tree is None:
                tree = new.mktree(
                    TREE,
                    {name: ak.type(values).content for name, values in columns.items()},
                    TREE,
                    counter_name=branches.counters.get,
                    # as seldom as possible: writing the header of a thousand branches again takes seconds
                    initial_basket_capacity=1 if branches.unsigned else len(edges),
                    resize_factor=len(edges),
                )
                declare_unsigned_counters(tree, branches.unsigned)
            tree.extend(columns)


@dataclass(frozen=True)
class _Branches:
    """Branches of a tree: those to copy, counters apart, and the counters of the jagged ones among them."""

    copied: tuple[str, ...]
    counters: Mapping[str, str]
    #: the counters of type uint32
    unsigned: frozenset[str]


def _branches(tree: Any, path: str, skim: Skim, without: Collection[str]) -> _Branches:
    names, counters = [], {}
    for branch in tree.branches:
        if not skim.keeps(branch.name) or branch.name in without:
            continue
        names.append(branch.name)
        interpretation = branch.interpretation
        jagged = isinstance(interpretation, AsJagged)
        numbers = interpretation.content if jagged else interpretation
        if not isinstance(numbers, AsDtype) or numbers.inner_shape or (jagged and branch.count_branch is None):
            raise ConfigError(
                f"branch {branch.name!r} of {path} ({branch.typename}) is neither a number nor a list with a counter, "
                f"which a skim can't copy: leave it out by drop=[{branch.name!r}]"
            )
        if jagged:
            counters[branch.name] = branch.count_branch.name
    used = frozenset(counters.values())
    unsigned = frozenset(name for name in used if tree[name].typename == "uint32_t")
    return _Branches(tuple(name for name in names if name not in used), counters, unsigned)


def _read(
    segment: Segment, skim: Skim, parts: Sequence[npt.NDArray[np.int64]], without: Collection[str]
) -> Iterator[tuple[_Branches, dict[str, ak.Array]]]:
    """Read parts of the entries, one branch after the other: one is in memory in the whole range of a part."""
    # a generator, so that what goes wrong while its reader writes isn't taken for an error of the original
    with open_file(segment) as file:
        tree = file[segment.object_path]
        branches = _branches(tree, segment.path, skim, without)
        for entries in parts:
            start, stop = int(entries[0]), int(entries[-1]) + 1
            columns = {}
            for name in branches.copied:
                values = tree[name].array(entry_start=start, entry_stop=stop)
                columns[name] = ak.to_packed(values[entries - start])
            yield branches, columns
