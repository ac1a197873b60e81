"""Categories in two dimensions, and weights by category."""

import numpy as np
from common import datasets, parameters, skim
from pocket_coffea.lib.categorization import CartesianSelection, MultiCut
from pocket_coffea.lib.cut_functions import get_nObj_eq, get_nObj_min
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.lib.weights.weights import WeightLambda
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import *  # noqa: F403
from pocket_coffea.utils.configurator import Configurator
from workflow import BasicProcessor

tags = WeightLambda.wrap_func(
    name="sf_tags",
    function=lambda params, metadata, events, size, shape_variations: [
        1 + 0.1 * events.nBJetGood,
        np.ones(size) * 2.0,
        np.ones(size) * 0.5,
    ],
    has_variations=True,
    variations=None,
)

cfg = Configurator(
    parameters=parameters,
    datasets=datasets,
    workflow=BasicProcessor,
    calibrators=[],
    skim=skim,
    preselections=[passthrough],
    categories=CartesianSelection(
        multicuts=[
            MultiCut(
                name="Njets",
                cuts=[
                    get_nObj_eq(4, 30.0, "JetGood"),
                    get_nObj_eq(5, 30.0, "JetGood"),
                    get_nObj_min(6, 30.0, "JetGood"),
                ],
                cuts_names=["4j", "5j", "6j"],
            ),
            MultiCut(
                name="Nbjet",
                cuts=[
                    get_nObj_eq(0, 15.0, "BJetGood"),
                    get_nObj_eq(1, 15.0, "BJetGood"),
                    get_nObj_min(2, coll="BJetGood"),
                ],
                cuts_names=["0b", "1b", "2b"],
            ),
        ],
        common_cats={"inclusive": [passthrough], "4jets_40pt": [get_nObj_min(4, 40.0, "JetGood")]},
    ),
    weights={
        "common": {"inclusive": ["genWeight", "lumi", "XS"]},
        "bysample": {
            "TTToSemiLeptonic": {"bycategory": {"4j_2b": ["sf_tags"]}},
            # left out by the filter
            "TTTo2L2Nu": {"bycategory": {"4j_1b": ["sf_tags"]}},
        },
    },
    weights_classes=common_weights + [tags],  # noqa: RUF005
    variations={"weights": {"common": {"inclusive": []}, "bysample": {"TTToSemiLeptonic": {"inclusive": ["sf_tags"]}}}},
    variables={
        **ele_hists(),  # noqa: F405
        **jet_hists(axis_settings={"jet_pt": {"bins": 10, "start": 0, "stop": 200}}),  # noqa: F405
        **count_hist("JetGood", stop=10),  # noqa: F405
        "nBJetGood": HistConf([Axis(coll="events", field="nBJetGood", type="int", start=0, stop=5, label="b")]),  # noqa: F405
    },
    columns={},
    do_postprocessing=True,
)
