"""PocketCoffea's weights and functions of b and c tagging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import evaluate, kind_input, plain_name
from pocket.corrections.files import load_correction
from pocket.parameters.access import parameter
from pocket.weights import base, btag
from pocket.weights.objects import FlatObjects

_CENTRAL, _NOMINAL = "central", "nominal"
#: What the weights of c tagging call the correction of the normalisation.
_CALIBRATION = "ctagSF_norm_correction"


class BTagShape(btag.BTagShape):
    """Reweighting of the shape of the b-tag score, see :class:`pocket.weights.btag.BTagShape`.

    It is the central one in all shape variations. PocketCoffea means to take the one for the variation of the jets'
    energy, but looks for names that start with ``JES``, which its variations don't.
    """

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        return super().compute(events, size, _NOMINAL if shape_variation == _NOMINAL else "other")


class CTagShape(base.WeightWrapper):
    """Reweighting of the shape of the c-tag scores, as a product over all jets.

    File and correction are ``SF_file`` and ``name`` of ``jet_scale_factors.ctagSF.<year>``, the jets those of
    ``jet_scale_factors.jet_collection.ctag``; the variations are
    ``systematic_variations.weight_variations.sf_ctag.<year>``.
    """

    name = "sf_ctag"
    has_variations = True
    _section: ClassVar = ("jet_scale_factors", "ctagSF")

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        year = str(metadata["year"])
        self._variations = tuple(parameter(params, "systematic_variations", "weight_variations", self.name, year))

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        place = (*self._section, str(self.metadata["year"]))
        return [(str(parameter(self.params, *place, "SF_file")), str(parameter(self.params, *place, "name")))]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        ((file, name),) = self.corrections()
        jets = FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "ctag"))
        inputs = Inputs(
            {"flavor": jets["hadronFlavour"], "cvl": jets["btagDeepCvL"], "cvb": jets["btagDeepCvB"]},
        )

        def product(kind: str) -> Floats:
            return jets.product(evaluate(file, name, inputs.with_texts(kind_input(kind))))

        names = self.variations if self.needs_variations(shape_variation) else ()
        ups, downs = ([product(f"{side}_{each}") for each in names] for side in ("up", "down"))
        return base.WeightDataMultiVariation(self.name, product(_CENTRAL), names, ups, downs)


class CTagCalibration(base.WeightWrapper):
    """Correction that restores the normalisation after the reweighting by c tagging, in bins of n jets and HT.

    The file is ``Calib_file`` of ``jet_scale_factors.ctagSF.<year>``; its string input is the name of the dataset.
    """

    name = "sf_ctag_calib"

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [(_calibration_file(self.params, str(self.metadata["year"])), _CALIBRATION)]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight."""
        jets = FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "ctag"))
        year = str(self.metadata["year"])
        return sf_ctag_calib(self.params, self.metadata["dataset"], year, jets.per_event, jets.sum(jets["pt"]))


def sf_btag(
    params: Any, jets: Any, year: str, njets: Any = None, variations: Sequence[str] = (_CENTRAL,)
) -> dict[str, list[Any]]:
    """Return variation → weight of each event: the central one, or for all others 1, up and down.

    Args:
        params: parameters of the analysis.
        jets: the jets, jagged.
        year: year of the dataset.
        njets: accepted; their number in each event.
        variations: ``"central"``, and names of variations.
    """
    return _by_variation(BTagShape, "btag", params, jets, year, variations)


def sf_ctag(
    params: Any, jets: Any, year: str, njets: Any = None, variations: Sequence[str] = (_CENTRAL,)
) -> dict[str, list[Any]]:
    """Return variation → weight of each event, see :func:`sf_btag`."""
    return _by_variation(CTagShape, "ctag", params, jets, year, variations)


def _by_variation(
    cls: type[BTagShape] | type[CTagShape], purpose: str, params: Any, jets: Any, year: str, variations: Sequence[str]
) -> dict[str, list[Any]]:
    weight = cls(params, {"year": year, "isMC": True})
    weight._variations = tuple(name for name in variations if name != _CENTRAL)
    name = parameter(params, "jet_scale_factors", "jet_collection", purpose)
    events = ak.Array({name: jets}, behavior=jets.behavior)
    found = weight.compute(events, len(jets), _NOMINAL)
    sides = {
        variation: [np.ones(len(jets)), up, down]
        for variation, up, down in zip(found.variations, found.up, found.down, strict=True)
    }
    return {variation: sides.get(variation, [found.nominal]) for variation in variations}


def sf_btag_calib(params: Any, sample: str, year: str, njets: Any, jetsHt: Any) -> Floats:
    """Return the correction of the normalisation of each event.

    Args:
        params: parameters of the analysis.
        sample: name of the sample.
        year: year of the dataset.
        njets: number of jets of each event.
        jetsHt: scalar sum of their pt in GeV.
    """
    place = ("btagSF_calibration", year)
    file, name = (str(parameter(params, *place, key)) for key in ("file", "name"))
    return _in_order(file, name, sample, njets, jetsHt)


def sf_ctag_calib(params: Any, dataset: str, year: str, njets: Any, jetsHt: Any) -> Floats:
    """Return the correction of the normalisation of each event, see :func:`sf_btag_calib`."""
    return _in_order(_calibration_file(params, year), _CALIBRATION, dataset, njets, jetsHt)


def _calibration_file(params: Any, year: str) -> str:
    """Return the file of the correction that restores the normalisation after c tagging."""
    return str(parameter(params, "jet_scale_factors", "ctagSF", year, "Calib_file"))


def _in_order(file: str, name: str, *values: Any) -> Floats:
    """Return a correction of events, whose inputs are given by their order."""
    variables = load_correction(file, name).inputs
    inputs: dict[str, Input] = {
        plain_name(variable.name): value if isinstance(value, str) else np.asarray(value)
        for variable, value in zip(variables, values, strict=True)
    }
    return evaluate(file, name, inputs)
