"""Small configurations for one feature each, on the selected events of ``analysis.ttbar`` and ``analysis.zmumu``.

PocketCoffea's ``selections.py`` has each of them under the same name, with the same numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.ttbar import config as ttbar
from analysis.ttbar.cuts import get_additional_flavour, get_semileptonic
from analysis.ttbar.workflow import TTBAR, TopPairProcessor
from analysis.zmumu import config as zmumu
from analysis.zmumu.workflow import ZmumuProcessor
from pocket.calibrators.muons import MuonScaleCalibrator
from pocket.columns import ColOut
from pocket.configuration.configurator import Configurator
from pocket.cuts.categories import CartesianSelection, MultiCut
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nBtagEq, get_nBtagMin, get_nObj_eq, get_nObj_min, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.factories import count_hist, jet_hists
from pocket.weights import WeightDataMultiVariation, WeightLambda

Floats = npt.NDArray[np.float64]

#: nominal value of the additional weight of one subsample
OWN_FACTOR = 1.3


def hardness(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> tuple[Floats, ...]:
    """Return a weight that depends on the leading lepton's pt, with up and down."""
    pt = np.asarray(events.LeptonGood.pt[:, 0], dtype=np.float64)
    nominal = np.exp(0.05 - pt / 2000)
    return nominal, nominal**2, np.ones(size)


