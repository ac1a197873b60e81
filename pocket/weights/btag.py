"""Scale factors of b tagging: for the shape of the score, its normalisation, and a working point.

The jets are those of ``jet_scale_factors.jet_collection.btag``, their score is
``btagging.working_point.<year>.btagging_algorithm``. All jets of the collection are used, so it must be the one before
any b tag. Scale factors of another tagger than that of the score are refused. Jets beyond the |η| of the group's
corrections, where none are measured, have the factor 1, as in CMSSW's BTagCalibrationReader (``eval_auto_bounds``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import products_of
from pocket.base.typing import Floats, Indices
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.derived import SYSTEMATIC, DerivedCorrection
from pocket.corrections.evaluation import coverage, evaluate, kind_input, kinds, named_correction
from pocket.corrections.files import find_corrections, names_of
from pocket.errors import ConfigError, check_known
from pocket.parameters.access import parameter
from pocket.weights.base import WeightOfYear
from pocket.weights.energy_shifts import energy_shift
from pocket.weights.objects import FlatObjects, inputs_by_jets

#: Uncertainties of the shape: contamination, statistics and, for c jets, the assumed uncertainty.
SHAPE_VARIATIONS = ("hf", "lf", "hfstats1", "hfstats2", "lfstats1", "lfstats2", "cferr1", "cferr2")
CHARM = 4
#: Score in NanoAOD → beginning of the names of its corrections in btagging.json.gz.
TAGGERS: Mapping[str, str] = {
    "btagDeepFlavB": "deepJet",
    "btagPNetB": "particleNet",
    "btagRobustParTAK4B": "robustParticleTransformer",
    "btagUParTAK4B": "UParTAK4",
}
#: PocketCoffea's name of a working point → the group's.
_POINTS = {"H": "T"}
#: Precision of the thresholds in the group's files.
_ROUNDING = 1e-4
#: Jets whose scale factors at a working point vary separately: b and c jets, and light jets.
GROUPS = ("heavy", "light")
#: Ways to split their uncertainty, of which each includes all of it.
_TOTAL, _CORRELATION, _SINGLE = "the total", "correlated and uncorrelated", "single sources"


class BTagWeight(WeightOfYear):
    """Base class of the weights for b tagging."""

    has_variations = True

    def jets(self, events: Any) -> FlatObjects:
        """Return the jets that the weight uses."""
        return FlatObjects(events, parameter(self.params, "jet_scale_factors", "jet_collection", "btag"))

    def score(self, jets: FlatObjects) -> npt.NDArray[Any]:
        """Return the score of each jet."""
        return jets[parameter(self.params, "btagging", "working_point", self.year, "btagging_algorithm")]

    def check_tagger(self, corrections: Iterable[str]) -> None:
        """Check that corrections are those of the tagger whose score is used, as far as both are known."""
        place = f"btagging.working_point.{self.year}.btagging_algorithm"
        score = str(parameter(self.params, "btagging", "working_point", self.year, "btagging_algorithm"))
        for correction in corrections:
            other = next((of for of, tagger in TAGGERS.items() if correction.startswith(tagger)), score)
            if score in TAGGERS and other != score:
                raise ConfigError(
                    f"weight {self.name!r}: correction {correction!r} is for the score {other}, but {place} is {score}"
                )


class _Part(NamedTuple):
    """The c jets of the events or the other jets; each variation changes one of these parts."""

    inputs: Inputs
    #: whether a jet is beyond the |η| of the correction, shape (n jets,)
    beyond: npt.NDArray[np.bool_]
    #: number of these jets in each event, and product of their central scale factors, shape (n events,)
    numbers: Indices
    central: Floats


class BTagShape(BTagWeight):
    """Reweighting of the shape of the score, as a product over all jets.

    File and correction are ``file`` and ``name`` of ``jet_scale_factors.btagSF.<year>``; the variations are
    ``systematic_variations.weight_variations.sf_btag.<year>``, by default all eight of the b-tagging group. cferr1 and
    cferr2 change c jets only, the others all jets except c jets. Inside a variation ``[…_]JES_<source>Up`` of the jet
    energy, jets other than c jets have the scale factor ``up_jes<source>`` (``up_jes`` for the total) if the correction
    has it, otherwise the central one (:mod:`pocket.weights.energy_shifts`). Source: BTV, btagging.json.gz, and
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
    """

    name = "sf_btag"
    correlated = {"?fstats?": False}  # noqa: RUF012

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        self._variations = self.chosen_variations(self.name, SHAPE_VARIATIONS)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [named_correction(self.params, "jet_scale_factors", "btagSF", self.year)]

    def check_parameters(self) -> None:
        """Check that the correction is the one for the score."""
        self.check_tagger(name for _, name in self.corrections())

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        ((file, name),) = self.corrections()
        jets = self.jets(events)
        flavour, abseta = jets["hadronFlavour"], np.abs(jets["eta"])
        inputs = Inputs({"flavor": flavour, "abseta": abseta, "pt": jets["pt"], "discriminant": self.score(jets)})
        beyond = abseta >= end_of_abseta(file, name)
        central = np.where(beyond, 1.0, evaluate(file, name, inputs.with_texts(kind_input("central"))))
        is_charm = flavour == CHARM

        def part(mask: npt.NDArray[np.bool_]) -> _Part:
            numbers = jets.numbers(mask)
            return _Part(inputs.chosen(mask), beyond[mask], numbers, products_of(central[mask], numbers))

        parts = {True: part(is_charm), False: part(~is_charm)}
        nominal = parts[True].central * parts[False].central

        def varied(kind: str, charm: bool) -> Floats:
            own = parts[charm]
            factors = np.where(own.beyond, 1.0, evaluate(file, name, own.inputs.with_texts(kind_input(kind))))
            return products_of(factors, own.numbers) * parts[not charm].central

        if shape_variation != "nominal":
            shift = energy_shift(shape_variation, self.params, self.year)
            key = None if shift is None else shift.key(kinds(file, name))
            return varied(key, charm=False) if key else nominal
        return self.with_variations(
            nominal,
            shape_variation,
            lambda variation, side: varied(f"{side}_{variation}", charm=variation.startswith("cferr")),
        )


class BTagCalibration(BTagWeight):
    """Correction that restores the normalisation after reweighting of the shape, in bins of n jets and HT.

    File and correction are ``file`` and ``name`` of ``btagSF_calibration.<year>``, which the analysis derives from the
    sums of weights with and without ``sf_btag``, such as the file that
    :class:`~pocket.scale_factors.NormRatio` writes. Its string inputs are the sample and, if the name of one contains
    "year", the year; its numeric inputs are the number of jets and their scalar sum of pt, in this order. With an input
    ``systematic`` it has the key ``nominal``, and inside a variation of the objects the key for that, if there is one
    (``AK4PFchs_JES_Total_up``). Source:
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
        return evaluate(file, name, self.inputs(events, DerivedCorrection(file, name).nominal_in(shape_variation)))

    def inputs(self, events: Any, systematic: str) -> Inputs:
        """Return the inputs of the correction; ``systematic`` is ignored if it has none."""
        ((file, name),) = self.corrections()

        def text(variable: str) -> str:
            if variable == SYSTEMATIC:
                return systematic
            return self.year if "year" in variable else str(self.metadata["sample"])

        return inputs_by_jets(self.name, self.jets(events), file, name, text)


