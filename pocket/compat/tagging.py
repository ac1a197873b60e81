"""PocketCoffea's weights and functions of b and c tagging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Input
from pocket.corrections.evaluation import evaluate, plain_name
from pocket.corrections.files import load_correction
from pocket.parameters.access import parameter
from pocket.weights import btag, ctag
from pocket.weights.objects import FlatObjects

_CENTRAL, _NOMINAL = "central", "nominal"


class BTagShape(btag.BTagShape):
    """Reweighting of the shape of the b-tag score, see :class:`pocket.weights.btag.BTagShape`.

    It is the central one in all shape variations. PocketCoffea means to take the one for the variation of the jets'
    energy, but looks for names that start with ``JES``, which its variations don't.
    """

    def check_parameters(self) -> None:
        """Accept a correction of any tagger, as PocketCoffea does."""

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        return super().compute(events, size, _NOMINAL if shape_variation == _NOMINAL else "other")


class CTagShape(ctag.CTagShape):
    """Reweighting of the shape of the c-tag scores, see :class:`pocket.weights.ctag.CTagShape`.

    As in PocketCoffea, the scores are always those of DeepCSV, the weight is central in all shape variations, and jets
    of any η count.
    """

    follows_energy = False
    end_of_abseta = np.inf

    def scores(self, jets: FlatObjects) -> Mapping[str, Any]:
        """Return the scores of each jet by the names of their inputs in lower case."""
        return {"cvl": jets["btagDeepCvL"], "cvb": jets["btagDeepCvB"]}


class CTagCalibration(ctag.CTagCalibration):
    """Correction that restores the normalisation, see :class:`pocket.weights.ctag.CTagCalibration`."""


def sf_btag(
    params: Any, jets: Any, year: str, njets: Any = None, variations: Sequence[str] = (_CENTRAL,)
) -> dict[str, list[Any]]:
    """Return variation → weight of each event: the central one, or for all others 1, up and down."""
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
    """Return the correction of the normalisation of each event."""
    place = ("btagSF_calibration", year)
    file, name = (str(parameter(params, *place, key)) for key in ("file", "name"))
    return _in_order(file, name, sample, njets, jetsHt)


def sf_ctag_calib(params: Any, dataset: str, year: str, njets: Any, jetsHt: Any) -> Floats:
    """Return the correction of the normalisation of each event, see :func:`sf_btag_calib`."""
    ((file, name),) = CTagCalibration(params, {"year": year, "isMC": True}).corrections()
    return _in_order(file, name, dataset, njets, jetsHt)


def _in_order(file: str, name: str, *values: Any) -> Floats:
    """Return a correction of events, whose inputs are given by their order."""
    variables = load_correction(file, name).inputs
    inputs: dict[str, Input] = {
        plain_name(variable.name): value if isinstance(value, str) else np.asarray(value)
        for variable, value in zip(variables, values, strict=True)
    }
    return evaluate(file, name, inputs)
