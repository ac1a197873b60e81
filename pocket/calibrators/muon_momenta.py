"""Calibrators of the momenta of muons with the corrections of the muon group, of Run 2 and of Run 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators.base import ChunkCalibrator
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.calibrators.muon_scale_resolution import (
    OF_DATA,
    OF_SIMULATION,
    UNCERTAINTIES,
    MuonScaleResolution,
    not_extreme,
    random_uniform,
)
from pocket.calibrators.rochester import TOTAL, RochesterCorrections, find_roccor, sources_in
from pocket.calibrators.smearing import as_stored, flat, linked_positions, uniform_numbers
from pocket.corrections.files import find_corrections
from pocket.errors import ConfigError, check_known
from pocket.parameters.access import parameter

_PLACE = ("lepton_scale_factors", "muon_sf")
#: Least ratio of the pt of a generated muon to that of its muon; kSpreadMC has a pole near 0.06.
_LEAST_RATIO = 0.25


class MuonMomentumCalibrator(ChunkCalibrator):
    """Base class of calibrators of ``Muon.pt``; subclasses compute it in :meth:`nominal` and :meth:`shifted`.

    It is applied in the years for which ``apply`` of their section of ``lepton_scale_factors.muon_sf`` is true.
    """

    has_variations = True
    section: ClassVar[str]

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        self._applied = bool(self.parameter("apply").get(self.year, False))
        self._variations: tuple[str, ...] = ()
        #: Variation → its source and whether it goes up.
        self._shifts: dict[str, tuple[str, bool]] = {}
        if self._applied:
            self.calibrated_collections = ("Muon.pt",)

    def parameter(self, *path: str) -> Any:
        """Return a parameter of the section."""
        return parameter(self.params, *_PLACE, self.section, *path)

    def add_variations(self, stem: str, source: str) -> None:
        """Add the variations up and down of a source, which data don't have."""
        if self._applied and self.isMC:
            self._shifts |= {f"{stem}{side}": (source, side == "Up") for side in DIRECTIONS}
            self._variations = tuple(self._shifts)

    def nominal(self, events: Any, muons: ak.Array) -> Any:
        """Return what the momenta and their variations are made of; it is computed once for all variations."""
        raise NotImplementedError

    def momenta(self, computed: Any) -> Floats:
        """Return the nominal pt in GeV, shape (n muons,), from what :meth:`nominal` returned."""
        raise NotImplementedError

    def shifted(self, computed: Any, source: str, up: bool) -> Floats:
        """Return pt in GeV, varied by a source, shape (n muons,)."""
        raise NotImplementedError

    def compute(self, events: Any) -> tuple[Any, Mapping[str, Any]]:
        """Return what the momenta are made of, and the nominal calibration."""
        computed = self.nominal(events, collection(events, "Muon"))
        return computed, self._calibrated(events, self.momenta(computed))

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the calibrated pt of muons, nothing in years in which they aren't calibrated."""
        if not self._applied:
            return {}
        computed, of_nominal = self.computed(events, variation)
        if variation not in self._shifts:
            return dict(of_nominal)
        return self._calibrated(events, self.shifted(computed, *self._shifts[variation]))

    @staticmethod
    def _calibrated(events: Any, pt: Floats) -> Mapping[str, Any]:
        return {"Muon.pt": as_stored(pt, ak.num(branch(collection(events, "Muon"), "pt", "Muon")))}


