"""Four-momenta, and what two of them make."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.ragged import starts_of
from pocket.when_used import numbers_when_used

KINEMATICS = ("pt", "eta", "phi", "mass")


def four_momenta(objects: ak.Array) -> ak.Array:
    """Return the kinematics alone, in double precision because masses are small differences of large numbers.

    Args:
        objects: records with pt, eta, phi and mass, and charge (taken as 0 if they have none), of any shape.
    """
    from coffea.nanoevents.methods import candidate

    kinematics = {field: ak.values_astype(objects[field], np.float64) for field in KINEMATICS}
    charge = objects["charge"] if "charge" in objects.fields else ak.zeros_like(objects["pt"], dtype=np.int64)
    return ak.zip({**kinematics, "charge": charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)


def leading_pair(momenta: ak.Array, prefix: str) -> ak.Array:
    """Combine the first two objects of each event.

    Args:
        momenta: what :func:`four_momenta` returned for a jagged collection.
        prefix: beginning of the names of the fields of the single objects.

    Returns:
        One record per event, ``None`` where there are fewer than two objects: pt, eta, phi, mass and charge of the
        sum, the absolute deltaR, deltaPhi and deltaEta, and pt, eta, phi and mass of each object, named e.g.
        ``{prefix}1pt``.
    """
    counts = np.asarray(ak.num(momenta["pt"]))
    has_two = counts >= 2
    place = starts_of(counts)[has_two]
    columns = {name: np.asarray(ak.flatten(momenta[name])) for name in momenta.fields}
    singles = [{name: column[place + number] for name, column in columns.items()} for number in (0, 1)]
    first, second = map(_vectors, singles)
    pair = functools.cache(lambda: first + second)
    # a configuration uses some of these, and all together take longer than to select the objects
    numbers: dict[str, Callable[[], Any]] = {
        "pt": lambda: pair().pt,
        "eta": lambda: pair().eta,
        "phi": lambda: pair().phi,
        "mass": lambda: pair().mass,
        "deltaR": lambda: first.deltaR(second),
        "deltaPhi": lambda: abs(first.deltaphi(second)),
        "deltaEta": lambda: abs(singles[0]["eta"] - singles[1]["eta"]),
    }
    fields = {name: numbers_when_used(name, len(place), np.float64, compute) for name, compute in numbers.items()}
    fields["charge"] = ak.Array(singles[0]["charge"] + singles[1]["charge"])
    for number, single in enumerate(singles, start=1):
        fields |= {f"{prefix}{number}{name}": ak.Array(single[name]) for name in KINEMATICS}
    parameters = {"__record__": "PtEtaPhiMCandidate"}
    pairs = ak.contents.RecordArray([field.layout for field in fields.values()], list(fields), parameters=parameters)
    row = ak.index.Index64(np.where(has_two, np.cumsum(has_two) - 1, -1))
    return ak.Array(ak.contents.IndexedOptionArray(row, pairs), behavior=momenta.behavior)


def _vectors(single: Mapping[str, npt.NDArray[np.float64]]) -> Any:
    import vector

    return vector.array({name: single[name] for name in KINEMATICS})
