"""Cut on events with a jet in a region of the detector that the veto maps of JetMET exclude.

Source: https://cms-jerc.web.cern.ch/Recommendations/#jet-veto-maps, recommended for Run 3.
"""
# ruff: noqa: N802  PocketCoffea's names

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import ObjectColumns, count_true
from pocket.corrections.evaluation import evaluate, named_correction
from pocket.cuts.cut import Cut
from pocket.objects.nanoaod import jet_id

#: Bits of the tight identification with lepton veto.
_TIGHT_LEPTON_VETO = 6
#: Limits of the jets that the maps hold for: pt in GeV, |eta|, and the electromagnetic part of the energy.
_MIN_PT, _MAX_ETA, _MAX_EM = 15.0, 5.19, 0.9
#: Upper edge of the maps in the azimuth.
_MAX_PHI = 3.14159


def get_JetVetoMap_Mask(
    events: Any, params: Mapping[str, Any], *, year: str, processor_params: Any, **kwargs: Any
) -> npt.NDArray[np.bool_]:
    """Return the mask of events without a jet in a vetoed region, see :func:`get_JetVetoMap`.

    Raises:
        UnknownNameError: for a year without a map.
        MissingBranchError: if the jets lack a branch.
    """
    columns = ObjectColumns(collection(events, "Jet"))
    jets = columns.objects
    electromagnetic = columns.flat(branch(jets, "neEmEF", "Jet")) + columns.flat(branch(jets, "chEmEF", "Jet"))
    chosen = (
        (columns.flat(jet_id(events)) >= _TIGHT_LEPTON_VETO)
        & (np.abs(columns["eta"]) < _MAX_ETA)
        & (columns["pt"] > _MIN_PT)
        & (electromagnetic < _MAX_EM)
    )
    file, name = named_correction(processor_params, "jet_scale_factors", "vetomaps", year)
    phi = np.clip(columns["phi"][chosen], -_MAX_PHI, _MAX_PHI)
    vetoed = np.zeros(len(chosen), dtype=np.bool_)
    vetoed[chosen] = evaluate(file, name, {"type": "jetvetomap", "eta": columns["eta"][chosen], "phi": phi}) != 0
    return np.asarray(count_true(columns.lists(vetoed)) == 0, dtype=np.bool_)


def get_JetVetoMap(name: str = "JetVetoMaps") -> Cut:
    """Return a cut that rejects events with a jet in a vetoed region.

    The jets have pt above 15 GeV, |eta| below 5.19, the tight identification with lepton veto, and less than 90 % of
    their energy in the electromagnetic calorimeter. File and name of the map are ``file`` and ``name`` in
    ``jet_scale_factors.vetomaps.{year}``.

    Args:
        name: name of the cut.

    Examples:
        >>> get_JetVetoMap().name
        'JetVetoMaps'
    """
    return Cut(name=name, params={}, function=get_JetVetoMap_Mask)
