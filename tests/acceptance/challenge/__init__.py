"""The Analysis Grand Challenge (https://agc.readthedocs.io): tt̄ in events with one lepton, without generator weights.

Events count the same, σ·L/N each. Two shapes go to one side only; four weights of b tagging depend on the momenta of
the jets. The thresholds are those of the Challenge but for the tagger, and the random smearing is a function of η here,
so that it can be repeated. Tests copy this folder to somewhere outside the project, with a ``datasets.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.calibrators import Calibrator
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_eq, get_nObj_min
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import defaults
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights import WeightLambda

BTAG = 0.5


class JetScale(Calibrator):
    """Scales the momenta of jets up."""

    name = "pt_scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Jet.pt",)
    inputs = ()
    symmetrise = "mirror"
    _variations = ("pt_scaleUp",)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the momenta, 3 % higher."""
        return {"Jet.pt": events.Jet.pt * 1.03} if variation == "pt_scaleUp" else {"Jet.pt": events.Jet.pt}


class JetResolution(Calibrator):
    """Smears the momenta of jets."""

    name = "pt_res"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Jet.pt",)
    inputs = ()
    symmetrise = "none"
    _variations = ("pt_resUp",)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the momenta, smeared by up to 5 %."""
        if variation != "pt_resUp":
            return {"Jet.pt": events.Jet.pt}
        eta = ak.values_astype(events.Jet.eta, np.float64)
        return {"Jet.pt": events.Jet.pt * (1 + 0.05 * np.sin(1000 * eta))}


class ChallengeProcessor(BaseProcessorABC):
    """Selects leptons and jets, and the three jets of the hadronic top quark."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select leptons, jets and b jets."""
        electrons, muons, jets = self.events.Electron, self.events.Muon, self.events.Jet
        good_electrons = (electrons.pt > 30) & (abs(electrons.eta) < 2.1)
        good_electrons = good_electrons & (electrons.cutBased == 4) & (electrons.sip3d < 4)
        good_muons = (muons.pt > 30) & (abs(muons.eta) < 2.1) & muons.tightId
        good_muons = good_muons & (muons.sip3d < 4) & (muons.pfRelIso04_all < 0.15)
        self.events["ElectronGood"] = electrons[good_electrons]
        self.events["MuonGood"] = muons[good_muons]
        self.events["JetGood"] = jets[(jets.pt > 30) & (abs(jets.eta) < 2.4) & (jets.jetId == 6)]
        self.events["BJetGood"] = self.events.JetGood[self.events.JetGood.btagDeepFlavB > BTAG]

    def count_objects(self, variation: str) -> None:
        """Count them."""
        for name in ("ElectronGood", "MuonGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])
        self.events["nLepton"] = self.events.nElectronGood + self.events.nMuonGood

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Find the three jets with the largest momentum together, one of which is tagged."""
        jets = self.events.JetGood
        self.events["ht"] = ak.sum(jets.pt, axis=1)
        one, two, three = ak.unzip(ak.combinations(jets, 3))
        tagged = (one.btagDeepFlavB > BTAG) | (two.btagDeepFlavB > BTAG) | (three.btagDeepFlavB > BTAG)
        together = (one + two + three)[tagged]
        best = together[ak.argmax(together.pt, axis=1, keepdims=True)]
        self.events["trijet_mass"] = ak.fill_none(ak.firsts(best.mass), -1.0)


def one_lepton(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require exactly one lepton."""
    return events.nLepton == 1


def btag_variations(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    """Change the efficiency of b tagging by the momentum of one of the leading jets each."""
    momenta = [np.asarray(events.JetGood.pt[:, number], dtype=np.float64) for number in range(4)]
    changes = [0.075 * momentum / 50 for momentum in momenta]
    return np.ones(size), list("0123"), [1 + change for change in changes], [1 - change for change in changes]


btag_var = WeightLambda.wrap_func("btag_var", btag_variations, has_variations=True, variations=list("0123"))
scale_var = WeightLambda.wrap_func(
    "scale_var", lambda params, metadata, events, size, shape_variation: (1.0, 1.1, 0.9), has_variations=True
)
of_jets = {"bysample": {"wjets": {"inclusive": [scale_var]}}}

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), Path(__file__).with_name("parameters.yaml"), update=True
)
analysis = Analysis(
    name="challenge",
    configs={
        "main": Configurator(
            parameters=parameters,
            datasets={"jsons": [Path(__file__).with_name("datasets.json")]},
            workflow=ChallengeProcessor,
            calibrators=[JetScale, JetResolution],
            preselections=[Cut(name="one_lepton", params={}, function=one_lepton), get_nObj_min(4, coll="JetGood")],
            categories={"4j1b": [get_nObj_eq(1, coll="BJetGood")], "4j2b": [get_nObj_min(2, coll="BJetGood")]},
            weights={"common": {"inclusive": ["lumi", "XS", btag_var]}, **of_jets},
            variations={
                "weights": {"common": {"inclusive": ["btag_var"]}, "bysample": {"wjets": {"inclusive": ["scale_var"]}}},
                "shape": {"common": {"inclusive": ["pt_scale", "pt_res"]}},
            },
            variables={
                "ht": HistConf([Axis(field="ht", bins=25, start=50, stop=550)], only_categories=["4j1b"]),
                "trijet_mass": HistConf(
                    [Axis(field="trijet_mass", bins=25, start=50, stop=550)], only_categories=["4j2b"]
                ),
            },
        )
    },
    default_config="main",
)
