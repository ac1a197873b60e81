"""Scale factors of c tagging: for the shape of the two scores, and its normalisation.

The jets are those of ``jet_scale_factors.jet_collection.ctag``, their scores are ``CvL`` and ``CvB`` of
``ctagging.scores.<year>``. All jets of the collection are used, so it must be the one before any tag. Jets beyond the
tracker, |η| of 2.5, for which no scale factors are measured, have the factor 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input, kinds
from pocket.parameters.access import parameter
from pocket.weights.base import WeightOfYear
from pocket.weights.energy_shifts import energy_shift
from pocket.weights.objects import FlatObjects, inputs_by_jets

#: Uncertainties of the shape. Those of the jets' energy, ``jer`` and ``jesTotal``, go with its variations.
SHAPE_VARIATIONS = (
    "Extrap",
    "Interp",
    "LHEScaleWeight_muF",
    "LHEScaleWeight_muR",
    "PSWeightFSR",
    "PSWeightISR",
    "PUWeight",
    "Stat",
    "XSec_BRUnc_DYJets_b",
    "XSec_BRUnc_DYJets_c",
    "XSec_BRUnc_WJets_c",
)
_TOTAL = "jesTotal"


class CTagWeight(WeightOfYear):
    """Base class of the weights for c tagging."""

    def jets(self, events: Any) -> FlatObjects:
        """Return the jets that the weight uses."""
        return FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "ctag"))

    def parameter(self, key: str) -> str:
        """Return a parameter of the year's correction."""
        return str(parameter(self.params, "jet_scale_factors", "ctagSF", self.year, key))


class CTagShape(CTagWeight):
    """Reweighting of the shape of the c-tag scores, as a product over all jets.

    File and correction are ``SF_file`` and ``name`` of ``jet_scale_factors.ctagSF.<year>``; the variations are
    ``systematic_variations.weight_variations.sf_ctag.<year>``, by default the eleven of the b-tagging group that don't
    come from the jets' energy. Each of them changes all jets. Inside the variations of the whole energy scale
    (``[…_]JES_TotalUp``) and of the resolution (``[…_]JERUp``), jets have the scale factors ``up_jesTotal`` and
    ``up_jer``, unless these are among the variations. Source: BTV, ctagging.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/BTV_2018_UL_ctagging.html), and
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
    """

    name = "sf_ctag"
    has_variations = True
    #: Whether scale factors change with the jets' energy.
    follows_energy: ClassVar[bool] = True
    #: |η| up to which the scores are calibrated (BTV-20-001, arXiv:2111.03027), on which files don't depend.
    end_of_abseta: ClassVar[float] = 2.5

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        self._variations = self.chosen_variations(self.name, SHAPE_VARIATIONS)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [(self.parameter("SF_file"), self.parameter("name"))]

    def scores(self, jets: FlatObjects) -> Mapping[str, npt.NDArray[Any]]:
        """Return the scores of each jet by the names of their inputs in lower case."""
        names = {axis: parameter(self.params, "ctagging", "scores", self.year, axis) for axis in ("CvL", "CvB")}
        return {axis.lower(): jets[name] for axis, name in names.items()}

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        ((file, name),) = self.corrections()
        jets = self.jets(events)
        inputs = Inputs({"flavor": jets["hadronFlavour"], **self.scores(jets)})

        beyond = np.abs(jets["eta"]) >= self.end_of_abseta

        def product(kind: str) -> Floats:
            return jets.product(np.where(beyond, 1.0, evaluate(file, name, inputs.with_texts(kind_input(kind)))))

        shift = energy_shift(shape_variation, self.params, self.year) if self.follows_energy else None
        key = None if shift is None else shift.key(kinds(file, name), total=_TOTAL)
        own = key is not None and key.partition("_")[2] in self.variations
        nominal = product("central" if key is None or own else key)
        return self.with_variations(nominal, shape_variation, lambda variation, side: product(f"{side}_{variation}"))


class CTagCalibration(CTagWeight):
    """Correction that restores the normalisation after the reweighting by c tagging, in bins of n jets and HT.

    It is the correction ``Calib_name`` (by default ``ctagSF_norm_correction``) of the file ``Calib_file`` in
    ``jet_scale_factors.ctagSF.<year>``, which the analysis derives. Its string input is the name of the dataset, or the
    sample if it is called ``sample``; its numeric inputs are the number of jets and their scalar sum of pt, in this
    order. Source: https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
    """

    name = "sf_ctag_calib"
    #: Name of the correction in PocketCoffea.
    usual_name: ClassVar = "ctagSF_norm_correction"

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        of_year = parameter(self.params, "jet_scale_factors", "ctagSF", self.year)
        return [(self.parameter("Calib_file"), str(of_year.get("Calib_name", self.usual_name)))]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight.

        Raises:
            ConfigError: if the correction has more than two numeric inputs.
        """
        ((file, name),) = self.corrections()

        def text(variable: str) -> str:
            return str(self.metadata["sample" if variable == "sample" else "dataset"])

        return evaluate(file, name, inputs_by_jets(self.name, self.jets(events), file, name, text))
