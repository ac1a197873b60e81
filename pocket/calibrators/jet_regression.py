"""Regression of the energy of jets by ParticleNet and UParT, which comes before the energy scale."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import jet_collections
from pocket.errors import UnknownNameError

#: Algorithms, of which the first in the name of a type of jet counts → whether the factor with neutrinos comes on top.
_ALGORITHMS = {"PNet": True, "UParTAK4V1": False, "UParTAK4": False}


class JetRegressionCalibrator(Calibrator):
    """Calibrator that gives jets the energy of a regression instead of their raw one.

    It must come before :class:`~pocket.calibrators.JetsCalibrator`, which then applies the energy scale of that type of
    jet. ``jets_calibration.apply_pt_regr_MC`` and ``_Data`` of the parameters say, by year and type of jet, whether
    jets are regressed. The name of the type has the algorithm, e.g. ``AK4PFPuppiPNetRegression``, and
    ``PlusNeutrino`` if the energy includes that of neutrinos; see :func:`regressed`.

    There are no variations: those of the energy scale of the regressed jets are the ones of ``JetsCalibrator``.
    """

    name = "jet_regression"
    inputs = ()

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        section = params["jets_calibration"]
        switch = section.get("apply_pt_regr_MC" if self.isMC else "apply_pt_regr_Data", {}).get(self.year, {})
        alike = section.get("collection_name_alias", {}).get(self.year, {})
        #: Collection → type of jet.
        self._types = {
            name: jet_type
            for jet_type, names in jet_collections(params, self.year).items()
            if switch.get(alike.get(jet_type, jet_type), False)
            for name in names
        }
        for jet_type in self._types.values():
            check_regression(jet_type)
        self.calibrated_collections = tuple(self._types)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the regressed collections.

        Raises:
            MissingBranchError: if the jets lack the factor of the regression.
        """
        return {name: regressed(collection(events, name), name, kind) for name, kind in self._types.items()}


def check_regression(jet_type: str) -> None:
    """Refuse a type of jet whose name has no known algorithm."""
    if not any(algorithm in jet_type for algorithm in _ALGORITHMS):
        raise UnknownNameError(
            "algorithm of the regression", jet_type, _ALGORITHMS, "jets_calibration.apply_pt_regr_MC and _Data"
        )


def with_regression(events: Any, types: Mapping[str, str]) -> Any:
    """Return events whose jets are :func:`regressed`; ``types`` maps collections to types of jets."""
    if not types:
        return events
    events = copy.copy(events)
    for name, jet_type in types.items():
        events[name] = regressed(collection(events, name), name, jet_type)
    return events


def regressed(jets: ak.Array, name: str, jet_type: str) -> ak.Array:
    """Return jets that have the regressed energy as their raw one.

    pt and mass, in GeV, are those without any correction, multiplied by the factor of the regression, and rawFactor is
    0. All jets are changed, whatever their flavour, as in PocketCoffea; NanoAOD's factor is 0 for jets that the
    regression wasn't made for, which then have no pt. The factor is ``PNetRegPtRawCorr``, for the energy with neutrinos
    times ``PNetRegPtRawCorrNeutrino``; or ``UParTAK4RegPtRawCorr``, for the energy with neutrinos
    ``UParTAK4RegPtRawCorrNeutrino`` instead (likewise ``UParTAK4V1``). Source: documentation of NanoAOD,
    https://cms-nanoaod-integration.web.cern.ch/autoDoc/.
    """
    jets = copy.copy(jets)
    factor = _factor(jets, name, jet_type) * (1 - branch(jets, "rawFactor", name))
    jets["pt"], jets["mass"] = jets["pt"] * factor, jets["mass"] * factor
    jets["rawFactor"] = ak.zeros_like(jets["rawFactor"])
    return jets


def _factor(jets: ak.Array, name: str, jet_type: str) -> ak.Array:
    algorithm = next(one for one in _ALGORITHMS if one in jet_type)
    visible, with_neutrino = f"{algorithm}RegPtRawCorr", f"{algorithm}RegPtRawCorrNeutrino"
    if "PlusNeutrino" not in jet_type:
        return branch(jets, visible, name)
    if not _ALGORITHMS[algorithm]:
        return branch(jets, with_neutrino, name)
    return branch(jets, visible, name) * branch(jets, with_neutrino, name)
