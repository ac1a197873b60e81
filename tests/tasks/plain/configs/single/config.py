"""A configuration file with the name of another one, and other modules of the same names beside it."""

import os

from pocket_coffea.lib.cut_functions import get_nObj_min
from pocket_coffea.parameters import defaults
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import count_hist
from pocket_coffea.utils.configurator import Configurator
from workflow import SingleMuonProcessor

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120

cfg = Configurator(
    parameters=defaults.merge_parameters_from_files(
        defaults.get_default_parameters(), f"{localdir}/../dimuon/params/toys.yaml", update=True
    ),
    datasets={
        "jsons": [f"{localdir}/../dimuon/datasets/toys.json"],
        "filter": {"samples": ["DYJetsToMuMu"], "samples_exclude": [], "year": ["toys"]},
    },
    workflow=SingleMuonProcessor,
    skim=[],
    preselections=[get_nObj_min(1, coll="MuonGood")],
    categories={"baseline": [passthrough]},
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
    variations={},
    calibrators=[],
    variables={**count_hist("MuonGood")},
)