class MuonsRochesterCalibrator(MuonMomentumCalibrator):
    """Calibrator of muons in Run 2 with the Rochester corrections (:mod:`pocket.calibrators.rochester`).

    Data are corrected for the scale (kScaleDT). Simulated muons that NanoAOD links to a generated one are corrected for
    scale and resolution with it (kSpreadMC), the others, and those with four times its momentum, are smeared by a
    random number (kSmearMC). The numbers depend on run, luminosity section and event, η and φ of the muon, and
    ``smearing_seed``.

    Parameters are in ``lepton_scale_factors.muon_sf.rochester``: ``apply.<year>``, the text file ``txt_file.<year>``
    (plain or gzipped), ``smearing_seed``, and the errors to vary, ``variations``: of ``stat``, ``Zpt``, ``Ewk``,
    ``deltaM`` and ``Ewk2``, or ``total`` for all of them together. The variations are ``muon_roccor_{error}Up`` and
    ``Down``, and ``muon_roccorUp`` and ``Down`` for the total, see
    :meth:`~pocket.calibrators.rochester.RochesterCorrections.shifted`. A correction by more than a factor of 2, or 10
    downwards, isn't applied: kSmearMC has a pole.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> MuonsRochesterCalibrator(get_default_parameters(), {"year": "2018", "isMC": True}).variations[:4]
        ('muon_roccor_statUp', 'muon_roccor_statDown', 'muon_roccor_ZptUp', 'muon_roccor_ZptDown')
    """

    name = "muons_rochester"
    section = "rochester"
    inputs = ("GenPart",)
    _last: tuple[str, tuple[Floats, Floats]] | None = None

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        if self._applied:
            self._file = str(self.parameter("txt_file", self.year))
            for source in self.parameter("variations"):
                self.add_variations("muon_roccor" if source == TOTAL else f"muon_roccor_{source}", source)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return nothing, since the file isn't correctionlib's; it is checked here if it is on this machine.

        Raises:
            ConfigError: if it isn't a file of these corrections.
            UnknownNameError: if it doesn't have an error of ``variations``.
        """
        if self._applied:
            try:
                content = find_roccor(self._file)
            except ConfigError:
                # Jobs may have it.
                return ()
            place = ".".join((*_PLACE, self.section, "variations"))
            check_known("error set", [source for source, _ in self._shifts.values()], sources_in(content), place)
        return ()

    def nominal(self, events: Any, muons: ak.Array) -> Any:
        """Return the uncorrected pt and the factor on it for an error set and a member."""
        columns = [flat(branch(muons, name, "Muon")) for name in ("charge", "pt", "eta", "phi")]
        pt, corrections = columns[1], RochesterCorrections.from_file(self._file)
        if not self.isMC:
            return pt, corrections.muons(*columns).of_data
        gen_pt = generated_pt(events, muons)
        matched = gen_pt > _LEAST_RATIO * pt
        of_matched, of_others = (
            corrections.muons(*(column[mask] for column in columns)) for mask in (matched, ~matched)
        )
        layers = flat(branch(muons, "nTrackerLayers", "Muon")).astype(np.int64)
        uniform = self.random_numbers(events, muons)

        def factor(error_set: int, member: int) -> Floats:
            factors = np.empty_like(pt)
            factors[matched] = of_matched.spread(gen_pt[matched], error_set, member)
            factors[~matched] = of_others.smear(layers[~matched], uniform[~matched], error_set, member)
            return factors

        return pt, factor

    def random_numbers(self, events: Any, muons: ak.Array) -> Floats:
        """Return a random number from 0 to 1 for each muon, shape (n muons,)."""
        return uniform_numbers(int(self.parameter("smearing_seed")), events, muons)

    def initialize(self, events: Any) -> None:
        """Forget the muons of the previous chunk."""
        super().initialize(events)
        self._last = None

    def momenta(self, computed: Any) -> Floats:
        """Return the corrected pt."""
        pt, factor = computed
        return not_extreme(pt * factor(0, 0), pt)

    def shifted(self, computed: Any, source: str, up: bool) -> Floats:
        """Return the corrected pt, varied by an error."""
        pt, factor = computed
        # Both directions of an error follow each other, so the last one is cached.
        if self._last is None or self._last[0] != source:
            self._last = source, RochesterCorrections.from_file(self._file).shifted(factor, source)
        return not_extreme(pt * self._last[1][0 if up else 1], self.momenta(computed))


class MuonsScaleResolutionCalibrator(MuonMomentumCalibrator):
    """Calibrator of muons in Run 3 (:mod:`pocket.calibrators.muon_scale_resolution`).

    Data and simulation are corrected for the scale, simulation is smeared to the resolution of data, all between 26 and
    200 GeV. The random numbers are those that the muon group prescribes: the correction ``RandomSmearing`` of the
    file, and the same one for older files that lack it.

    Parameters are in ``lepton_scale_factors.muon_sf.scale_and_resolution``: ``apply.<year>``, the file
    ``correctionlib_config.<year>.file``, and the uncertainties to vary, ``variations.<year>``: ``stat``, ``syst`` or
    both. The variations are ``muon_scale_{uncertainty}Up`` and ``Down``, and ``muon_smear_{uncertainty}Up`` and
    ``Down``. As the muon group has it, the scale is also varied outside of that range.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> MuonsScaleResolutionCalibrator(get_default_parameters(), {"year": "2022_postEE", "isMC": True}).variations
        ('muon_scale_statUp', 'muon_scale_statDown', 'muon_smear_statUp', 'muon_smear_statDown')
    """

    name = "muons_scale_and_resolution"
    section = "scale_and_resolution"
    inputs = ()

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        if self._applied:
            self._file = str(self.parameter("correctionlib_config", self.year, "file"))
            for uncertainty in self.uncertainties():
                for kind in ("scale", "smear"):
                    self.add_variations(f"muon_{kind}_{uncertainty}", f"{kind}_{uncertainty}")

    def uncertainties(self) -> Sequence[str]:
        """Return the uncertainties that are varied."""
        found = list(self.parameter("variations", self.year))
        check_known("uncertainty", found, UNCERTAINTIES, ".".join((*_PLACE, self.section, "variations", self.year)))
        return found

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the corrections.

        Raises:
            ConfigError: if the file has no numbers for an uncertainty.
        """
        if not self._applied:
            return ()
        for uncertainty in dict.fromkeys(source.partition("_")[2] for source, _ in self._shifts.values()):
            self._check_uncertainty(uncertainty)
        return [(self._file, name) for name in (OF_SIMULATION if self.isMC else OF_DATA)]

    def _check_uncertainty(self, uncertainty: str) -> None:
        try:
            find_corrections(self._file)
        except ConfigError:
            # Jobs may have the file.
            return
        try:
            MuonScaleResolution.from_file(self._file).check_uncertainty(uncertainty)
        except ConfigError as error:
            place = ".".join((*_PLACE, self.section, "variations", self.year))
            raise ConfigError(f"{self._file}: {error}; leave {uncertainty!r} out of {place}") from None

    def nominal(self, events: Any, muons: ak.Array) -> Any:
        """Return η, φ, charge, and pt with the scale corrected, and with both corrected."""
        pt, eta, phi, charge = (flat(branch(muons, name, "Muon")) for name in ("pt", "eta", "phi", "charge"))
        of_year = MuonScaleResolution.from_file(self._file)
        scaled = of_year.scaled(not self.isMC, pt, eta, phi, charge)
        if not self.isMC:
            return eta, phi, charge, scaled, scaled
        counts = np.asarray(ak.num(muons))
        event, section = (np.repeat(np.asarray(events[name]), counts) for name in ("event", "luminosityBlock"))
        layers = flat(branch(muons, "nTrackerLayers", "Muon"))
        smeared = of_year.smeared(scaled, eta, layers, random_uniform(self._file, event, section, phi))
        return eta, phi, charge, scaled, smeared

    def momenta(self, computed: Any) -> Floats:
        """Return the corrected pt."""
        return np.asarray(computed[-1], dtype=np.float64)

    def shifted(self, computed: Any, source: str, up: bool) -> Floats:
        """Return the corrected pt, varied by an uncertainty of the scale or of the resolution."""
        eta, phi, charge, scaled, smeared = computed
        kind, _, uncertainty = source.partition("_")
        of_year = MuonScaleResolution.from_file(self._file)
        if kind == "scale":
            return of_year.scale_shifted(smeared, eta, phi, charge, up, uncertainty)
        return of_year.smearing_shifted(scaled, smeared, eta, up, uncertainty)


def generated_pt(events: Any, muons: ak.Array) -> Floats:
    """Return the pt in GeV of the generated muon that NanoAOD links to each muon, 0 without one, shape (n muons,).

    NanoAOD links muons with a momentum that differs by less than half and within ΔR of 0.3.
    """
    gen = collection(events, "GenPart")
    gen_pt = branch(gen, "pt", "GenPart")
    linked, position = linked_positions(branch(muons, "genPartIdx", "Muon"), gen_pt)
    found = np.zeros(len(linked))
    found[linked] = flat(gen_pt)[position]
    return found
