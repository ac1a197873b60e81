"""Cut on events with a jet in a region of the detector that the veto maps of JetMET exclude.

Source: https://cms-jerc.web.cern.ch/Recommendations/#jet-veto-maps. The jets are those of
:mod:`pocket.objects.jet_veto`.
"""
# ruff: noqa: N802  PocketCoffea's names

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import count_true
from pocket.cuts.cut import Cut
from pocket.errors import check_known
from pocket.objects.jet_veto import SELECTIONS, vetoed_jets

#: PocketCoffea's selection of jets, and JetMET's type of map.
_SELECTION, _MAP = "tight_lepton_veto", "jetvetomap"


def get_JetVetoMap_Mask(
    events: Any, params: Mapping[str, Any], *, year: str, processor_params: Any, **kwargs: Any
) -> npt.NDArray[np.bool_]:
    """Return the mask of events without a jet in a vetoed region, see :func:`get_JetVetoMap`."""
    vetoed = vetoed_jets(
        events,
        processor_params,
        year,
        params.get("coll", "Jet"),
        params.get("selection", _SELECTION),
        params.get("map_type", _MAP),
    )
    return np.asarray(count_true(vetoed) == 0, dtype=np.bool_)


def get_JetVetoMap(
    name: str = "JetVetoMaps", coll: str = "Jet", selection: str = _SELECTION, map_type: str = _MAP
) -> Cut:
    """Return a cut that rejects events with a jet in a vetoed region.

    The jets have pt above 15 GeV, |eta| below 5.19, less than 90 % of their energy in the electromagnetic calorimeter,
    and pass a selection, see :func:`~pocket.objects.vetoed_jets`. In ``skim``, they have the pt of the file; in
    ``preselections`` and categories the calibrated one, also in variations. File and name of the map are ``file`` and
    ``name`` in ``jet_scale_factors.vetomaps.{year}``.

    Args:
        name: name of the cut.
        coll: collection of AK4 jets.
        selection: ``"tight_lepton_veto"``, as in PocketCoffea, or ``"loose"``, JetMET's nominal one.
        map_type: type of the map, by default the one that JetMET recommends.

    Raises:
        UnknownNameError: for another selection.

    Examples:
        >>> get_JetVetoMap().name
        'JetVetoMaps'
        >>> get_JetVetoMap("hot", selection="loose", map_type="jetvetomap_hot").params["map_type"]
        'jetvetomap_hot'
    """
    check_known("selection", [selection], SELECTIONS, f"cut {name!r}")
    given = {"coll": (coll, "Jet"), "selection": (selection, _SELECTION), "map_type": (map_type, _MAP)}
    # Cuts with the defaults keep their identity, so that their outputs stay.
    params = {key: value for key, (value, default) in given.items() if value != default}
    return Cut(name=name, params=params, function=get_JetVetoMap_Mask)
