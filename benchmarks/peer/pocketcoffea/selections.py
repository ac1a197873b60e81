"""Small PocketCoffea configurations for one feature each, on the selected events of ``ttbar``."""

import awkward as ak
import numpy as np
from pocket_coffea.lib.categorization import CartesianSelection, MultiCut
from pocket_coffea.lib.columns_manager import ColOut
from pocket_coffea.lib.cut_definition import Cut
from pocket_coffea.lib.cut_functions import get_nBtagEq, get_nBtagMin, get_nObj_eq, get_nObj_min
from pocket_coffea.lib.hist_manager import Axis, HistConf
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.lib.weights.weights import WeightDataMultiVariation, WeightLambda
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import count_hist, jet_hists
from pocket_coffea.utils.configurator import Configurator
from shared import datasets, parameters, toy_skim
from ttbar import TTBAR, TopPairProcessor, additional_flavour, semileptonic


def hardness(params, metadata, events, size, shape_variation):
    """Return a weight that depends on the leading lepton's pt, with up and down."""
    pt = ak.to_numpy(events.LeptonGood.pt[:, 0]).astype(np.float64)
    nominal = np.exp(0.05 - pt / 2000)
    return nominal, nominal**2, np.ones(size)


def theory(params, metadata, events, size, shape_variation):
    """Return a weight with two named variations."""
    jets = ak.to_numpy(events.nJetGood).astype(np.float64)
    nominal = 1 + 0.01 * jets
    return WeightDataMultiVariation(
        "theory", nominal, ["scale", "shower"], [1.1 * nominal, 1 + 0.02 * jets], [0.9 * nominal, np.ones(size)]
    )


def tag_rate(params, metadata, events, size, shape_variation):
    """Return a weight that depends on the number of b-tagged jets, with up and down."""
    tags = ak.to_numpy(events.nBJetGood)
    return 0.95**tags, 0.97**tags, 0.93**tags


def heavy_flavour(params, metadata, events, size, shape_variation):
    """Return an additional factor on the sample's weights, with up and down."""
    return np.full(size, 1.3), np.full(size, 1.5), np.full(size, 1.1)


WEIGHTS = [
    WeightLambda.wrap_func(name="hardness", function=hardness, has_variations=True),
    WeightLambda.wrap_func(name="theory", function=theory, has_variations=True, variations=["scale", "shower"]),
    WeightLambda.wrap_func(name="tag_rate", function=tag_rate, has_variations=True),
    WeightLambda.wrap_func(name="heavy_flavour", function=heavy_flavour, has_variations=True),
]


def below(events, params, **kwargs):
    """Return the mask of events with a missing transverse momentum below a value."""
    return events.MET.pt < params["met"]


def jets_in(events, params, **kwargs):
    """Return the mask of jets in a range of |eta|."""
    eta = abs(events.JetGood.eta)
    return (eta >= params["low"]) & (eta < params["high"])


JETS = MultiCut("jets", [get_nObj_eq(4), get_nObj_eq(5), get_nObj_min(6)], ["4j", "5j", "6j"])
BTAGS = MultiCut("btags", [get_nBtagEq(1), get_nBtagMin(2)], ["1b", "2b"])
REGIONS = MultiCut(
    "regions",
    [
        Cut(name=name, params={"low": low, "high": high}, function=jets_in, collection="JetGood")
        for name, low, high in (("central", 0.0, 1.2), ("forward", 1.0, 2.4))
    ],
    ["central", "forward"],
)
SUBSAMPLES = {
    TTBAR: {
        "light": [Cut(name="light", params={"flavour": 0}, function=additional_flavour)],
        "bottom": [Cut(name="bottom", params={"flavour": 5}, function=additional_flavour)],
        "soft": [Cut(name="soft", params={"met": 60.0}, function=below)],
    }
}
WEIGHT_NAMES = ["genWeight", "lumi", "XS", "pileup"]


