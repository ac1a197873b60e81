"""Z→μμ in PocketCoffea: the same selection, weights and histograms as the configuration ``nominal``."""

import awkward as ak
import numpy as np
from pocket_coffea.lib.calibrators.calibrator import Calibrator
from pocket_coffea.lib.cut_definition import Cut
from pocket_coffea.lib.hist_manager import Axis, HistConf
from pocket_coffea.lib.objects import get_dilepton, jet_selection, lepton_selection
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import count_hist, muon_hists
from pocket_coffea.utils.configurator import Configurator
from pocket_coffea.workflows.base import BaseProcessorABC
from shared import TOYS, YEAR, datasets, parameters, toy_skim


class ZmumuProcessor(BaseProcessorABC):
    """Workflow with identified, isolated muons and the jets away from them."""

    def apply_object_preselection(self, variation):
        """Select muons."""
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)

    def count_objects(self, variation):
        """Count the muons."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)

    def define_common_variables_before_presel(self, variation):
        """Combine the two leading muons.

        The mass is a small difference of large numbers, so it is computed in double precision. get_dilepton returns
        zeros for more than two muons, so it gets two.
        """
        muons = self.events.MuonGood[:, :2]
        fields = {name: ak.values_astype(muons[name], np.float64) for name in ("pt", "eta", "phi", "mass")}
        muons = ak.zip({**fields, "charge": muons.charge}, with_name="PtEtaPhiMCandidate")
        self.events["ll"] = get_dilepton(None, muons)

    def define_common_variables_after_presel(self, variation):
        """Select the jets, which the preselection doesn't need."""
        self.events["JetGood"], _ = jet_selection(self.events, "Jet", self.params, YEAR, "MuonGood")
        self.events["nJetGood"] = ak.num(self.events.JetGood)


def dimuon(events, params, **kwargs):
    """Return the mask of events with opposite charges, a hard leading muon, and a mass window."""
    mask = (
        (events.nMuonGood >= 2)
        & (events.ll.charge == 0)
        & (ak.firsts(events.MuonGood.pt) > params["leading_pt"])
        & (events.ll.mass > params["mass_low"])
        & (events.ll.mass < params["mass_high"])
    )
    return ak.where(ak.is_none(mask), False, mask)


def boosted(events, params, **kwargs):
    """Return the mask of events with a dimuon momentum above a value."""
    return events.ll.pt > params["pt"]


class MuonScale(Calibrator):
    """Calibrator of the muons' momentum scale, with up and down."""

    name = "muon_scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's name
    calibrated_collections = ("Muon.pt",)

    def __init__(self, params, metadata, do_variations=True, **kwargs):
        super().__init__(params, metadata, do_variations, **kwargs)
        self._variations = ["muon_scaleUp", "muon_scaleDown"]

    def initialize(self, events):
        """Prepare nothing."""

    def calibrate(self, events, events_original_collections, variation, already_applied_calibrators=None):
        """Return the scaled momenta."""
        uncertainty = self.params.muon_scale[TOYS].uncertainty
        shift = {"muon_scaleUp": 1 + uncertainty, "muon_scaleDown": 1 - uncertainty}
        return {"Muon.pt": events.Muon.pt * shift.get(variation, 1.0)}


def spectra(request, **settings):
    """Return a configuration that fills the dimuon spectra."""
    params = parameters(request, "dimuon", "muon_scale")
    window = dict(params.dimuon)
    low, high = window["mass_low"], window["mass_high"]
    muon_pt = {"muon_pt": {"bins": 48, "start": 24, "stop": 120, "lim": (24, 120)}}
    defaults = {
        "categories": {"baseline": [passthrough]},
        "calibrators": [],
        "variations": {"weights": {"common": {"inclusive": ["pileup"]}}},
    }
    return Configurator(
        parameters=params,
        datasets=datasets(request),
        workflow=ZmumuProcessor,
        skim=toy_skim(["SingleMuon"], (2, 20.0, "Muon")),
        preselections=[Cut(name="dimuon", params=window, function=dimuon)],
        weights_classes=common_weights,
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", "pileup"]}},
        variables={
            "mll": HistConf([Axis(coll="ll", field="mass", bins=60, start=low, stop=high, label="mll")]),
            "ptll": HistConf([Axis(coll="ll", field="pt", bins=50, start=0, stop=150, label="ptll")]),
            **muon_hists(coll="MuonGood", fields=["pt", "eta"], axis_settings=muon_pt),
            **muon_hists(coll="MuonGood", pos=0, fields=["pt", "eta"], axis_settings=muon_pt),
            **muon_hists(coll="MuonGood", pos=1, fields=["pt", "eta"], axis_settings=muon_pt),
            **count_hist("JetGood", bins=8, start=0, stop=8, label="jets"),
            "npvs": HistConf([Axis(coll="PV", field="npvsGood", bins=60, start=0, stop=60, label="npvs")]),
        },
        **{**defaults, **settings},
    )


def nominal(request):
    """Return the configuration ``nominal``."""
    return spectra(request)


def shapes(request):
    """Return a shape variation in one of two categories, in addition to a weight variation."""
    return spectra(
        request,
        categories={
            "baseline": [passthrough],
            "boosted": [Cut(name="boosted", params={"pt": 50.0}, function=boosted)],
        },
        calibrators=[MuonScale],
        variations={
            "weights": {"common": {"inclusive": ["pileup"]}},
            "shape": {"common": {"inclusive": [], "bycategory": {"baseline": ["muon_scale"]}}},
        },
    )
