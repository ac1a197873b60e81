"""Subsamples in the datasets, with weights of their own."""

import numpy as np
from common import datasets, parameters, skim
from pocket_coffea.lib.cut_functions import get_HLTsel, get_nObj_eq, get_nObj_min
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.lib.weights.weights import WeightLambda
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import count_hist
from pocket_coffea.utils.configurator import Configurator
from workflow import BasicProcessor

my_custom_sf_a = WeightLambda.wrap_func(
    name="sf_custom_A",
    function=lambda params, metadata, events, size, shape_variations: (
        np.ones(size) * 2.0,
        np.ones(size) * 4.0,
        np.ones(size) * 0.5,
    ),
    has_variations=True,
)
my_custom_sf_b = WeightLambda.wrap_func(
    name="sf_custom_B",
    function=lambda params, metadata, events, size, shape_variations: (
        np.ones(size) * 3.0,
        np.ones(size) * 5.0,
        np.ones(size) * 0.7,
    ),
    has_variations=True,
)

of_electrons = {"inclusive": ["sf_custom_A"], "bycategory": {"1btag_B": ["sf_custom_B"]}}

cfg = Configurator(
    parameters=parameters,
    datasets={
        **datasets,
        "subsamples": {
            "TTToSemiLeptonic": {
                "ele": [get_nObj_min(1, coll="ElectronGood"), get_nObj_eq(0, coll="MuonGood")],
                "mu": [get_nObj_eq(0, coll="ElectronGood"), get_nObj_min(1, coll="MuonGood")],
            },
            # left out by the filter
            "DATA_SingleMuon": {"clean": [get_HLTsel(primaryDatasets=["SingleEle"], invert=True)]},
        },
    },
    workflow=BasicProcessor,
    calibrators=[],
    skim=skim,
    preselections=[passthrough],
    categories={
        "baseline": [passthrough],
        "1btag": [get_nObj_min(1, coll="BJetGood")],
        "1btag_B": [get_nObj_min(1, coll="BJetGood")],
    },
    weights={
        "common": {"inclusive": ["genWeight", "lumi", "XS"], "bycategory": {}},
        "bysample": {"TTToSemiLeptonic__ele": of_electrons, "TTTo2L2Nu": of_electrons},
    },
    weights_classes=common_weights + [my_custom_sf_a, my_custom_sf_b],  # noqa: RUF005
    variations={
        "weights": {
            "common": {"inclusive": []},
            "bysample": {"TTToSemiLeptonic__ele": of_electrons, "TTTo2L2Nu": of_electrons},
        }
    },
    variables={**count_hist("JetGood", stop=10), **count_hist("BJetGood", bins=5, stop=5)},
    columns={},
)
