"""tt̄ → lepton+jets in PocketCoffea: the configurations ``small``, ``medium`` and ``large``."""

import awkward as ak
from pocket_coffea.lib.cut_definition import Cut
from pocket_coffea.lib.cut_functions import get_nBtagEq, get_nBtagMin, get_nObj_eq, get_nObj_min
from pocket_coffea.lib.objects import btagging, jet_selection, lepton_selection
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import count_hist, jet_hists, lepton_hists, met_hists
from pocket_coffea.utils.configurator import Configurator
from pocket_coffea.workflows.base import BaseProcessorABC
from shared import YEAR, datasets, parameters, toy_skim

TTBAR = "TTToSemiLeptonic"
CHARM, BOTTOM, TOP, W = 4, 5, 6, 24


class TopPairProcessor(BaseProcessorABC):
    """Workflow that selects one lepton of either flavour, jets away from it, and the b-tagged jets among them."""

    def apply_object_preselection(self, variation):
        """Select objects."""
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        self.events["ElectronGood"] = lepton_selection(self.events, "Electron", self.params)
        leptons = ak.concatenate((self.events.MuonGood, self.events.ElectronGood), axis=1)
        leptons = ak.with_name(leptons, "PtEtaPhiMCandidate")
        self.events["LeptonGood"] = leptons[ak.argsort(leptons.pt, ascending=False)]
        self.events["JetGood"], _ = jet_selection(self.events, "Jet", self.params, YEAR, "LeptonGood")
        self.events["BJetGood"] = btagging(self.events.JetGood, self.params.btagging.working_point[YEAR], "M")

    def count_objects(self, variation):
        """Count objects."""
        for name in ("MuonGood", "ElectronGood", "LeptonGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])

    def define_common_variables_after_presel(self, variation):
        """Classify tt̄ by the heaviest flavour of the generated jets that don't come from a top decay."""
        if self._sample != TTBAR:
            return
        cuts = self.params.additional_jets
        jets, particles = self.events.GenJet, self.events.GenPart
        jets = jets[(jets.hadronFlavour >= CHARM) & (jets.pt > cuts.pt) & (abs(jets.eta) < cuts.eta)]
        code, parent = abs(particles.pdgId), ak.fill_none(abs(particles.parent.pdgId), 0)
        quarks = particles[((code == CHARM) | (code == BOTTOM)) & ((parent == TOP) | (parent == W))]
        far = ak.all(jets.metric_table(quarks) > cuts.match_dr, axis=2)
        self.events["additional_flavour"] = ak.fill_none(ak.max(jets.hadronFlavour[far], axis=1), 0)


def semileptonic(events, params, **kwargs):
    """Return the mask of events with one hard lepton, jets, b-tagged jets and missing transverse momentum."""
    hard_muon = ak.any(events.MuonGood.pt > params["muon_pt"], axis=1)
    hard_electron = ak.any(events.ElectronGood.pt > params["electron_pt"], axis=1)
    return (
        (hard_muon | hard_electron)
        & (events.nLeptonGood == 1)
        & (events.nJetGood >= params["jets"])
        & (events.nBJetGood >= params["btags"])
        & (events.MET.pt > params["met"])
    )


def additional_flavour(events, params, **kwargs):
    """Return the mask of events whose additional jets have a flavour."""
    return events.additional_flavour == params["flavour"]


JET_BINS = {"4j": get_nObj_eq(4), "5j": get_nObj_eq(5), "6j": get_nObj_eq(6), "7j": get_nObj_min(7)}
BTAG_BINS = {"1b": get_nBtagEq(1), "2b": get_nBtagEq(2), "3b": get_nBtagMin(3)}
FEW = {"inclusive": [passthrough], "tagged": [get_nBtagMin(2)]}
BTAG = {"inclusive": [passthrough], **{name: [cut] for name, cut in BTAG_BINS.items()}}
FLAVOURS = {
    name: [Cut(name=name, params={"flavour": flavour}, function=additional_flavour)]
    for name, flavour in (("ttB", 5), ("ttC", 4), ("ttLF", 0))
}
SCALE_FACTORS = ["pileup", "sf_ele_reco", "sf_ele_id", "sf_mu_id", "sf_mu_iso", "sf_mu_trigger", "sf_btag"]
MANY = {**FEW, **{f"{j}_{b}": [jets, tags] for j, jets in JET_BINS.items() for b, tags in BTAG_BINS.items()}}


def flow(request, categories, variations, subsamples):
    """Return a configuration of the selected events."""
    params = parameters(request, "semileptonic", "additional_jets")
    return Configurator(
        parameters=params,
        datasets=datasets(request, subsamples=subsamples),
        workflow=TopPairProcessor,
        skim=toy_skim(["SingleMuon", "SingleEle"], (4, 20.0, "Jet")),
        preselections=[Cut(name="semileptonic", params=dict(params.semileptonic), function=semileptonic)],
        categories=categories,
        weights_classes=common_weights,
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *SCALE_FACTORS]}},
        calibrators=[],
        variations={"weights": {"common": {"inclusive": variations}}},
        variables={
            **count_hist("JetGood", bins=6, start=4, stop=10),
            **count_hist("BJetGood", bins=5, start=1, stop=6),
            **jet_hists(coll="JetGood", fields=["pt"], axis_settings={"jet_pt": {"start": 30, "stop": 330}}),
            **lepton_hists(
                coll="LeptonGood", pos=0, fields=["pt"], axis_settings={"lepton_pt": {"bins": 54, "start": 30}}
            ),
            **met_hists(coll="MET", fields=["pt"]),
        },
    )


def small(request):
    """Return two categories, with one weight varied."""
    return flow(request, FEW, ["pileup"], {})


def medium(request):
    """Return four categories, with seven weights varied and three subsamples."""
    return flow(request, BTAG, SCALE_FACTORS, {TTBAR: FLAVOURS})


def large(request):
    """Return fourteen categories, with seven weights varied and three subsamples."""
    return flow(request, MANY, SCALE_FACTORS, {TTBAR: FLAVOURS})
