"""A small analysis with a whole chain: ``corrected`` applies a scale factor that is measured in ``probes``.

Tests copy its folder to somewhere outside the project and change the copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import awkward as ak

from pocket.columns import ColOut
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import get_nPVgood, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import defaults
from pocket.plan.workflow import BaseProcessorABC
from pocket.scale_factors import EfficiencyRatio
from pocket.weights.base import WeightWrapper
from pocket.weights.scale_factor import ScaleFactorWeight

from .cuts import get_leading_muon

FOLDER = Path(__file__).parent

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), FOLDER / "parameters.yaml", update=True
)
muon_pt = Axis(coll="MuonGood", field="pt", name="pt", bins=(10, 40, 200), label="Muon $p_T$ [GeV]")
tight = Axis(coll="MuonGood", field="tightId", name="passing", type="integer", start=0, stop=2)
vertices = Axis(coll="PV", field="npvsGood", bins=20, start=0, stop=80, label="Good vertices")


class MuonProcessor(BaseProcessorABC):
    """Selects muons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select loosely identified muons."""
        muons = self.events.Muon
        self.events["MuonGood"] = muons[muons.looseId & (muons.pt > self.params.object_preselection.Muon.pt)]

    def count_objects(self, variation: str) -> None:
        """Count them."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)


def configure(
    variables: dict[str, HistConf], *weights: type[WeightWrapper], columns: Sequence[ColOut] = ()
) -> Configurator:
    """Return a configuration that applies some more weights, with their variations, and exports columns."""
    return Configurator(
        parameters=parameters,
        datasets={"jsons": [FOLDER / "datasets.json"]},
        workflow=MuonProcessor,
        skim=[get_nPVgood(1)],
        preselections=[get_leading_muon(parameters.leading_muon.pt)],
        categories={"baseline": [passthrough]},
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *weights]}},
        variations={"weights": {"common": {"inclusive": list(weights)}}},
        variables=variables,
        columns={"common": {"inclusive": columns}},
    )


spectra = {"muon_pt": HistConf([muon_pt]), "npvs": HistConf([vertices])}
sf_tight_id = ScaleFactorWeight.wrap("sf_tight_id", scale_factor="tight_id", collection="MuonGood")
tight_id = EfficiencyRatio(
    input="probes",
    variable="probes",
    category="baseline",
    axes=("pt",),
    data=("DATA_SingleMuon",),
    mc=("DYJetsToMuMu",),
)

analysis = Analysis(
    name="small",
    configs={
        "probes": configure({"probes": HistConf([tight, muon_pt])}),
        "main": configure(spectra, columns=[ColOut("MuonGood", ["pt"])]),
        "corrected": configure(spectra, sf_tight_id),
    },
    scale_factors={"tight_id": tight_id},
    default_config="corrected",
    compare={"corrected": "main"},
)
