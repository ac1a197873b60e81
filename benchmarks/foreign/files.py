"""NanoAOD files that stand in for those of foreign configurations.

A foreign analysis reads many more branches than the toys have. They are filled up with the branches of real files,
whose values are drawn again for as many events and objects as there are: they fit no physics, but both sides read the
same.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot

from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod

_SEED = 4
#: The energy density per area has this name since Run 3.
_RHO = "Rho_fixedGridRhoFastjetAll"
#: Indices of objects of another collection.
_INDEX = re.compile(r"_(\w+)Idx\w*$")


def broaden(
    base: Path,
    donors: Sequence[Path],
    output: Path,
    events: int,
    known: Collection[str] | None = None,
    others: Sequence[Path] = (),
) -> None:
    """Write a file with the first events of one file, and all branches that others have in addition.

    Args:
        base: the file.
        donors: files with further branches, the first that has a branch counts.
        output: the file to write.
        events: largest number of events.
        known: the branches of the first file to write, all by default.
        others: files of which only collections are taken that indices point to and no other file has.
    """
    random = np.random.default_rng(_SEED)
    columns = {name: values for name, values in _columns(base, events).items() if known is None or name in known}
    for donor in donors:
        _add(columns, _columns(donor, events), random)
    for donor in others:
        lacking = _lacking(columns)
        further = {name: values for name, values in _columns(donor, events).items() if _collection(name) in lacking}
        _add(columns, further, random)
    write_nanoaod(output, _grouped(columns), file_uuid=uuid.uuid5(uuid.NAMESPACE_URL, output.name))


def _add(columns: dict[str, ak.Array], donated: Mapping[str, ak.Array], random: np.random.Generator) -> None:
    """Add the columns that aren't there, with values drawn from those of another file."""
    number = len(columns["event"])
    new = {name: values for name, values in donated.items() if name not in columns}
    if "genWeight" not in columns:
        new = {name: values for name, values in new.items() if not _is_simulated(name)}
    rows = random.integers(0, len(next(iter(new.values()))), number) if new else None
    counts = {_collection(name): ak.num(values) for name, values in columns.items() if values.ndim == 2}
    for name, values in new.items():
        if values.ndim == 2 and _collection(name) in counts:
            columns[name] = _drawn(values, counts[_collection(name)], random)
        elif values.ndim <= 2:
            columns[name] = values[rows]


def _collection(name: str) -> str:
    return name.partition("_")[0]


def _lacking(columns: Mapping[str, ak.Array]) -> set[str]:
    """Return the collections that aren't there although indices point to them, as ``FatJet_subJetIdx1`` to SubJet."""
    targets = {match[1][:1].upper() + match[1][1:] for name in columns if (match := _INDEX.search(name))}
    return targets - set(map(_collection, columns))


def repeat(base: Path, output: Path, times: int) -> None:
    """Write a file with all events of another one, several times over.

    Args:
        base: the file.
        output: the file to write.
        times: how often each event is there.
    """
    columns = {
        name: np.tile(values, times) if isinstance(values, np.ndarray) else ak.concatenate([values] * times)
        for name, values in _columns(base, None).items()
    }
    write_nanoaod(output, _grouped(columns), file_uuid=uuid.uuid5(uuid.NAMESPACE_URL, f"{output.name} {times}"))


def _columns(path: Path, events: int | None) -> dict[str, ak.Array]:
    with uproot.open(path) as file:
        tree = file["Events"]
        counters = {branch.count_branch.name for branch in tree.branches if branch.count_branch is not None}
        names = [branch.name for branch in tree.branches if branch.name not in counters]
        arrays = tree.arrays(names, entry_stop=events)
    numbers = {name: arrays[name] for name in names if "string" not in str(arrays[name].type)}
    return {name: np.asarray(column) if column.ndim == 1 else column for name, column in numbers.items()}


def _is_simulated(name: str) -> bool:
    return "gen" in name.lower() or name.startswith(("LHE", "PSWeight", "Pileup", "HTXS"))


def _drawn(values: ak.Array, counts: ak.Array, random: np.random.Generator) -> ak.Array:
    """Return values drawn from those of another file, for each object."""
    pool: npt.NDArray[Any] = np.asarray(ak.flatten(values))
    total = int(ak.sum(counts))
    drawn = pool[random.integers(0, len(pool), total)] if len(pool) else np.zeros(total, dtype=pool.dtype)
    return ak.unflatten(drawn, counts)


def _grouped(columns: dict[str, ak.Array]) -> dict[str, ak.Array]:
    """Return the objects of each collection as records, so that each has one counter."""
    collections: dict[str, dict[str, ak.Array]] = {}
    others = {}
    for name, values in columns.items():
        collection, _, field = name.partition("_")
        if field and values.ndim == 2:
            collections.setdefault(collection, {})[field] = values
        else:
            others[name] = values
    # Counters are written with the collections.
    others = {name: values for name, values in others.items() if name[:1] != "n" or name[1:] not in collections}
    return {**others, **{name: ak.zip(fields) for name, fields in collections.items()}}


def make_files(folder: Path, donors: Sequence[Path], events: int = 2000) -> None:
    """Write the files ``{mc,data}_{run2,run3}.root`` that aren't in a folder yet: toys with the branches of real files.

    Args:
        folder: where they go.
        donors: real files of both runs, the first that has a branch counts.
        events: number of events of each.
    """
    config = ToyConfig.from_params(to_plain(get_default_parameters())["toys"])
    folder.mkdir(parents=True, exist_ok=True)
    for kind, process in (("mc", "ttsemi"), ("data", "data")):
        base = folder / f".{kind}.root"
        for run in ("run2", "run3"):
            output = folder / f"{kind}_{run}.root"
            if output.exists():
                continue
            if not base.exists():
                toys = generate(process, events, config, part=0)
                write_nanoaod(base, toys, file_uuid=uuid.uuid5(uuid.NAMESPACE_URL, base.name))
            of_run = [donor for donor in donors if (_RHO in _names(donor)) == (run == "run3")]
            # The toys' branches are those of Run 2, some of which were renamed since.
            known = set().union(*map(_names, of_run)) if run == "run3" else None
            broaden(base, of_run, output, events, known, [donor for donor in donors if donor not in of_run])


def _names(path: Path) -> set[str]:
    with uproot.open(path) as file:
        return set(file["Events"].keys())