def of_jets():
    """Return histograms with one entry per jet."""
    plane = [
        Axis(coll="JetGood", field="pt", bins=[30, 50, 80, 120, 200], type="variable", label="pt"),
        Axis(coll="JetGood", field="eta", bins=12, start=-2.4, stop=2.4, label="eta"),
    ]
    return {**jet_hists(coll="JetGood", fields=["pt", "eta"]), "jet_plane": HistConf(plane)}


def of_events():
    """Return histograms with one entry per event."""
    return {
        **count_hist("JetGood", bins=8, start=4, stop=12),
        **jet_hists(coll="JetGood", pos=0, fields=["pt"]),
        "met": HistConf([Axis(coll="MET", field="pt", bins=20, start=0, stop=200, label="met")]),
    }


def configure(request, **settings):
    """Return a configuration, with some settings changed."""
    params = parameters(request, "semileptonic", "additional_jets")
    defaults = {
        "datasets": datasets(request, subsamples=settings.pop("subsamples", {})),
        "categories": {"inclusive": [passthrough], "tagged": [get_nBtagMin(2)]},
        "weights": {"common": {"inclusive": WEIGHT_NAMES}},
        "variations": {"weights": {"common": {"inclusive": ["pileup"]}}},
        "variables": {**of_jets(), **of_events()},
    }
    return Configurator(
        parameters=params,
        workflow=TopPairProcessor,
        skim=toy_skim(["SingleMuon", "SingleEle"], (4, 20.0, "Jet")),
        preselections=[Cut(name="semileptonic", params=dict(params.semileptonic), function=semileptonic)],
        weights_classes=[*common_weights, *WEIGHTS],
        calibrators=[],
        **{**defaults, **settings},
    )


def cartesian(request):
    """Return Cartesian categories of events, with common ones."""
    common = {"inclusive": [passthrough], "tagged": [get_nBtagMin(2)]}
    return configure(request, categories=CartesianSelection([JETS, BTAGS], common_cats=common))


def objects(request):
    """Return Cartesian categories, where one binning selects jets."""
    categories = CartesianSelection([REGIONS, BTAGS], common_cats={"inclusive": [passthrough]})
    return configure(request, categories=categories, variables=of_jets())


def subsamples(request):
    """Return overlapping subsamples, one of them with an additional weight."""
    return configure(
        request,
        subsamples=SUBSAMPLES,
        weights={
            "common": {"inclusive": WEIGHT_NAMES},
            "bysample": {f"{TTBAR}__bottom": {"inclusive": ["heavy_flavour"]}},
        },
        variations={
            "weights": {
                "common": {"inclusive": ["pileup"]},
                "bysample": {f"{TTBAR}__bottom": {"inclusive": ["heavy_flavour"]}},
            }
        },
    )


def weights(request):
    """Return weights by sample and by category, and one with named variations."""
    return configure(
        request,
        weights={
            "common": {"inclusive": WEIGHT_NAMES, "bycategory": {"tagged": ["tag_rate"]}},
            "bysample": {TTBAR: {"inclusive": ["hardness", "theory"]}},
        },
        variations={
            "weights": {
                "common": {"inclusive": ["pileup"], "bycategory": {"tagged": ["tag_rate"]}},
                "bysample": {TTBAR: {"inclusive": ["hardness", "theory"]}},
            }
        },
    )


def columns(request):
    """Return columns of events and of objects, by category and sample, with a subsample's additional weight."""
    return configure(
        request,
        subsamples=SUBSAMPLES,
        weights={
            "common": {"inclusive": WEIGHT_NAMES},
            "bysample": {f"{TTBAR}__bottom": {"inclusive": ["heavy_flavour"]}},
        },
        columns={
            "common": {
                "inclusive": [ColOut("LeptonGood", ["pt", "eta"]), ColOut("MET", ["pt", "phi"])],
                "bycategory": {"tagged": [ColOut("JetGood", ["pt", "btagDeepFlavB"])]},
            },
            "bysample": {TTBAR: {"inclusive": [ColOut("events", ["nJetGood"])]}},
        },
    )