class BTagCalibrationVaried(BTagCalibration):
    """:class:`BTagCalibration` with values of its own in the variations of ``sf_btag``.

    In ``sf_btag_hfUp`` it is the correction for the key ``hf_up`` of its input ``systematic``.
    """

    name = "sf_btag_calib_varied"
    follows = "sf_btag"

    def compute_following(self, events: Any, size: int, keys: Sequence[str]) -> Mapping[str, Any]:
        """Return the weight in variations of ``sf_btag``.

        Raises:
            UnknownNameError: if the correction has no input ``systematic``, or lacks one of the keys.
        """
        ((file, name),) = self.corrections()
        check_known("key", keys, DerivedCorrection(file, name).systematics, f"{SYSTEMATIC} of correction {name!r}")
        inputs = self.inputs(events, "nominal")
        return {key: evaluate(file, name, inputs.with_texts({SYSTEMATIC: key})) for key in keys}


class BTagFixedWorkingPoint(BTagWeight):
    """Weight of the numbers of tagged and untagged jets at a working point (method 1a).

    w = Π(tagged) SF · Π(untagged) (1 − SF ε) / (1 − ε), with ε the efficiency in simulation; SF is at most 1 / ε.

    The working point is ``object_preselection.Jet.btag.wp``; the scale factors are the corrections
    ``jet_scale_factors.btagSF.<year>.fixed_wp.bc`` (b and c jets: comb, mujets) and ``.light`` of the file
    ``jet_scale_factors.btagSF.<year>.file``; ε, which depends on the selection, is the correction ``name`` of ``file``
    in ``jet_scale_factors.btag_efficiency.<year>``, with some of the inputs sample, year, working_point, flavor,
    abseta, pt. :meth:`pocket.weights.BTagWorkingPointWeight.wrap` takes it from the chain instead.

    The variation ``heavy`` changes b and c jets by their total uncertainty, ``light`` the others. Parts of it are in
    ``systematic_variations.weight_variations.sf_btag_fixed_wp.<year>``: ``heavy_correlated`` and
    ``heavy_uncorrelated`` between years (keys ``up_correlated``, ``up_uncorrelated`` of the correction), or single
    sources, such as ``heavy_statistic`` and ``heavy_type3``, and the same with ``light``. With single sources, jets
    have the scale factors ``up_jes`` and ``up_jer`` inside the variations of the whole energy scale and of the
    resolution, unless they are listed as well. Source: BTV, btagging.json.gz, and
    https://btv-wiki.docs.cern.ch/PerformanceCalibration/fixedWPSFRecommendations/.

    Raises:
        ConfigError: if the variations are none of these, or parts of each other.
    """

    name = "sf_btag_fixed_wp"

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        self._variations = self.chosen_variations(BTagFixedWorkingPoint.name, GROUPS)
        #: Variation → jets that it changes, and source of the uncertainty.
        self._sources = {variation: _source(variation, self.name) for variation in self._variations}
        for group in GROUPS:
            sources = [source for of, source in self._sources.values() if of == group]
            if len(schemes := {_scheme(source) for source in sources}) > 1:
                raise ConfigError(
                    f"weight {self.name!r}: the variations {', '.join(self._variations)} of {self.year} count "
                    f"uncertainties of {group} jets twice: list {' or '.join(sorted(schemes))}"
                )

    def check_parameters(self) -> None:
        """Check that the scale factors are those for the score."""
        self.check_tagger(name for _, name in self.scale_factor_corrections())

    def scale_factor_corrections(self) -> list[tuple[str, str]]:
        """Return file and name of the scale factors of b and c jets, and of light jets."""
        section = ("jet_scale_factors", "btagSF", self.year)
        file = str(parameter(self.params, *section, "file"))
        return [(file, str(parameter(self.params, *section, "fixed_wp", flavours))) for flavours in ("bc", "light")]

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the corrections: efficiency, b and c jets, light jets."""
        efficiency = named_correction(self.params, "jet_scale_factors", "btag_efficiency", self.year)
        return [efficiency, *self.scale_factor_corrections()]

    def efficiency(self, jets: FlatObjects, inputs: Inputs, shape_variation: str) -> Floats:
        """Return the efficiency of each jet in simulation, shape (n jets,)."""
        place = {"sample": str(self.metadata["sample"]), "year": self.year}
        return evaluate(*self.corrections()[0], inputs.with_texts(place))

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        jets = self.jets(events)
        working_point = str(parameter(self.params, "object_preselection", "Jet", "btag", "wp"))
        lowest = parameter(self.params, "btagging", "working_point", self.year, "btagging_WP", working_point)
        working_point = _POINTS.get(working_point, working_point)
        of = dict(zip(GROUPS, self.scale_factor_corrections(), strict=True))
        self._check_threshold(*of["heavy"], working_point, lowest)
        tagged = self.score(jets) > lowest
        flavour, abseta = jets["hadronFlavour"], np.abs(jets["eta"])
        inputs = Inputs({"workingpoint": working_point, "flavor": flavour, "abseta": abseta, "pt": jets["pt"]})
        efficiency = self.efficiency(jets, inputs, shape_variation)

        masks = {"heavy": flavour != 0, "light": flavour == 0}
        beyond = abseta >= np.where(masks["light"], end_of_abseta(*of["light"]), end_of_abseta(*of["heavy"]))
        of_group = {group: inputs.chosen(mask) for group, mask in masks.items()}

        def weight(keys: Mapping[str, str]) -> Floats:
            factors = np.empty(len(flavour))
            for group, mask in masks.items():
                own = of_group[group].with_texts(kind_input(keys.get(group, "central")))
                factors[mask] = evaluate(*of[group], own)
            factors[beyond] = 1.0
            return jets.product(method_1a(self.name, tagged, factors, efficiency))

        known = {group: kinds(*correction) for group, correction in of.items()}

        def varied(variation: str, side: str) -> Floats:
            group, source = _source(variation, self.name)
            key = f"{side}_{source}" if source else side
            check_known("uncertainty", [key], known[group], f"correction {of[group][1]!r} (weight {self.name!r})")
            return weight({group: key})

        return self.with_variations(weight(self._keys_inside(shape_variation, known)), shape_variation, varied)

    def _keys_inside(self, shape_variation: str, known: Mapping[str, Iterable[Any]]) -> dict[str, str]:
        """Return heavy, light → key inside a variation of the jets' energy, for those that aren't central."""
        shift = energy_shift(shape_variation, self.params, self.year)
        keys = {}
        for group in GROUPS:
            sources = [source for of, source in self._sources.values() if of == group]
            # The total uncertainty and its correlated part include that of the energy.
            if shift is None or not any(_scheme(source) == _SINGLE for source in sources):
                continue
            key = shift.key(frozenset(known[group]))
            if key and key.partition("_")[2] not in sources:
                keys[group] = key
        return keys

    def _check_threshold(self, file: str, correction: str, working_point: str, lowest: float) -> None:
        """Refuse a threshold that isn't the one of the working point in the file of the scale factors."""
        thresholds = f"{correction.partition('_')[0]}_wp_values"
        if thresholds not in names_of(find_corrections(file)):
            return
        expected = float(evaluate(file, thresholds, {"working_point": working_point}))
        if abs(expected - lowest) > _ROUNDING:
            raise ConfigError(
                f"weight {self.name!r}: {working_point} of btagging.working_point.{self.year}.btagging_WP is {lowest}, "
                f"but the scale factors {correction!r} are for {expected:.4f}"
            )


