"""Scale factors of jets other than b tagging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input, named_correction
from pocket.parameters.access import parameter
from pocket.weights.base import WeightData, WeightWrapper
from pocket.weights.objects import FlatObjects


class JetPileupId(WeightWrapper):
    """Scale factor of the pileup jet ID, as a product over jets that pass it.

    The jets are those of ``jet_scale_factors.jet_collection.puId`` with pt below ``object_preselection.Jet.puId.maxpt``
    that pass the working point ``object_preselection.Jet.puId.wp`` and are matched to a generated jet. Jets that fail
    it count as not selected. Where the group has no scale factor, below 20 GeV and beyond |η| = 5, its files have 0,
    and the factor is 1. File, correction and bits of the working points are in
    ``jet_scale_factors.jet_puId.<year>``. Source: JME, jmar.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/JME_2018_UL_jmar.html), and
    https://twiki.cern.ch/twiki/bin/view/CMS/PileupJetIDUL.
    """

    name = "sf_jet_puId"
    has_variations = True

    @property
    def section(self) -> tuple[str, ...]:
        """Path of the year's correction in the parameters."""
        return ("jet_scale_factors", "jet_puId", str(self.metadata["year"]))

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [named_correction(self.params, *self.section)]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its up and down variation."""
        ((file, name),) = self.corrections()
        working_point, max_pt = (
            parameter(self.params, "object_preselection", "Jet", "puId", key) for key in ("wp", "maxpt")
        )
        lowest = parameter(self.params, *self.section, "working_point", working_point)
        jets = FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "puId"))
        pt, eta = jets["pt"], jets["eta"]
        chosen = (pt < max_pt) & (jets["puId"] >= lowest) & (jets["genJetIdx"] >= 0)
        inputs = Inputs({"pt": pt[chosen], "eta": eta[chosen], "workingpoint": str(working_point)})

        def weight(kind: str) -> Floats:
            values = evaluate(file, name, inputs.with_texts(kind_input(kind)))
            factors = np.ones(len(pt))
            factors[chosen] = np.where(values == 0, 1.0, values)
            return jets.product(factors)

        sides = ("nom", "up", "down") if self.needs_variations(shape_variation) else ("nom",)
        return WeightData(self.name, *(weight(kind) for kind in sides))
