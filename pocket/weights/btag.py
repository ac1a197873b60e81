"""Scale factors of b tagging: for the shape of the score, its normalisation, and a working point.

The jets are those of ``jet_scale_factors.jet_collection.btag``, their score is
``btagging.working_point.<year>.btagging_algorithm``. All jets of the collection are used, so it must be the one before
any b tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import products_of
from pocket.base.typing import Floats, Indices
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import evaluate, kind_input, kinds, named_correction, plain_name
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError
from pocket.parameters.access import parameter
from pocket.weights.base import WeightData, WeightDataMultiVariation, WeightWrapper
from pocket.weights.objects import FlatObjects

#: Uncertainties of the shape: contamination, statistics and, for c jets, the assumed uncertainty.
SHAPE_VARIATIONS = ("hf", "lf", "hfstats1", "hfstats2", "lfstats1", "lfstats2", "cferr1", "cferr2")
CHARM = 4
_JES = re.compile(r"(?:.*_)?JES_(?P<source>.+?)(?P<side>Up|Down)")


class BTagWeight(WeightWrapper):
    """Base class of the weights for b tagging."""

    has_variations = True

    @property
    def year(self) -> str:
        """Year of the dataset."""
        return str(self.metadata["year"])

    def jets(self, events: Any) -> FlatObjects:
        """Return the jets that the weight uses."""
        return FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "btag"))

    def score(self, jets: FlatObjects) -> npt.NDArray[Any]:
        """Return the score of each jet."""
        return jets[parameter(self.params, "btagging", "working_point", self.year, "btagging_algorithm")]


class _Part(NamedTuple):
    """The c jets of the events or the other jets; each variation changes one of these parts.

    Args:
        inputs: inputs of the correction.
        numbers: number of these jets in each event, shape (n events,).
        central: product of their central scale factors, shape (n events,).
    """

    inputs: Inputs
    numbers: Indices
    central: Floats


class BTagShape(BTagWeight):
    """Reweighting of the shape of the score, as a product over all jets.

    File and correction are ``file`` and ``name`` of ``jet_scale_factors.btagSF.<year>``; the variations are
    ``systematic_variations.weight_variations.sf_btag.<year>``, by default all eight of the b-tagging group. cferr1 and
    cferr2 change c jets only, the others all jets except c jets. Inside a variation ``[…_]JES_<source>Up`` of the jet
    energy, jets other than c jets have the scale factor ``up_jes<source>`` (``up_jes`` for the total) if the correction
    has it, otherwise the central one. Source: BTV, btagging.json.gz, and
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
    """

    name = "sf_btag"

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        section = ("systematic_variations", "weight_variations")
        chosen = section[0] in params and self.name in parameter(params, *section)
        self._variations = tuple(parameter(params, *section, self.name, self.year)) if chosen else SHAPE_VARIATIONS

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [named_correction(self.params, "jet_scale_factors", "btagSF", self.year)]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        ((file, name),) = self.corrections()
        jets = self.jets(events)
        flavour = jets["hadronFlavour"]
        inputs = Inputs(
            {
                "flavor": flavour,
                "abseta": np.abs(jets["eta"]),
                "pt": jets["pt"],
                "discriminant": self.score(jets),
            }
        )
        central = evaluate(file, name, inputs.with_texts(kind_input("central")))
        is_charm = flavour == CHARM

        def part(mask: npt.NDArray[np.bool_]) -> _Part:
            numbers = jets.numbers(mask)
            return _Part(inputs.chosen(mask), numbers, products_of(central[mask], numbers))

        parts = {True: part(is_charm), False: part(~is_charm)}
        nominal = parts[True].central * parts[False].central

        def varied(kind: str, charm: bool) -> Floats:
            own = parts[charm]
            factors = evaluate(file, name, own.inputs.with_texts(kind_input(kind)))
            return products_of(factors, own.numbers) * parts[not charm].central

        if shape_variation != "nominal":
            kind = _jes_kind(shape_variation)
            known = kind is not None and kind in kinds(file, name)
            return varied(str(kind), charm=False) if known else nominal
        if not self.needs_variations(shape_variation):
            return nominal
        sides: dict[str, list[Floats]] = {"up": [], "down": []}
        for variation in self.variations:
            charm = variation.startswith("cferr")
            for side, values in sides.items():
                values.append(varied(f"{side}_{variation}", charm))
        return WeightDataMultiVariation(self.name, nominal, self.variations, sides["up"], sides["down"])


class BTagCalibration(BTagWeight):
    """Correction that restores the normalisation after reweighting of the shape, in bins of n jets and HT.

    File and correction are ``file`` and ``name`` of ``btagSF_calibration.<year>``, which the analysis derives from the
    sums of weights with and without ``sf_btag``. Its string inputs are the sample and, if the name of one contains
    "year", the year; its numeric inputs are the number of jets and their scalar sum of pt, in this order. Source:
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
    """

    name = "sf_btag_calib"
    has_variations = False

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [named_correction(self.params, "btagSF_calibration", self.year)]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight."""
        ((file, name),) = self.corrections()
        jets = self.jets(events)
        numbers = iter((jets.per_event, jets.sum(jets["pt"])))
        inputs: dict[str, Input] = {}
        for variable in load_correction(file, name).inputs:
            if variable.type == "string":
                value: Input | None = self.year if "year" in variable.name else str(self.metadata["sample"])
            else:
                value = next(numbers, None)
            if value is None:
                raise ConfigError(f"weight {self.name!r}: {name!r} needs more than n jets and HT")
            inputs[plain_name(variable.name)] = value
        return evaluate(file, name, inputs)


