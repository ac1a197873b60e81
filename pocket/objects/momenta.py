"""Four-momenta, and what two of them make."""

from __future__ import annotations

import awkward as ak
import numpy as np


def four_momenta(objects: ak.Array) -> ak.Array:
    """Return the kinematics alone, in double precision because masses are small differences of large numbers.

    Args:
        objects: records with pt, eta, phi and mass, and charge (taken as 0 if they have none), of any shape.
    """
    from coffea.nanoevents.methods import candidate

    kinematics = {field: ak.values_astype(objects[field], np.float64) for field in ("pt", "eta", "phi", "mass")}
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
    padded = ak.pad_none(momenta, 2, axis=1)
    first, second = padded[:, 0], padded[:, 1]
    pair = first + second
    fields = {field: getattr(pair, field) for field in ("pt", "eta", "phi", "mass", "charge")}
    fields["deltaR"] = first.delta_r(second)
    fields["deltaPhi"] = abs(first.delta_phi(second))
    fields["deltaEta"] = abs(first.eta - second.eta)
    for number, single in ((1, first), (2, second)):
        fields |= {f"{prefix}{number}{field}": single[field] for field in ("pt", "eta", "phi", "mass")}
    return ak.zip(fields, with_name="PtEtaPhiMCandidate", behavior=momenta.behavior, optiontype_outside_record=True)
