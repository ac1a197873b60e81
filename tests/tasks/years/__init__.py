"""An analysis of two years, whose muon scale has other sources of uncertainty in each of them.

Tests copy its folder to somewhere outside the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak

from pocket.calibrators import Calibrator
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import defaults
from pocket.plan.workflow import BaseProcessorABC

#: year → source → relative shift of the momentum; ``drift`` goes up only
SHIFTS = {
    "2017": {"common": 0.05, "alignment_2017": 0.1},
    "2018": {"common": 0.02, "alignment_2018": 0.2, "drift": 0.3},
}


class Scale(Calibrator):
    """Shifts the momenta of muons."""

    name = "scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Muon",)
    symmetrise = {"scale_drift": "mirror"}  # noqa: RUF012

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        """Look up the sources of the year."""
        super().__init__(params, metadata, do_variations)
        self._shifts = {
            f"scale_{source}{side}": sign * shift
            for source, shift in SHIFTS[self.year].items()
            for side, sign in (("Up", 1), ("Down", -1))
            if (source, side) != ("drift", "Down")
        }
        self._variations = tuple(self._shifts)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the muons with shifted momenta."""
        return {"Muon": ak.with_field(events.Muon, events.Muon.pt * (1 + self._shifts.get(variation, 0)), "pt")}


class MuonProcessor(BaseProcessorABC):
    """Takes all muons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""
        self.events["MuonGood"] = self.events.Muon

    def count_objects(self, variation: str) -> None:
        """Count the muons."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)


analysis = Analysis(
    name="years",
    configs={
        "main": Configurator(
            parameters=defaults.get_default_parameters(),
            datasets={"jsons": [Path(__file__).with_name("datasets.json")]},
            workflow=MuonProcessor,
            calibrators=[Scale],
            categories={"all": [passthrough]},
            weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
            variations={"shape": {"common": {"inclusive": ["scale"]}}},
            variables={"pt": HistConf([Axis(coll="MuonGood", field="pt", bins=6, start=10, stop=70, label="$p_T$")])},
        )
    },
    default_config="main",
)
