"""Energy scale and resolution of jets, and their uncertainties."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection, with_fields
from pocket.base.arrays.jagged import counts_of, elements_of, flat_values, to_lists, without_gaps
from pocket.base.typing import Floats
from pocket.calibrators.base import ChunkCalibrator
from pocket.calibrators.jet_corrections import DIRECTIONS, JetCorrections, jet_collections
from pocket.calibrators.smearing import (
    flat,
    matched_gen_pt,
    node_smear_factor,
    normal_numbers,
    smear_factor,
    smearing_node,
)
from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.io.nanoaod.version import nano_version
from pocket.objects.jets import ORIGINAL_POSITION
from pocket.objects.nanoaod import rho
from pocket.parameters.access import parameter

#: Names of the variation of the energy resolution and of those of the scale, which are JES_{source}.
JER, JES = "JER", "JES_"
#: Link to the generated jet → its collection.
GEN_JETS = {"genJetIdx": "GenJet", "genJetAK8Idx": "GenJetAK8"}
_RADII = {"AK4": 0.4, "AK8": 0.8}
_STATISTICAL = ("AbsoluteStat", "TimePtEta", "RelativeJEREC?", "RelativePtEC?", "RelativeSample", "RelativeStat*")
#: Variations that JME doesn't correlate between eras; regrouped ones have the year in their names
#: (https://twiki.cern.ch/twiki/bin/view/CMS/JECUncertaintyCorrelations).
OF_ERAS = ("*_JER", *(f"*_JES_{source}" for source in _STATISTICAL))


class JetsCalibrator(ChunkCalibrator):
    """Calibrator that corrects the raw energy of jets again, smears simulation, and varies both.

    ``jets_calibration`` of the parameters has, per year and type of jet, the corrections (``jet_types``), the
    collections they apply to (``collection``), whether they are applied (``apply_jec_MC``, ``apply_jec_Data``,
    ``apply_jer_MC``), the variations (``variations``: ``JES_{source}`` or ``JER``), and whether jets are sorted by the
    new pt (``sort_by_pt``); ``smearing_seed`` is the seed of the random numbers. If ``smearing`` has ``file`` and
    ``name`` of JME's ``JERSmear``, jets without a generated jet get its random numbers (:class:`NodeEnergies`).

    Calibrated jets have new pt, mass and rawFactor, the fields ``pt_raw`` and ``mass_raw``, where they are smeared
    ``pt_gen`` (0 without a generated jet) and the nominal factor ``smearing``, and for the missing momentum ``pt_l1``
    (after the pileup correction alone) and ``pt_jec`` (after the whole scale, without smearing and shift). Links from
    other collections (``Muon.jetIdx``) refer to the order in the file, which
    :func:`~pocket.objects.jets.jets_in_original_order` restores.

    A type of jet that ``collection_name_alias`` maps to another one is corrected like that one. The variations are
    ``{jet type}_{variation}Up`` and ``Down``, e.g. ``AK4PFchs_JES_TotalUp``; types that
    ``merge_collections_for_variations`` lists under one name vary together, under that name. Uncertainties of the scale
    are evaluated at the smeared pt, as in PocketCoffea.
    """

    name = "jet_calibration"
    has_variations = True
    correlated = dict.fromkeys(OF_ERAS, False)
    inputs = tuple(GEN_JETS.values())

    def energies_class(self) -> Callable[..., JetEnergies]:
        """Return the class that computes the energies, which a subclass may replace."""
        return functools.partial(NodeEnergies, node=self._node) if self._node else JetEnergies

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        #: Collection → its corrections.
        self._corrections: dict[str, JetCorrections] = {}
        #: Collection → type of jet whose variations it has.
        self._varied_with: dict[str, str] = {}
        #: Variation → type of jet, variation without type and direction, direction.
        self._shifts: dict[str, tuple[str, str, str]] = {}
        for jet_type, like, names in self.corrected_types():
            corrections = JetCorrections.from_params(params, like, metadata)
            merged = self._of_year("merge_collections_for_variations").items()
            group = next((name for name, types in merged if jet_type in types), jet_type)
            for name in names:
                if name in self._corrections:
                    raise ConfigError(
                        f"jets_calibration.collection.{self.year} has {name!r} for {jet_type} and for "
                        f"{self._corrections[name].jet_type}"
                    )
                self._corrections[name], self._varied_with[name] = corrections, group
            if self.isMC:
                self._add_variations(corrections, group)
        #: (file, name) of JME's node that smears jets; ``None`` for random numbers of ours.
        self._node = smearing_node(params)
        self.calibrated_collections = tuple(self._corrections)
        self._variations = tuple(self._shifts)

    def corrected_types(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield the types of jets that are corrected, the type whose corrections each has, and their collections."""
        for jet_type, names in jet_collections(self.params, self.year).items():
            like = self._of_year("collection_name_alias").get(jet_type, jet_type)
            if self.is_corrected(like):
                yield jet_type, like, names

    def is_corrected(self, like: str) -> bool:
        """Tell whether types of jets with the corrections of a type are corrected in this dataset."""
        switch = "apply_jec_MC" if self.isMC else "apply_jec_Data"
        return bool(parameter(self.params, "jets_calibration", switch, self.year, like))

    def kinds(self, corrections: JetCorrections, requested: Sequence[str]) -> Sequence[str]:
        """Return those of the requested variations that a type of jet has."""
        return requested

    def _of_year(self, table: str) -> Mapping[str, Any]:
        """Return the content of an optional table of ``jets_calibration`` for the year."""
        found: Mapping[str, Any] = self.params["jets_calibration"].get(table, {}).get(self.year, {})
        return found

    def _add_variations(self, corrections: JetCorrections, group: str) -> None:
        place = ("jets_calibration", "variations", corrections.jet_type, self.year)
        for kind in self.kinds(corrections, parameter(self.params, *place)):
            if kind != JER and not kind.startswith(JES):
                raise ConfigError(f"{'.'.join(place)}: {kind!r} is neither {JER!r} nor {JES!r} and a source")
            if kind == JER and corrections.resolution is None:
                raise ConfigError(
                    f"{'.'.join(place)} has {JER}, but jets_calibration.apply_jer_MC.{self.year}."
                    f"{corrections.jet_type} is false"
                )
            for side, direction in DIRECTIONS.items():
                self._shifts[f"{group}_{kind}{side}"] = (group, kind, direction)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections of all types of jets."""
        kinds = {(group, kind) for group, kind, _ in self._shifts.values() if kind != JER}
        sources = sorted((group, kind.removeprefix(JES)) for group, kind in kinds)
        of_collections = [(each, self._varied_with[name]) for name, each in self._corrections.items()]
        smearing = [self._node] if self._node and any(each.resolution for each, _ in of_collections) else []
        return [
            pair
            # Two collections may have the same type.
            for each, own in dict.fromkeys(of_collections)
            for pair in each.corrections(source for group, source in sources if group == own)
        ] + smearing

    def initialize(self, events: Any) -> None:
        """Forget the jets of the previous chunk, and check that the corrections are for the jets of the file.

        Raises:
            UnknownNameError: if the file doesn't have a collection.
            ConfigError: if corrections of CHS jets are for PUPPI jets, or the reverse.
        """
        super().initialize(events)
        for jet_type, _, names in self.corrected_types():
            where = f"jets_calibration.collection.{self.year}, from which '{jet_type}: null' leaves it out"
            check_known("collection", names, events.fields, where)
        if "Jet" in self._corrections and "Jet" in events.fields:
            has_chs = "puId" in events["Jet"].fields
            kind = "CHS" if has_chs else "PUPPI" if nano_version(events) > 9 else ""
            jet_type = self._corrections["Jet"].jet_type
            if kind and any(other in jet_type.upper() for other in {"CHS", "PUPPI"} - {kind}):
                raise ConfigError(
                    f"jets_calibration.collection.{self.year} has Jet for {jet_type}, but the file has {kind} jets, as "
                    f"NanoAOD of Run {2 if has_chs else 3}: correct the year of the dataset, or name the type of jets "
                    "and the corrections that belong to the file"
                )

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the calibrated collections; types of jets that aren't varied have the nominal arrays."""
        shift = self._shifts.get(variation)
        return {
            name: jets.shifted(*shift[1:]) if shift and shift[0] == self._varied_with[name] else jets.nominal
            for name, jets in self.computed(events, variation).items()
        }

    def compute(self, events: Any) -> dict[str, JetEnergies]:
        """Return the energies of each collection."""
        return {
            name: self.energies_class()(
                events,
                name,
                corrections,
                sort=bool(parameter(self.params, "jets_calibration", "sort_by_pt", self.year, corrections.jet_type)),
                seed=int(parameter(self.params, "jets_calibration", "smearing_seed")),
            )
            for name, corrections in self._corrections.items()
        }


