"""Columns by category and sample, without histograms."""

from common import datasets, parameters, skim
from pocket_coffea.lib.columns_manager import ColOut
from pocket_coffea.lib.cut_functions import get_nObj_eq, get_nObj_min
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.utils.configurator import Configurator
from workflow import BasicProcessor

cfg = Configurator(
    parameters=parameters,
    datasets={
        **datasets,
        "subsamples": {
            "TTToSemiLeptonic": {
                "ele": [get_nObj_min(1, coll="ElectronGood"), get_nObj_eq(0, coll="MuonGood")],
                "mu": [get_nObj_eq(0, coll="ElectronGood"), get_nObj_min(1, coll="MuonGood")],
            }
        },
    },
    workflow=BasicProcessor,
    calibrators=[],
    skim=skim,
    preselections=[passthrough],
    categories={
        "2btag": [get_nObj_min(2, coll="BJetGood")],
        "4jets": [get_nObj_min(4, minpt=30, coll="JetGood")],
    },
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"], "bycategory": {}}, "bysample": {}},
    weights_classes=common_weights,
    variations={"weights": {"common": {"inclusive": [], "bycategory": {}}, "bysample": {}}},
    variables={},
    columns={
        "common": {"inclusive": [ColOut("JetGood", ["pt", "eta"])]},
        "bysample": {
            "TTToSemiLeptonic": {
                "bycategory": {
                    "2btag": [ColOut("BJetGood", ["pt", "eta", "phi"])],
                    "4jets": [ColOut("JetGood", ["pt", "eta", "phi"])],
                }
            },
            "TTTo2L2Nu": {"inclusive": [ColOut("MuonGood", ["pt"])]},
        },
    },
)
