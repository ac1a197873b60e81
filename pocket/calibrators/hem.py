"""Uncertainty of the energy of jets in the modules of the hadron calorimeter that lost power in 2018."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.calibrators.base import Calibrator
from pocket.calibrators.smearing import flat
from pocket.errors import check_known
from pocket.io.nanoaod.version import nano_version
from pocket.objects.hem import FRACTION, affected_by_hem, in_hem
from pocket.objects.jets import ORIGINAL_POSITION
from pocket.objects.nanoaod import TIGHT, identification

#: Edges in eta of the regions → factor on the energy there.
_SCALES = {(-2.5, -1.3): 0.8, (-3.0, -2.5): 0.65}
#: Jets above this pt in GeV are shifted.
_MIN_PT = 15.0
#: The year with the uncertainty.
_YEAR = "2018"
_KEYS = ("collection", "fraction")


class HEMCalibrator(Calibrator):
    """Calibrator that varies jets of 2018 in the region of the modules that lost power (HEM 15/16).

    The variation ``HEM_2018Down`` scales pt and mass by 0.8 for eta from -2.5 to -1.3, and by 0.65 for eta from -3.0 to
    -2.5, with phi from -1.57 to -0.87, for jets above 15 GeV with the tight identification, in simulation. There is no
    ``Up``: its templates are nominal. The recipe is JetMET's,
    https://hypernews.cern.ch/HyperNews/CMS/get/JetMET/2000.html. Nominal jets stay as they are, and other years have no
    variation.

    The calibrator comes after :class:`~pocket.calibrators.JetsCalibrator` and before
    :class:`~pocket.calibrators.METCalibrator`, so that the missing momentum follows.

    ``HEM`` of the parameters may have ``collection``, by default ``Jet``, and ``fraction``: the share of events of
    simulation whose jets are shifted, by default that of the affected luminosity
    (:func:`~pocket.objects.hem.affected_by_hem`). JetMET's recipe shifts all of them: 1.
    """

    name = "hem_2018"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    symmetrise = "none"

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        table = params.get("HEM", {})
        check_known("key", table, _KEYS, "HEM")
        self._jets = str(table.get("collection", "Jet"))
        self._fraction = float(table.get("fraction", FRACTION))
        self.calibrated_collections = (self._jets,)
        self.inputs = ()
        self._variations = ("HEM_2018Down",) if self.year == _YEAR else ()

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the jets with their new pt, mass and rawFactor, nothing for any other variation."""
        if variation not in self.variations:
            return {}
        name = self._jets
        jets = copy.copy(collection(events, name))
        counts = np.asarray(ak.num(jets))
        pt, mass, raw_factor = (flat(branch(jets, field, name)) for field in ("pt", "mass", "rawFactor"))
        # In the precision of the file, as the cut on the region compares them.
        eta, phi = (np.asarray(ak.flatten(jets[field])) for field in ("eta", "phi"))
        tight = np.asarray(ak.flatten(identification(jets, nano_version(events), name))) & TIGHT != 0
        shifted = np.repeat(affected_by_hem(events, True, self._fraction), counts) & (pt > _MIN_PT) & tight
        factor = np.ones_like(pt)
        for edges, scale in _SCALES.items():
            factor[shifted & in_hem(eta, phi, edges)] = scale
        new = {"pt": pt * factor, "mass": mass * factor, "rawFactor": 1 - (1 - raw_factor) / factor}
        for field, values in new.items():
            jets[field] = ak.unflatten(values.astype(np.float32), counts)
        if ORIGINAL_POSITION in jets.fields:
            # JetsCalibrator has sorted them by pt.
            jets = jets[ak.argsort(jets["pt"], axis=1, ascending=False)]
        return {name: jets}