class JetEnergies:
    """Energies of one collection in one chunk as flat arrays over jets, from which variations are computed."""

    def __init__(self, events: Any, name: str, corrections: JetCorrections, sort: bool, seed: int) -> None:
        self.corrections = corrections
        self._sort = sort
        jets = collection(events, name)
        self._counts = np.asarray(ak.num(jets))
        self._position = flat_values(ak.local_index(jets, axis=1))
        self._inputs = {
            "JetEta": flat(branch(jets, "eta", name)),
            "JetPhi": flat(branch(jets, "phi", name)),
            "JetA": flat(branch(jets, "area", name)),
            "Rho": np.repeat(np.asarray(rho(events), dtype=np.float64), self._counts),
            "run": np.repeat(np.asarray(events["run"], dtype=np.float64), self._counts),
        }
        self._raw_pt, raw_mass = self.raw(jets, name)
        scale = corrections.scale_factor(self._inputs, self._raw_pt)
        pt = self._raw_pt * scale
        extra = {
            "pt_raw": self._raw_pt,
            "mass_raw": raw_mass,
            "pt_l1": self._raw_pt * corrections.pileup_factor(self._inputs, self._raw_pt),
            "pt_jec": pt,
        }
        smearing: Floats | float = 1.0
        if corrections.resolution is not None:
            resolution = corrections.relative_resolution(self._inputs, pt)
            gen_pt = self.gen_pt(events, jets, pt, resolution)
            self._smearing = (pt, gen_pt, resolution, self.random_numbers(seed, events, jets, pt))
            smearing = self._smear("nom")
            extra |= {"pt_gen": gen_pt, "smearing": smearing}
        self._pt, self._mass = pt * smearing, raw_mass * scale * smearing
        self._unsmeared = 1 / smearing
        self._last: tuple[str, Floats] | None = None
        self._jets = with_columns(jets, {field: _stored(values) for field, values in extra.items()})
        self.nominal = self._scaled(1.0)

    @staticmethod
    def raw(jets: ak.Array, name: str) -> tuple[Floats, Floats]:
        """Return pt and mass in GeV before any correction, shape (n jets,)."""
        if "rawPt" in jets.fields:
            # Old NanoAOD has no mass for CorrT1METJet, the soft jets for the missing momentum.
            pt = flat(jets["rawPt"])
            return pt, flat(jets["rawMass"]) if "rawMass" in jets.fields else np.zeros_like(pt)
        raw = 1 - flat(branch(jets, "rawFactor", name))
        return raw * flat(jets["pt"]), raw * flat(jets["mass"])

    def gen_pt(self, events: Any, jets: ak.Array, pt: Floats, resolution: Floats) -> Floats:
        """Return the pt in GeV of the generated jet of each jet, 0 without a match."""
        jet_type = self.corrections.jet_type
        link = next((field for field in GEN_JETS if field in jets.fields), None)
        if link is None:
            # CorrT1METJet has no links.
            return np.zeros_like(pt)
        if jet_type[:3] not in _RADII:
            raise UnknownNameError("size of jets", jet_type[:3], _RADII, f"jets_calibration.jet_types.{jet_type}")
        gen_jets = collection(events, GEN_JETS[link])
        return matched_gen_pt(jets, gen_jets, link, pt, resolution, _RADII[jet_type[:3]])

    def random_numbers(self, seed: int, events: Any, jets: ak.Array, pt: Floats) -> Floats:
        """Return a random number with mean 0 and width 1 for each jet."""
        return normal_numbers(seed, events, jets)

    @staticmethod
    def smear_factor(pt: Floats, gen_pt: Floats, resolution: Floats, scale_factor: Floats, normal: Floats) -> Floats:
        """Return the factor on each jet's momentum, see :func:`pocket.calibrators.smearing.smear_factor`."""
        return smear_factor(pt, gen_pt, resolution, scale_factor, normal)

    def shifted(self, kind: str, direction: str) -> ak.Array:
        """Return the jets of a variation: ``JER`` or ``JES_{source}``, ``up`` or ``down``."""
        if kind == JER:
            return self._scaled(self._unsmeared * self._smear(direction))
        # Both directions of a source follow each other, so the last uncertainty is cached.
        if self._last is None or self._last[0] != kind:
            self._last = kind, self.corrections.uncertainty(kind.removeprefix(JES), self._inputs, self._pt)
        uncertainty = self._last[1]
        return self._scaled(1 + uncertainty if direction == "up" else 1 - uncertainty)

    def _smear(self, systematic: str) -> Floats:
        pt, gen_pt, resolution, normal = self._smearing
        return self.smear_factor(pt, gen_pt, resolution, self._ratio(systematic), normal)

    def _ratio(self, systematic: str) -> Floats:
        """Return the ratio of resolutions by which each jet is smeared, 1 for those that aren't."""
        pt, gen_pt, *_ = self._smearing
        ratio = self.corrections.resolution_ratio(self._inputs, pt, systematic)
        if self.corrections.matched_only is None:
            return ratio
        low, high = self.corrections.matched_only
        abseta = np.abs(self._inputs["JetEta"])
        return np.where((gen_pt <= 0) & (abseta > low) & (abseta < high), 1.0, ratio)

    def _scaled(self, factor: Floats | float) -> ak.Array:
        pt = self._pt * factor
        # A jet without momentum has no correction.
        raw_factor = 1 - np.divide(self._raw_pt, pt, out=np.ones_like(pt), where=pt != 0)
        columns = {"pt": pt, "mass": self._mass * factor, "rawFactor": raw_factor}
        stored = {field: _stored(values) for field, values in columns.items()}
        if not self._sort:
            return with_columns(self._jets, stored)
        # The position in the file is inserted before the jets are sorted, which takes all columns along.
        jets = with_columns(self._jets, {**stored, ORIGINAL_POSITION: self._position})
        return jets[ak.argsort(jets["pt"], axis=1, ascending=False)]


