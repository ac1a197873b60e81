"""A configuration file as PocketCoffea's users write it."""

import os

import cloudpickle
import custom_cuts
import workflow
from custom_cuts import *  # noqa: F403
from pocket_coffea.lib.cut_functions import get_nObj_min, get_nPVgood
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters import defaults
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import *  # noqa: F403
from pocket_coffea.utils.configurator import Configurator
from workflow import DimuonProcessor

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120

cloudpickle.register_pickle_by_value(workflow)
cloudpickle.register_pickle_by_value(custom_cuts)

default_parameters = defaults.get_default_parameters()
defaults.register_configuration_dir("config_dir", localdir + "/params")
parameters = defaults.merge_parameters_from_files(
    default_parameters, f"{localdir}/params/object_preselection.yaml", f"{localdir}/params/toys.yaml", update=True
)

cfg = Configurator(
    parameters=parameters,
    datasets={
        "jsons": ["datasets/toys.json"],
        "filter": {"samples": ["DYJetsToMuMu", "DATA_SingleMuon"], "samples_exclude": [], "year": ["toys"]},
    },
    workflow=DimuonProcessor,
    skim=[get_nPVgood(1), get_nObj_min(1, 18.0, "Muon")],
    preselections=[get_nObj_min(2, coll="MuonGood")],
    categories={"baseline": [passthrough], "z_window": [z_window]},  # noqa: F405
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"], "bycategory": {}}, "bysample": {}},
    weights_classes=common_weights,
    variations={"weights": {"common": {"inclusive": [], "bycategory": {}}, "bysample": {}}},
    calibrators=[],
    variables={
        **muon_hists(coll="MuonGood", pos=0),  # noqa: F405
        "mll": HistConf([Axis(coll="ll", field="mass", bins=40, start=50, stop=130, label="$m_{ll}$ [GeV]")]),  # noqa: F405
    },
)
