"""Configurations of the tt̄ lepton+jets analysis."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.ttbar import classifier
from analysis.ttbar.cuts import get_additional_flavour, get_jet_eta, get_semileptonic
from analysis.ttbar.workflow import TTBAR, TopPairProcessor
from pocket import Axis, CartesianSelection, ColOut, Configurator, Cut, HistConf, MultiCut, StandardSelection
from pocket.calibrators import JetsCalibrator, METCalibrator, MuonScaleCalibrator
from pocket.cuts import (
    eventFlags,
    get_HLTsel,
    get_nBtagEq,
    get_nBtagMin,
    get_nObj_eq,
    get_nObj_min,
    get_nPVgood,
    goldenJson,
    passthrough,
)
from pocket.histograms import count_hist, jet_hists, lepton_hists, met_hists
from pocket.parameters import defaults

FOLDER = Path(__file__).parent / "params"

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(),
    FOLDER / "selection.yaml",
    FOLDER / "weights.yaml",
    FOLDER / "plotting.yaml",
    update=True,
)

skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["SingleMuon", "SingleEle"]), get_nObj_min(4, 20.0, "Jet")]
lepton_scale_factors = ["sf_ele_reco", "sf_ele_id", "sf_mu_id", "sf_mu_iso", "sf_mu_trigger"]
scale_factors = ["pileup", *lepton_scale_factors, "sf_btag"]

tt_flavours = {
    "ttB": [get_additional_flavour(5)],
    "ttC": [get_additional_flavour(4)],
    "ttLF": [get_additional_flavour(0)],
}

two_btags = get_nBtagMin(2)
jet_bins = {
    "4j": get_nObj_eq(4),
    "5j": get_nObj_eq(5),
    "6j": get_nObj_eq(6),
    "7j": get_nObj_min(7),
}
btag_bins = {"1b": get_nBtagEq(1), "2b": get_nBtagEq(2), "3b": get_nBtagMin(3)}

few_categories = {"inclusive": [passthrough], "tagged": [two_btags]}
btag_categories = {"inclusive": [passthrough], **{name: [cut] for name, cut in btag_bins.items()}}
many_categories = {
    **few_categories,
    **{
        f"{jets}_{btags}": [jet_cut, btag_cut]
        for jets, jet_cut in jet_bins.items()
        for btags, btag_cut in btag_bins.items()
    },
}

n_jets = functools.partial(count_hist, "JetGood", bins=6, start=4, stop=10, label="Number of jets")
jet_pt = jet_hists(fields=("pt",), axis_settings={"jet_pt": {"start": 30, "stop": 330, "lim": (30, 330)}})
variables = {
    **n_jets(),
    **count_hist("BJetGood", bins=5, start=1, stop=6, label="Number of b-tagged jets"),
    **jet_pt,
    **lepton_hists(pos=0, fields=("pt",), axis_settings={"lepton_pt": {"bins": 54, "start": 30, "lim": (30, 300)}}),
    **met_hists(fields=("pt",)),
}


def flow(
    categories: StandardSelection | Mapping[str, Sequence[Cut]],
    variations: Sequence[str],
    shapes: Sequence[str] = (),
    **settings: Any,
) -> Configurator:
    """Return a configuration of the selected events.

    Args:
        categories: the categories.
        variations: names of weights that are varied.
        shapes: names of calibrators that are varied.
        **settings: further arguments of the configuration, which may replace the usual ones.
    """
    usual: dict[str, Any] = {
        "parameters": parameters,
        "datasets": {"jsons": ["datasets/toys.json"]},
        "workflow": TopPairProcessor,
        "skim": skim,
        "preselections": [get_semileptonic(parameters.semileptonic)],
        "categories": categories,
        "weights": {"common": {"inclusive": ["genWeight", "lumi", "XS", *scale_factors]}},
        "variations": {
            "weights": {"common": {"inclusive": list(variations)}},
            "shape": {"common": {"inclusive": list(shapes)}},
        },
        "variables": variables,
    }
    return Configurator(**usual | settings)


small = flow(few_categories, ["pileup"])
medium = flow(btag_categories, scale_factors, subsamples={TTBAR: tt_flavours})
large = flow(many_categories, scale_factors, subsamples={TTBAR: tt_flavours})

# This configuration also varies the energies of jets and muons.
energies = {
    "shapes": ["jet_calibration", "met_calibration", "muon_scale"],
    "calibrators": [JetsCalibrator, METCalibrator, MuonScaleCalibrator],
}
shapes = flow(few_categories, ["pileup"], **energies)

# The scores of the two models are recomputed for each variation.
classified = flow(
    few_categories,
    ["pileup"],
    **energies,
    subsamples={TTBAR: tt_flavours},
    delayed_columns=classifier.columns,
    variables={
        column.name: HistConf([Axis(field=column.name, bins=20, start=0, stop=1, label=label)])
        for column, label in zip(classifier.columns, ("Logistic regression", "Boosted trees"), strict=True)
    },
)

# These columns are the input of the training.
columns = flow(
    few_categories,
    ["pileup", "sf_btag"],
    subsamples={TTBAR: tt_flavours},
    columns={
        "common": {
            "inclusive": [
                ColOut("LeptonGood", ["pt", "eta", "pdgId"], pos_end=1),
                ColOut("JetGood", ["pt", "eta", "phi", "btagDeepFlavB"]),
                ColOut("MET", ["pt", "phi"]),
            ]
        },
        "bysample": {TTBAR: {"bycategory": {"tagged": [ColOut("JetGood", ["hadronFlavour"])]}}},
    },
)

# There is a category for every combination of numbers of jets and of b-tagged jets.
differential = flow(
    CartesianSelection(
        [
            MultiCut("jets", list(jet_bins.values()), list(jet_bins)),
            MultiCut("btags", list(btag_bins.values()), list(btag_bins)),
        ],
        common_cats=StandardSelection(few_categories),
    ),
    ["pileup"],
)

# These categories select jets in bins of |eta| instead of events: a histogram of jets is filled with the jets of the
# category, one of events with the events that have any such jet.
jet_eta = flow(
    CartesianSelection(
        [
            MultiCut("jets", [jet_bins["4j"], get_nObj_min(5)], ["4j", "5j"]),
            MultiCut("eta", [get_jet_eta(0.0, 1.2), get_jet_eta(1.2, 2.4)], ["barrel", "endcap"]),
        ],
        common_cats=few_categories,
    ),
    ["pileup"],
    variables={**jet_pt, **n_jets(collapse_2D_masks=True)},
)