def end_of_abseta(file: str, name: str) -> float:
    """Return the |η| from which on a correction has no scale factors, infinite if it has a rule of its own there."""
    return coverage(find_corrections(file), name).range("abseta", {})[1]


def _source(variation: str, weight: str) -> tuple[str, str]:
    """Return the jets that a variation changes, and the source of the uncertainty, ``""`` for the total."""
    group, _, source = variation.partition("_")
    if group not in GROUPS:
        raise ConfigError(
            f"weight {weight!r}: variation {variation!r} is neither of heavy nor of light jets, such as 'heavy' or "
            "'light_correlated'"
        )
    return group, source


def _scheme(source: str) -> str:
    if not source:
        return _TOTAL
    return _CORRELATION if source in ("correlated", "uncorrelated") else _SINGLE


def method_1a(name: str, tagged: npt.NDArray[np.bool_], factors: Floats, efficiency: Floats) -> Floats:
    """Return the factor of each jet at a working point: SF if it is tagged, else (1 − SF ε) / (1 − ε)."""
    if np.any((efficiency < 0) | (efficiency >= 1)):
        raise ConfigError(f"weight {name!r}: an efficiency of b tagging is not in [0, 1)")
    # The scale factor is limited such that the efficiency in data, SF ε, is at most 1, and no weight is negative.
    factors = np.minimum(factors, 1 / np.maximum(efficiency, np.finfo(np.float64).tiny))
    return np.where(tagged, factors, (1 - factors * efficiency) / (1 - efficiency))
