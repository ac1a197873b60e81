"""Regression of the energy of jets by ParticleNet and UParT, which PocketCoffea applies before the energy scale."""

from __future__ import annotations

import copy
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.errors import UnknownNameError

#: Algorithms, of which the first in the name of a type of jet counts → whether the factor with neutrinos comes on top.
_ALGORITHMS = {"PNet": True, "UParTAK4V1": False, "UParTAK4": False}


def check_regression(jet_type: str) -> None:
    """Refuse a type of jet whose name has no known algorithm.

    Raises:
        UnknownNameError: if there is none, e.g. in ``AK4PFPuppi``.
    """
    if not any(algorithm in jet_type for algorithm in _ALGORITHMS):
        raise UnknownNameError(
            "algorithm of the regression", jet_type, _ALGORITHMS, "jets_calibration.apply_pt_regr_MC and _Data"
        )


def with_regression(events: Any, types: dict[str, str]) -> Any:
    """Return events whose jets have the regressed energy as their raw one.

    pt and mass, in GeV, are those without any correction, multiplied by the factor of the regression, and rawFactor is
    0. All jets are changed, whatever their flavour, as in PocketCoffea.

    Args:
        events: the events, which stay as they are.
        types: collection → type of jet, whose name has the algorithm, and ``PlusNeutrino`` if the energy has that of
            the neutrinos.
    """
    if not types:
        return events
    events = copy.copy(events)
    for name, jet_type in types.items():
        jets = copy.copy(collection(events, name))
        factor = _factor(jets, name, jet_type) * (1 - branch(jets, "rawFactor", name))
        jets["pt"], jets["mass"] = jets["pt"] * factor, jets["mass"] * factor
        jets["rawFactor"] = ak.zeros_like(jets["rawFactor"])
        events[name] = jets
    return events


def _factor(jets: ak.Array, name: str, jet_type: str) -> ak.Array:
    algorithm = next(one for one in _ALGORITHMS if one in jet_type)
    visible, with_neutrino = f"{algorithm}RegPtRawCorr", f"{algorithm}RegPtRawCorrNeutrino"
    if "PlusNeutrino" not in jet_type:
        return branch(jets, visible, name)
    if not _ALGORITHMS[algorithm]:
        return branch(jets, with_neutrino, name)
    return branch(jets, visible, name) * branch(jets, with_neutrino, name)