def with_columns(objects: ak.Array, columns: Mapping[str, npt.NDArray[Any]]) -> ak.Array:
    """Return jagged records with further fields or other values, flat arrays (n objects,), all inserted at once.

    Examples:
        >>> jets = ak.zip({"pt": [[30.0, 10.0], []], "eta": [[0.1, -2.0], []]})
        >>> with_columns(jets, {"pt": np.array([31.0, 11.0]), "id": np.array([1, 2])}).to_list()[0]
        [{'pt': 31.0, 'eta': 0.1, 'id': 1}, {'pt': 11.0, 'eta': -2.0, 'id': 2}]
    """
    objects = without_gaps(objects)
    lists = objects.layout
    if not isinstance(lists, ak.contents.ListOffsetArray):
        for name, values in columns.items():
            objects = ak.with_field(objects, to_lists(values, counts_of(objects)), name)
        return objects
    elements = with_fields(elements_of(objects), columns)
    layout = ak.contents.ListOffsetArray(lists.offsets, elements.layout, parameters=lists.parameters)
    return ak.Array(layout, behavior=objects.behavior, attrs=objects.attrs)


def _stored(values: Floats) -> npt.NDArray[np.float32]:
    """Return numbers in the precision of NanoAOD."""
    return values.astype(np.float32)


