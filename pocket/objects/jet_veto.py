"""Jets in regions of the detector that the veto maps of JetMET exclude.

Source: https://cms-jerc.web.cern.ch/Recommendations/#jet-veto-maps. The maps are the correction of jetvetomaps.json.gz
that ``jet_scale_factors.vetomaps.{year}`` of the parameters names.
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import ObjectColumns
from pocket.corrections.evaluation import evaluate, named_correction
from pocket.errors import check_known
from pocket.io.nanoaod.version import nano_version
from pocket.objects.matching import distance_to_nearest
from pocket.objects.nanoaod import has_pileup_id, identification
from pocket.parameters.access import parameter

#: Selection of the jets that the maps hold for → lowest value of the identification.
SELECTIONS = {"loose": 2, "tight_lepton_veto": 6}
#: Limits of the jets that the maps hold for: pt in GeV, |eta|, and the electromagnetic part of the energy.
_MIN_PT, _MAX_ETA, _MAX_EM = 15.0, 5.19, 0.9
#: Upper edge of the maps in the azimuth.
_MAX_PHI = 3.14159
#: pt in GeV below which CHS jets need the identification of pileup, and the closest distance of a muon.
_MAX_PT_PILEUP, _MIN_DISTANCE = 50.0, 0.2


def vetoed_jets(
    events: Any,
    params: Any,
    year: str,
    jet_type: str = "Jet",
    selection: str = "loose",
    map_type: str = "jetvetomap",
) -> ak.Array:
    """Return the mask of jets in a vetoed region.

    Jets that the maps don't hold for are never vetoed. They hold for jets with pt above 15 GeV, \\|eta\\| below 5.19
    and less than 90 % of their energy in the electromagnetic calorimeter, which pass the selection: ``"loose"`` is
    JetMET's nominal one, the tight identification, the loose identification of pileup for CHS jets below 50 GeV, and
    no particle-flow muon within 0.2; ``"tight_lepton_veto"`` is the tight identification with lepton veto.

    Args:
        events: events with the jets, for ``"loose"`` also with ``Muon``. pt is taken as it is: in a skim or before
            :class:`~pocket.calibrators.JetsCalibrator` that of the file, later the calibrated one.
        params: parameters of the analysis.
        year: data-taking period, a key of ``jet_scale_factors.vetomaps``.
        jet_type: collection of AK4 jets.
        selection: ``"loose"`` or ``"tight_lepton_veto"``.
        map_type: type of the map, by default the one that JetMET recommends; e.g. ``"jetvetomap_hot"``.

    Returns:
        Jagged booleans, shape (n events, n jets).

    Raises:
        UnknownNameError: for a year without a map, another selection, or a type that the file lacks.
        MissingBranchError: if the jets lack a branch.
    """
    check_known("selection", [selection], SELECTIONS, "vetoed_jets")
    file, name = named_correction(params, "jet_scale_factors", "vetomaps", year)
    columns = ObjectColumns(collection(events, jet_type))
    jets = columns.objects
    electromagnetic = columns.flat(branch(jets, "neEmEF", jet_type)) + columns.flat(branch(jets, "chEmEF", jet_type))
    passes_id = identification(jets, nano_version(events), jet_type)
    chosen = (
        (columns.flat(passes_id) >= SELECTIONS[selection])
        & (np.abs(columns["eta"]) < _MAX_ETA)
        & (columns["pt"] > _MIN_PT)
        & (electromagnetic < _MAX_EM)
    )
    if selection == "loose":
        chosen = chosen & _is_no_pileup(events, columns, params, year, jet_type) & _is_no_muon(events, columns)
    phi = np.clip(columns["phi"][chosen], -_MAX_PHI, _MAX_PHI)
    vetoed = np.zeros(len(chosen), dtype=np.bool_)
    vetoed[chosen] = evaluate(file, name, {"type": map_type, "eta": columns["eta"][chosen], "phi": phi}) != 0
    return columns.lists(vetoed)


def _is_no_pileup(
    events: Any, columns: ObjectColumns, params: Any, year: str, jet_type: str
) -> npt.NDArray[np.bool_] | bool:
    if not has_pileup_id(events) or year not in parameter(params, "jet_scale_factors", "jet_puId"):
        return True
    lowest = parameter(params, "jet_scale_factors", "jet_puId", year, "working_point", "L")
    passes = columns.flat(branch(columns.objects, "puId", jet_type)) >= lowest
    return np.asarray(passes | (columns["pt"] >= _MAX_PT_PILEUP), dtype=np.bool_)


def _is_no_muon(events: Any, columns: ObjectColumns) -> npt.NDArray[np.bool_]:
    muons = collection(events, "Muon")
    muons = muons[branch(muons, "isPFcand", "Muon")]
    distance = columns.flat(distance_to_nearest(columns.objects, muons))
    return np.asarray(distance >= _MIN_DISTANCE, dtype=np.bool_)