class BTagFixedWorkingPoint(BTagWeight):
    """Weight of the numbers of tagged and untagged jets at a working point (method 1a).

    w = Π(tagged) SF · Π(untagged) (1 − SF ε) / (1 − ε), with ε the efficiency in simulation; SF is at most 1 / ε.

    The working point is ``object_preselection.Jet.btag.wp``; the scale factors are the corrections
    ``jet_scale_factors.btagSF.<year>.fixed_wp.bc`` (b and c jets) and ``.light`` of the file
    ``jet_scale_factors.btagSF.<year>.file``; ε, which depends on the selection, is the correction ``name`` of ``file``
    in ``jet_scale_factors.btag_efficiency.<year>``, with some of the inputs sample, year, working_point, flavor,
    abseta, pt. The variation ``heavy`` changes b and c jets, ``light`` the others. Source: BTV, btagging.json.gz, and
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/fixedWPSFRecommendations/.
    """

    name = "sf_btag_fixed_wp"
    _variations = ("heavy", "light")

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the corrections: efficiency, b and c jets, light jets."""
        section = ("jet_scale_factors", "btagSF", self.year)
        file = str(parameter(self.params, *section, "file"))
        return [
            named_correction(self.params, "jet_scale_factors", "btag_efficiency", self.year),
            *((file, str(parameter(self.params, *section, "fixed_wp", flavours))) for flavours in ("bc", "light")),
        ]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        jets = self.jets(events)
        working_point = str(parameter(self.params, "object_preselection", "Jet", "btag", "wp"))
        lowest = parameter(self.params, "btagging", "working_point", self.year, "btagging_WP", working_point)
        tagged = self.score(jets) > lowest
        flavour = jets["hadronFlavour"]
        inputs = Inputs(
            {
                "workingpoint": working_point,
                "flavor": flavour,
                "abseta": np.abs(jets["eta"]),
                "pt": jets["pt"],
            }
        )
        place = {"sample": str(self.metadata["sample"]), "year": self.year}
        of_efficiency, of_bc, of_light = self.corrections()
        efficiency = evaluate(*of_efficiency, inputs.with_texts(place))

        is_light = flavour == 0
        light_inputs, bc_inputs = inputs.chosen(is_light), inputs.chosen(~is_light)

        def weight(bc: str, light: str) -> Floats:
            factors = np.empty(len(flavour))
            factors[~is_light] = evaluate(*of_bc, bc_inputs.with_texts(kind_input(bc)))
            factors[is_light] = evaluate(*of_light, light_inputs.with_texts(kind_input(light)))
            return jets.product(method_1a(self.name, tagged, factors, efficiency))

        nominal = weight("central", "central")
        if not self.needs_variations(shape_variation):
            return WeightData(self.name, nominal)
        up, down = ([weight(side, "central"), weight("central", side)] for side in ("up", "down"))
        return WeightDataMultiVariation(self.name, nominal, self.variations, up, down)


def method_1a(name: str, tagged: npt.NDArray[np.bool_], factors: Floats, efficiency: Floats) -> Floats:
    """Return the factor of each jet at a working point: SF if it is tagged, else (1 − SF ε) / (1 − ε).

    Args:
        name: name of the weight, for errors.
        tagged: whether a jet passes, shape (n jets,).
        factors: scale factors, shape (n jets,).
        efficiency: efficiency ε in simulation, shape (n jets,).

    Returns:
        Shape (n jets,).

    Raises:
        ConfigError: if an efficiency isn't in [0, 1).
    """
    if np.any((efficiency < 0) | (efficiency >= 1)):
        raise ConfigError(f"weight {name!r}: an efficiency of b tagging is not in [0, 1)")
    # The scale factor is limited such that the efficiency in data, SF ε, is at most 1, and no weight is negative.
    factors = np.minimum(factors, 1 / np.maximum(efficiency, np.finfo(np.float64).tiny))
    return np.where(tagged, factors, (1 - factors * efficiency) / (1 - efficiency))


def _jes_kind(shape_variation: str) -> str | None:
    """Return the key of a jet energy scale variation in the shape correction, ``None`` for any other variation."""
    match = _JES.fullmatch(shape_variation)
    if match is None:
        return None
    source = "" if match["source"] == "Total" else match["source"]
    return f"{match['side'].lower()}_jes{source}"