class NodeEnergies(JetEnergies):
    """Energies of one collection, smeared by JME's node ``JERSmear`` (``POG/JME/jer_smear.json.gz``).

    Its random numbers are made of pt after the scale, eta, the energy density and the number of the event, so that all
    frameworks that evaluate it have the same ones, if pt is the same to the last digit: its raw value is a product in
    the precision of the file here, as in PocketCoffea. Jets that would have no positive energy get the smallest one, as
    without the node.
    """

    def __init__(self, *args: Any, node: tuple[str, str], **kwargs: Any) -> None:
        self._node = node
        super().__init__(*args, **kwargs)

    @staticmethod
    def raw(jets: ak.Array, name: str) -> tuple[Floats, Floats]:
        """Return pt and mass in GeV before any correction; products are in the precision of the file, as elsewhere."""
        if "rawPt" in jets.fields:
            return JetEnergies.raw(jets, name)
        raw = 1 - branch(jets, "rawFactor", name)
        return flat(raw * jets["pt"]), flat(raw * jets["mass"])

    def random_numbers(self, seed: int, events: Any, jets: ak.Array, pt: Floats) -> Floats:
        """Return the number of each jet's event, which the node makes random numbers of."""
        return np.repeat(np.asarray(events["event"], dtype=np.int64), self._counts)

    def _smear(self, systematic: str) -> Floats:
        pt, gen_pt, resolution, event = self._smearing
        inputs = {**self._inputs, "JetPt": pt, "JER": resolution, "EventID": event}
        return node_smear_factor(self._node, {**inputs, "GenPt": gen_pt, "JERSF": self._ratio(systematic)})
