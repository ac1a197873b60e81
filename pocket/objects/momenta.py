"""Four-momenta, and what two of them make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

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
    has_two = np.asarray(ak.num(momenta["pt"]) >= 2)
    singles = [{name: np.asarray(momenta[name][has_two][:, number]) for name in momenta.fields} for number in (0, 1)]
    first, second = (_vectors(single) for single in singles)
    pair = first + second
    fields = {"pt": pair.pt, "eta": pair.eta, "phi": pair.phi, "mass": pair.mass}
    fields["charge"] = singles[0]["charge"] + singles[1]["charge"]
    fields["deltaR"] = first.deltaR(second)
    fields["deltaPhi"] = abs(first.deltaphi(second))
    fields["deltaEta"] = abs(singles[0]["eta"] - singles[1]["eta"])
    for number, single in enumerate(singles, start=1):
        fields |= {f"{prefix}{number}{name}": single[name] for name in KINEMATICS}
    pairs = ak.zip(fields, with_name="PtEtaPhiMCandidate")
    row = ak.index.Index64(np.where(has_two, np.cumsum(has_two) - 1, -1))
    return ak.Array(ak.contents.IndexedOptionArray(row, pairs.layout), behavior=momenta.behavior)


def _vectors(single: Mapping[str, npt.NDArray[np.float64]]) -> Any:
    import vector

    return vector.array({name: single[name] for name in KINEMATICS})
