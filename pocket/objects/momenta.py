"""Four-momenta, and kinematics of pairs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import counts_of, flat_values, starts_of
from pocket.base.arrays.lazy import lazy_column

KINEMATICS = ("pt", "eta", "phi", "mass")


def four_momenta(objects: ak.Array) -> ak.Array:
    """Return four-momenta in double precision, since masses are small differences of large numbers."""
    from coffea.nanoevents.methods import candidate

    kinematics = {field: ak.values_astype(objects[field], np.float64) for field in KINEMATICS}
    charge = objects["charge"] if "charge" in objects.fields else ak.zeros_like(objects["pt"], dtype=np.int64)
    return ak.zip({**kinematics, "charge": charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)


def leading_pair(objects: ak.Array, prefix: str) -> ak.Array:
    """Return the sum of the first two objects of each event, in double precision.

    Returns:
        One record per event, ``None`` for fewer than two objects: pt, eta, phi, mass and charge of the sum, the
        absolute deltaR, deltaPhi and deltaEta, and pt, eta, phi and mass of each object, named e.g. ``{prefix}1pt``.
    """
    from coffea.nanoevents.methods import candidate

    counts = counts_of(objects["pt"])
    has_two = counts >= 2
    place = starts_of(counts)[has_two]
    columns = {name: flat_values(objects[name]) for name in KINEMATICS}
    singles = [
        {name: column[place + number].astype(np.float64) for name, column in columns.items()} for number in (0, 1)
    ]
    # The fields are computed on first access: a configuration uses some of them, and all of them would be slow.
    pair, vectors = functools.cache(lambda: _sum(singles)), functools.cache(lambda: [*map(_vectors, singles)])
    numbers: dict[str, Callable[[], Any]] = {
        "pt": lambda: pair().pt,
        "eta": lambda: pair().eta,
        "phi": lambda: pair().phi,
        "mass": lambda: pair().mass,
        "deltaR": lambda: vectors()[0].deltaR(vectors()[1]),
        "deltaPhi": lambda: abs(vectors()[0].deltaphi(vectors()[1])),
        "deltaEta": lambda: abs(singles[0]["eta"] - singles[1]["eta"]),
    }
    fields = {name: lazy_column(name, len(place), np.float64, compute) for name, compute in numbers.items()}
    charge = flat_values(objects["charge"]) if "charge" in objects.fields else np.zeros(counts.sum(), dtype=np.int64)
    fields["charge"] = ak.Array(charge[place] + charge[place + 1])
    for number, single in enumerate(singles, start=1):
        fields |= {f"{prefix}{number}{name}": ak.Array(single[name]) for name in KINEMATICS}
    parameters = {"__record__": "PtEtaPhiMCandidate"}
    pairs = ak.contents.RecordArray([field.layout for field in fields.values()], list(fields), parameters=parameters)
    row = ak.index.Index64(np.where(has_two, np.cumsum(has_two) - 1, -1))
    return ak.Array(ak.contents.IndexedOptionArray(row, pairs), behavior=candidate.behavior)


def _sum(momenta: Sequence[Mapping[str, npt.NDArray[np.float64]]]) -> Any:
    """Return the sum of momenta. Cartesian coordinates are added directly, which is faster than with vector."""
    import vector

    x = sum(one["pt"] * np.cos(one["phi"]) for one in momenta)
    y = sum(one["pt"] * np.sin(one["phi"]) for one in momenta)
    along = [one["pt"] * np.sinh(one["eta"]) for one in momenta]
    energies = (np.sqrt(one["pt"] ** 2 + z**2 + one["mass"] ** 2) for one, z in zip(momenta, along, strict=True))
    return vector.array({"px": x, "py": y, "pz": sum(along), "E": sum(energies)})


def _vectors(single: Mapping[str, npt.NDArray[np.float64]]) -> Any:
    import vector

    return vector.array({name: single[name] for name in KINEMATICS})
