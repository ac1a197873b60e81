"""Weights of the analysis' own: functions, named variations, and a class."""

import numpy as np
from common import datasets, parameters, skim
from pocket_coffea.lib.cut_functions import get_nObj_min
from pocket_coffea.lib.hist_manager import Axis, HistConf
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.lib.weights.weights import WeightDataMultiVariation, WeightLambda, WeightWrapper
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.utils.configurator import Configurator
from workflow import BasicProcessor

my_custom_weight = WeightLambda.wrap_func(
    name="my_custom_weight",
    function=lambda params, metadata, events, size, shape_variations: np.ones(size) * 2.0,
    has_variations=False,
)
my_custom_weight_multivar = WeightLambda.wrap_func(
    name="my_custom_weight_multivar",
    function=lambda params, metadata, events, size, shape_variations: (
        np.ones(size) * 2.0,
        ["stat", "syst"],
        [np.ones(size) * 3.0, np.ones(size) * 4.0],
        [np.ones(size) * 0.5, np.ones(size) * 0.25],
    ),
    has_variations=True,
    variations=["stat", "syst"],
)


class TheoryWeight(WeightWrapper):
    """A weight whose variations depend on the parameters."""

    name = "theory"
    has_variations = True

    def __init__(self, params, metadata):
        super().__init__(params, metadata)
        self._variations = list(self._params["theory"]["scales"])

    def compute(self, events, size, shape_variation):
        """Vary it with the number of jets."""
        assert self._metadata["isMC"]
        nominal = 1 + 0.01 * events.nJetGood
        shift = self._params["theory"]["shift"]
        return WeightDataMultiVariation(
            name=self.name,
            nominal=nominal,
            variations=self._variations,
            up=[nominal * (1 + shift), nominal * (1 + 2 * shift)],
            down=[nominal * (1 - shift), nominal * (1 - 2 * shift)],
        )


cfg = Configurator(
    parameters=parameters,
    datasets=datasets,
    workflow=BasicProcessor,
    calibrators=[],
    skim=skim,
    preselections=[passthrough],
    categories={
        "baseline": [passthrough],
        "2jets": [get_nObj_min(2, coll="JetGood")],
        "2jets_B": [get_nObj_min(2, coll="JetGood")],
        "2jets_D": [get_nObj_min(2, coll="JetGood")],
    },
    weights={
        "common": {"inclusive": ["genWeight", "lumi", "XS", "theory"], "bycategory": {"2jets_B": ["my_custom_weight"]}},
        "bysample": {"TTToSemiLeptonic": {"bycategory": {"2jets_D": ["my_custom_weight_multivar"]}}},
    },
    weights_classes=common_weights + [my_custom_weight, my_custom_weight_multivar, TheoryWeight],  # noqa: RUF005
    variations={
        "weights": {
            "common": {"inclusive": ["theory"]},
            "bysample": {"TTToSemiLeptonic": {"bycategory": {"2jets_D": ["my_custom_weight_multivar"]}}},
        }
    },
    variables={"nJetGood": HistConf([Axis("nJetGood", "jets", 10, 0, 10)], autofill=True)},
    columns={},
)
