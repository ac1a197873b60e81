"""Lepton + jets of 2022, in PocketCoffea's idiom: what the configurations with and without shape variations share."""

import os

import awkward as ak
from pocket_coffea.lib.calibrators.common.common import JetsCalibrator, METCalibrator
from pocket_coffea.lib.cut_functions import (
    eventFlags,
    get_nBtagEq,
    get_nBtagMin,
    get_nObj_eq,
    get_nObj_min,
    get_nPVgood,
)
from pocket_coffea.lib.objects import btagging, jet_selection, lepton_selection
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters import defaults
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import Axis, HistConf, count_hist, jet_hists, lepton_hists
from pocket_coffea.utils.configurator import Configurator
from pocket_coffea.workflows.base import BaseProcessorABC

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), f"{localdir}/parameters.yaml", update=True
)

WEIGHTS = ["pileup", "sf_ele_reco", "sf_ele_id", "sf_mu_id", "sf_mu_iso"]


class LeptonJetsProcessor(BaseProcessorABC):
    """Selection of leptons, jets and b-tagged jets."""

    def apply_object_preselection(self, variation):
        """Select the objects."""
        electrons = self.events.Electron
        self.events["Electron"] = ak.with_field(electrons, electrons.eta + electrons.deltaEtaSC, "etaSC")
        self.events["ElectronGood"] = lepton_selection(self.events, "Electron", self.params)
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        leptons = ak.with_name(
            ak.concatenate((self.events.MuonGood, self.events.ElectronGood), axis=1), name="PtEtaPhiMCandidate"
        )
        self.events["LeptonGood"] = leptons[ak.argsort(leptons.pt, ascending=False)]
        self.events["JetGood"], _ = jet_selection(self.events, "Jet", self.params, self._year, "LeptonGood")
        working_points = self.params.btagging.working_point[self._year]
        wp = self.params.object_preselection.Jet["btag"]["wp"]
        self.events["BJetGood"] = btagging(self.events["JetGood"], working_points, wp=wp)

    def count_objects(self, variation):
        """Count the objects."""
        for name in ("ElectronGood", "MuonGood", "LeptonGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])

    def define_common_variables_after_presel(self, variation):
        """Add the scalar sum of the jets' pt."""
        self.events["JetGood_Ht"] = ak.sum(abs(self.events.JetGood.pt), axis=1)


def configure(shapes):
    """Return the configuration with the variations of jets, or without."""
    variations = {"weights": {"common": {"inclusive": WEIGHTS}}}
    if shapes:
        variations["shape"] = {"common": {"inclusive": ["jet_calibration"]}}
    return Configurator(
        parameters=parameters,
        datasets={
            "jsons": [f"{localdir}/datasets.json"],
            "filter": {"samples": ["TTToLNu2Q"], "year": ["2022_postEE"]},
        },
        workflow=LeptonJetsProcessor,
        skim=[get_nPVgood(1), eventFlags],
        preselections=[get_nObj_eq(1, coll="LeptonGood"), get_nObj_min(3, coll="JetGood")],
        categories={
            "inclusive": [passthrough],
            "4jets": [get_nObj_min(4, coll="JetGood")],
            "1btag": [get_nBtagEq(1, coll="BJetGood")],
            "2btag": [get_nBtagMin(2, coll="BJetGood")],
        },
        weights_classes=common_weights,
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *WEIGHTS]}},
        calibrators=[JetsCalibrator, METCalibrator],
        variations=variations,
        variables={
            **lepton_hists(coll="LeptonGood", pos=0),
            **jet_hists(coll="JetGood", pos=0),
            **jet_hists(coll="JetGood", pos=1),
            **count_hist("JetGood", bins=10, start=0, stop=10),
            **count_hist("BJetGood", bins=6, start=0, stop=6),
            "ht": HistConf([Axis(coll="events", field="JetGood_Ht", bins=50, start=0, stop=1500, label="HT [GeV]")]),
            "met": HistConf([Axis(coll="PuppiMET", field="pt", bins=50, start=0, stop=300, label="MET [GeV]")]),
        },
    )
