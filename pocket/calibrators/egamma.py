"""Energy scale and resolution of electrons and photons, and their uncertainties."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators.base import NOMINAL, ChunkCalibrator
from pocket.calibrators.egamma_corrections import EgammaCorrections
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.calibrators.smearing import as_stored, flat, normal_numbers
from pocket.objects.nanoaod import supercluster_eta
from pocket.objects.photons import photon_supercluster_eta
from pocket.parameters.access import parameter

#: Kinds of variations: of the scale, and of the width of the smearing.
_SCALE, _SMEAR = "scale", "smear"


class EgammaCalibrator(ChunkCalibrator):
    """Base class of the calibrators of electrons and photons.

    Data are multiplied by the scale, simulation by 1 + σ n, with the width σ of the smearing and a random number n of
    mean 0 and width 1, the same in all variations. The variation of the scale multiplies the smeared momentum by
    1 ± its uncertainty, which is evaluated at the momentum of the file; that of the smearing replaces σ by σ ± its
    uncertainty. ``energyErr``, where NanoAOD has it, becomes the square root of energyErr² + (E σ)² and is scaled like
    the momentum; ``pt_original`` is the momentum of the file.

    The parameters are ``scale_and_smearing`` of the section: ``apply.<year>`` (otherwise nothing is changed),
    ``correctionlib_config.<year>`` (:meth:`~pocket.calibrators.egamma_corrections.EgammaCorrections.from_params`) and
    ``smearing_seed``.

    For Run 2, momenta stay those of NanoAOD, which is calibrated; only the variations are computed, those of the
    smearing from ``dEsigmaUp`` and ``dEsigmaDown`` of NanoAODv9, the differences of the energy and the shifted one.
    """

    has_variations = True
    inputs = ()
    flavour: ClassVar[str]
    section: ClassVar[tuple[str, ...]]
    prefix: ClassVar[str]

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        place = (*self.section, "scale_and_smearing")
        self._variations = ()
        self._applied = self.is_applied(place)
        if not self._applied:
            return
        config = (*place, "correctionlib_config")
        self._corrections = EgammaCorrections.from_params(params, config, self.year, self.period())
        self._seed = int(parameter(params, *place).get("smearing_seed", 0))
        self.calibrated_collections = tuple(f"{self.flavour}.{field}" for field in ("pt", "pt_original", "energyErr"))
        if self.isMC:
            self._variations = tuple(f"{self.prefix}_{kind}{side}" for kind in (_SCALE, _SMEAR) for side in DIRECTIONS)

    def is_applied(self, place: tuple[str, ...]) -> bool:
        """Tell whether objects of the year are calibrated, from a path in the parameters."""
        return bool(parameter(self.params, *place, "apply", self.year))

    def period(self) -> str:
        """Return the year as files of Run 2 name it."""
        raise NotImplementedError

    @staticmethod
    def supercluster_eta(events: ak.Array, objects: ak.Array) -> ak.Array:
        """Return eta of the superclusters, shape (n events, n objects)."""
        raise NotImplementedError

    def energies_class(self) -> type[EgammaEnergies]:
        """Return the class that computes the energies, which a subclass may replace."""
        return EgammaEnergies

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections."""
        return self._corrections.names() if self._applied else ()

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the momentum with ``pt_original`` and ``energyErr``."""
        if not self._applied:
            return {}
        energies: EgammaEnergies = self.computed(events, variation)
        kind, direction = NOMINAL, ""
        if variation in self.variations:
            side = next(side for side in DIRECTIONS if variation.endswith(side))
            kind, direction = variation.removeprefix(f"{self.prefix}_").removesuffix(side), DIRECTIONS[side]
        return energies.calibrated(kind, direction)

    def compute(self, events: Any) -> EgammaEnergies:
        """Return the energies of the objects."""
        eta = functools.partial(self.supercluster_eta, events)
        return self.energies_class()(events, self.flavour, self._corrections, self.isMC, self._seed, eta)


class ElectronsScaleCalibrator(EgammaCalibrator):
    """Calibrator of the energy of electrons, with the variations ``ele_scale`` and ``ele_smear``.

    Its parameters are ``lepton_scale_factors.electron_sf.scale_and_smearing``, see :class:`EgammaCalibrator`.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> params = get_default_parameters()
        >>> ElectronsScaleCalibrator(params, {"year": "2022_preEE", "isMC": True}).variations
        ('ele_scaleUp', 'ele_scaleDown', 'ele_smearUp', 'ele_smearDown')
    """

    name = "electron_scale_and_smearing"
    flavour = "Electron"
    section = ("lepton_scale_factors", "electron_sf")
    prefix = "ele"

    def period(self) -> str:
        """Return the year as files of Run 2 name it."""
        return str(parameter(self.params, *self.section, "era_mapping", self.year, "id"))

    @staticmethod
    def supercluster_eta(events: ak.Array, objects: ak.Array) -> ak.Array:
        """Return eta of the superclusters, shape (n events, n electrons)."""
        return supercluster_eta(objects)


class PhotonsScaleCalibrator(EgammaCalibrator):
    """Calibrator of the energy of photons, with the variations ``pho_scale`` and ``pho_smear``.

    Its parameters are ``photon_scale_factors.photon_sf.scale_and_smearing``, see :class:`EgammaCalibrator`.

    Examples:
        >>> from pocket.parameters import get_default_parameters
        >>> PhotonsScaleCalibrator(get_default_parameters(), {"year": "2018", "isMC": True}).variations
        ()
    """

    name = "photon_scale_and_smearing"
    flavour = "Photon"
    section = ("photon_scale_factors", "photon_sf")
    prefix = "pho"

    def period(self) -> str:
        """Return the year as files of Run 2 name it."""
        return str(parameter(self.params, *self.section, "era_mapping", self.year))

    @staticmethod
    def supercluster_eta(events: ak.Array, objects: ak.Array) -> ak.Array:
        """Return eta of the superclusters, shape (n events, n photons)."""
        return photon_supercluster_eta(events, objects)


class EgammaEnergies:
    """Energies of electrons or photons in one chunk as flat arrays over objects, from which variations are computed."""

    def __init__(
        self,
        events: Any,
        flavour: str,
        corrections: EgammaCorrections,
        is_mc: bool,
        seed: int,
        supercluster_eta: Callable[[ak.Array], ak.Array],
    ) -> None:
        self._flavour, self._corrections, self._is_mc = flavour, corrections, is_mc
        self._objects = collection(events, flavour)
        self._original = branch(self._objects, "pt", flavour)
        self._counts = np.asarray(ak.num(self._original))
        self.pt = flat(self._original)
        eta = flat(supercluster_eta(self._objects))
        self._inputs = {
            "run": np.repeat(np.asarray(events["run"], dtype=np.float64), self._counts),
            "seedgain": np.asarray(ak.flatten(branch(self._objects, "seedGain", flavour))),
            "sceta": eta,
            "abssceta": np.abs(eta),
            "r9": flat(branch(self._objects, "r9", flavour)),
            "pt": self.pt,
        }
        smeared = is_mc and corrections.has_nominal
        self._normal = normal_numbers(seed, events, self._objects) if smeared else np.zeros_like(self.pt)
        self._nominal: Mapping[str, Any] | None = None

    @functools.cached_property
    def width(self) -> Floats:
        """Relative width of the smearing; in data at the corrected momentum, for the uncertainty of the energy."""
        return self._corrections.width(self._inputs if self._is_mc else {**self._inputs, "pt": self.pt * self.scale})

    @functools.cached_property
    def scale(self) -> Floats:
        """Factor on the momentum of data."""
        return self._corrections.scale(self._inputs)

    @functools.cached_property
    def _scale_uncertainty(self) -> Floats:
        return self._corrections.scale_uncertainty(self._inputs)

    @functools.cached_property
    def _width_uncertainty(self) -> Floats:
        return self._corrections.width_uncertainty(self._inputs)

    @functools.cached_property
    def _energy(self) -> Floats:
        return np.hypot(self.pt * np.cosh(flat(self._objects["eta"])), self.stored("mass"))

    def calibrated(self, kind: str, direction: str) -> Mapping[str, Any]:
        """Return the calibrated columns, the same arrays whenever they are nominal."""
        if kind == NOMINAL and self._nominal is not None:
            return self._nominal
        sign = {"up": 1.0, "down": -1.0}.get(direction, 0.0)
        pt, error = self.values(kind, sign)
        columns = {"pt": self._jagged(pt), "pt_original": self._original}
        if error is not None and "energyErr" in self._objects.fields:
            columns["energyErr"] = self._jagged(error)
        result = {f"{self._flavour}.{field}": column for field, column in columns.items()}
        if kind == NOMINAL:
            self._nominal = result
        return result

    def values(self, kind: str, sign: float) -> tuple[Floats, Floats | None]:
        """Return momentum and uncertainty of the energy (``None`` where it stays), up for sign 1, down for -1."""
        if not self._corrections.has_nominal:
            return self._of_run_2(kind, sign), None
        if not self._is_mc:
            return self.pt * self.scale, self._energy_error(self.width, self.scale)
        if kind == _SCALE:
            return self.with_shifted_scale(1 + sign * self._scale_uncertainty)
        width = self.width + sign * self._width_uncertainty if kind == _SMEAR else self.width
        factor = 1 + width * self._normal
        return self.pt * factor, self._energy_error(width, factor)

    def with_shifted_scale(self, shift: Floats) -> tuple[Floats, Floats]:
        """Return the momentum and the uncertainty of the energy, both smeared and multiplied by a shift."""
        factor = (1 + self.width * self._normal) * shift
        return self.pt * factor, self._energy_error(self.width, factor)

    def _of_run_2(self, kind: str, sign: float) -> Floats:
        if kind == _SCALE:
            return self.pt * (1 + sign * self._scale_uncertainty)
        if kind == _SMEAR:
            name = f"dEsigma{'Up' if sign > 0 else 'Down'}"
            difference = flat(branch(self._objects, name, self._flavour))
            return self.pt - difference / np.cosh(flat(self._objects["eta"]))
        return self.pt

    def _energy_error(self, width: Floats, factor: Floats) -> Floats:
        return np.hypot(self.stored("energyErr"), self._energy * width) * factor

    def stored(self, field: str) -> Floats | float:
        """Return a field of the objects, 0 if it isn't there."""
        return flat(self._objects[field]) if field in self._objects.fields else 0.0

    def _jagged(self, values: Floats) -> ak.Array:
        return as_stored(values, self._counts)
