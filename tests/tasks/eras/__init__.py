"""An analysis of two eras, some of whose sources of uncertainty they share, with variations from dedicated samples.

Tests copy its folder to somewhere outside the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.calibrators import Calibrator
from pocket.columns.config import ColOut
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import defaults
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights import WeightLambda

#: era → source → relative shift of the momentum; the name of one has its era already
SHIFTS = {
    "2017": {"scale_common": 0.05, "scale_own": 0.03, "scale_barrel_2017": 0.1},
    "2018": {"scale_common": 0.02, "scale_own": 0.04, "scale_barrel_2018": 0.2},
}
#: era → variation of the weight → relative shift
WEIGHTS = {"2017": {"method": 0.1, "stat": 0.02}, "2018": {"method": 0.15, "stat": 0.01}}


class Scale(Calibrator):
    """Shifts the momenta of muons."""

    name = "scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Muon",)
    correlated = {"common": True, "*": False}  # noqa: RUF012

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        """Look up the sources of the era."""
        super().__init__(params, metadata, do_variations)
        self._shifts = {
            f"{source}{side}": sign * shift
            for source, shift in SHIFTS[self.year].items()
            for side, sign in (("Up", 1), ("Down", -1))
        }
        self._variations = tuple(self._shifts)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the muons with shifted momenta."""
        return {"Muon": ak.with_field(events.Muon, events.Muon.pt * (1 + self._shifts.get(variation, 0)), "pt")}


def efficiency(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    """Return a weight of one with its variations."""
    shifts = WEIGHTS[metadata["year"]]
    ones = np.ones(size)
    return ones, [*shifts], [ones + shift for shift in shifts.values()], [ones - shift for shift in shifts.values()]


class MuonProcessor(BaseProcessorABC):
    """Takes all muons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""
        self.events["MuonGood"] = self.events.Muon

    def count_objects(self, variation: str) -> None:
        """Count the muons."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)


analysis = Analysis(
    name="eras",
    configs={
        "main": Configurator(
            parameters=defaults.get_default_parameters(),
            datasets={"jsons": [Path(__file__).with_name("datasets.json")]},
            workflow=MuonProcessor,
            calibrators=[Scale],
            categories={"all": [passthrough]},
            weights={
                "common": {
                    "inclusive": [
                        *("genWeight", "lumi", "XS"),
                        WeightLambda.wrap_func("sf", efficiency, has_variations=True, variations=["method", "stat"]),
                    ]
                }
            },
            variations={
                "weights": {"common": {"inclusive": ["sf"]}},
                "shape": {"common": {"inclusive": ["scale"]}},
                "correlated": {"sf_stat": False},
            },
            variables={"pt": HistConf([Axis(coll="MuonGood", field="pt", bins=6, start=10, stop=70, label="$p_T$")])},
            columns={"common": {"inclusive": [ColOut("MuonGood", ["pt"])]}},
        )
    },
    default_config="main",
)
