"""Cut on events of 2018 with an object in the modules of the hadron calorimeter that lost power (HEM 15/16).

Source: https://twiki.cern.ch/twiki/bin/view/CMS/SUSRecommendationsRun2Legacy; see :mod:`pocket.objects.hem`.
"""
# ruff: noqa: N802  PocketCoffea's style of names

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import collection
from pocket.base.arrays.jagged import ObjectColumns, count_true
from pocket.cuts.cut import Cut
from pocket.errors import ConfigError
from pocket.objects.hem import FRACTION, affected_by_hem, in_hem

#: The year in which the modules lost power.
_YEAR = "2018"


def hem_veto(events: Any, params: Mapping[str, Any], *, year: str, isMC: bool, **kwargs: Any) -> npt.NDArray[np.bool_]:
    """Return the mask of events that are kept, see :func:`get_HEM_veto`."""
    if year != _YEAR:
        return np.ones(len(events), dtype=np.bool_)
    inside = np.zeros(len(events), dtype=np.bool_)
    for name in params["coll"]:
        columns = ObjectColumns(collection(events, name))
        found = in_hem(columns["eta"], columns["phi"]) & (columns["pt"] > params["minpt"])
        inside |= np.asarray(count_true(columns.lists(found)) > 0)
    return ~(inside & affected_by_hem(events, isMC, params["fraction"]))


def get_HEM_veto(
    coll: str | Sequence[str] = "Jet", minpt: float = 30.0, fraction: float = FRACTION, name: str = "HEM_veto"
) -> Cut:
    """Return a cut that rejects events of 2018 with an object in the affected region.

    It rejects data from run 319077 on, and the matching share of simulation, which a hash of the event chooses
    (:func:`~pocket.objects.affected_by_hem`). The region is eta from -3.2 to -1.3 and phi from -1.57 to -0.87. Events
    of other years are kept.

    Args:
        coll: collection, or several, e.g. ``["Jet", "Electron"]``; of events with selected objects ``"JetGood"``.
        minpt: objects above this pt in GeV count.
        fraction: share of the events of simulation that may be rejected, by default that of the affected luminosity.
        name: name of the cut.

    Raises:
        ConfigError: if the fraction isn't from 0 to 1.

    Examples:
        >>> get_HEM_veto("JetGood").params["coll"]
        ['JetGood']
    """
    if not 0 <= fraction <= 1:
        raise ConfigError(f"cut {name!r}: fraction is {fraction}, expected a number from 0 to 1")
    params = {"coll": [coll] if isinstance(coll, str) else list(coll), "minpt": minpt, "fraction": fraction}
    return Cut(name=name, params=params, function=hem_veto)