def theory(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> WeightDataMultiVariation:
    """Return a weight with two named variations."""
    jets = np.asarray(events.nJetGood, dtype=np.float64)
    nominal = 1 + 0.01 * jets
    return WeightDataMultiVariation(
        "theory", nominal, ["scale", "shower"], [1.1 * nominal, 1 + 0.02 * jets], [0.9 * nominal, np.ones(size)]
    )


def tag_rate(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> tuple[Floats, ...]:
    """Return a weight that depends on the number of b-tagged jets, with up and down."""
    tags = np.asarray(events.nBJetGood)
    return 0.95**tags, 0.97**tags, 0.93**tags


def heavy_flavour(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> tuple[Floats, ...]:
    """Return an additional factor on the sample's weights, with up and down."""
    return np.full(size, OWN_FACTOR), np.full(size, 1.5), np.full(size, 1.1)


WEIGHTS = [
    WeightLambda.wrap_func("hardness", hardness, has_variations=True),
    WeightLambda.wrap_func("theory", theory, has_variations=True, variations=["scale", "shower"]),
    WeightLambda.wrap_func("tag_rate", tag_rate, has_variations=True),
    WeightLambda.wrap_func("heavy_flavour", heavy_flavour, has_variations=True),
]


def below(events: Any, params: Mapping[str, float], **kwargs: Any) -> Any:
    """Return the mask of events with a missing transverse momentum below ``params["met"]`` in GeV."""
    return events.MET.pt < params["met"]


def boosted(events: Any, params: Mapping[str, float], **kwargs: Any) -> Any:
    """Return the mask of events with a dimuon momentum above ``params["pt"]`` in GeV."""
    return events.ll.pt > params["pt"]


def jets_in(events: Any, params: Mapping[str, float], **kwargs: Any) -> Any:
    """Return the mask of jets in a range of |eta|."""
    eta = abs(events.JetGood.eta)
    return (eta >= params["low"]) & (eta < params["high"])


JETS = MultiCut("jets", [get_nObj_eq(4), get_nObj_eq(5), get_nObj_min(6)], ["4j", "5j", "6j"])
BTAGS = MultiCut("btags", [get_nBtagEq(1), get_nBtagMin(2)], ["1b", "2b"])
# The regions overlap, so that a jet may be in two categories.
REGIONS = MultiCut(
    "regions",
    [
        Cut(name=name, params={"low": low, "high": high}, function=jets_in, collection="JetGood")
        for name, low, high in (("central", 0.0, 1.2), ("forward", 1.0, 2.4))
    ],
)
SUBSAMPLES = {
    TTBAR: {
        "light": [get_additional_flavour(0)],
        "bottom": [get_additional_flavour(5)],
        "soft": [Cut(name="soft", params={"met": 60.0}, function=below)],
    }
}
SAMPLE_WEIGHTS = ["genWeight", "lumi", "XS", "pileup"]
STANDARD = {"inclusive": [passthrough], "tagged": [get_nBtagMin(2)]}
OWN_WEIGHT = {f"{TTBAR}__bottom": {"inclusive": ["heavy_flavour"]}}

jet_plane = HistConf(
    [
        Axis(coll="JetGood", field="pt", bins=[30, 50, 80, 120, 200]),
        Axis(coll="JetGood", field="eta", bins=12, start=-2.4, stop=2.4),
    ]
)
of_jets = {**jet_hists(fields=("pt", "eta")), "jet_plane": jet_plane}
of_events = {
    **count_hist("JetGood", bins=8, start=4, stop=12),
    **jet_hists(pos=0, fields=("pt",)),
    "met": HistConf([Axis(coll="MET", field="pt", bins=20, start=0, stop=200)]),
}


def configure(**changes: Any) -> Configurator:
    """Return a configuration of the events that ``analysis.ttbar`` selects, with some settings changed."""
    settings: dict[str, Any] = {
        "parameters": ttbar.parameters,
        "datasets": {"jsons": ["datasets/toys.json"]},
        "workflow": TopPairProcessor,
        "skim": ttbar.skim,
        "preselections": [get_semileptonic(ttbar.parameters.semileptonic)],
        "categories": STANDARD,
        "weights_classes": WEIGHTS,
        "weights": {"common": {"inclusive": SAMPLE_WEIGHTS}},
        "variations": {"weights": {"common": {"inclusive": ["pileup"]}}},
        "variables": {**of_jets, **of_events},
    }
    return Configurator(**settings | changes)


cartesian = configure(categories=CartesianSelection([JETS, BTAGS], common_cats=STANDARD))
objects = configure(
    categories=CartesianSelection([REGIONS, BTAGS], common_cats={"inclusive": [passthrough]}), variables=of_jets
)
subsamples = configure(
    subsamples=SUBSAMPLES,
    weights={"common": {"inclusive": SAMPLE_WEIGHTS}, "bysample": OWN_WEIGHT},
    variations={"weights": {"common": {"inclusive": ["pileup"]}, "bysample": OWN_WEIGHT}},
)
by_sample = {TTBAR: {"inclusive": ["hardness", "theory"]}}
by_category = {"tagged": ["tag_rate"]}
weights = configure(
    weights={
        "common": {"inclusive": SAMPLE_WEIGHTS, "bycategory": by_category},
        "bysample": by_sample,
    },
    variations={
        "weights": {"common": {"inclusive": ["pileup"], "bycategory": by_category}, "bysample": by_sample},
    },
)
columns = configure(
    subsamples=SUBSAMPLES,
    weights={"common": {"inclusive": SAMPLE_WEIGHTS}, "bysample": OWN_WEIGHT},
    columns={
        "common": {
            "inclusive": [ColOut("LeptonGood", ["pt", "eta"]), ColOut("MET", ["pt", "phi"])],
            "bycategory": {"tagged": [ColOut("JetGood", ["pt", "btagDeepFlavB"])]},
        },
        "bysample": {TTBAR: {"inclusive": [ColOut("events", ["nJetGood"])]}},
    },
)
shapes = configure(
    parameters=zmumu.parameters,
    workflow=ZmumuProcessor,
    skim=zmumu.skim,
    preselections=zmumu.on_toys["nominal"].preselections,
    categories={"baseline": [passthrough], "boosted": [Cut(name="boosted", params={"pt": 50.0}, function=boosted)]},
    calibrators=[MuonScaleCalibrator],
    variations={
        "weights": {"common": {"inclusive": ["pileup"]}},
        "shape": {"common": {"bycategory": {"baseline": ["muon_scale"]}}},
    },
    # The variables are filled in both categories.
    variables={
        name: dataclasses.replace(conf, only_categories=None)
        for name, conf in zmumu.dimuon_variables(
            zmumu.parameters.dimuon.mass_low, zmumu.parameters.dimuon.mass_high
        ).items()
    },
)
