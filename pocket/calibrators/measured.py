"""Calibrators that apply what the chain measures, such as the energy scale of electrons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.base.arguments import declarative
from pocket.base.arrays.fields import branch, collection, field
from pocket.base.typing import Floats
from pocket.calibrators.base import NOMINAL, ChunkCalibrator
from pocket.calibrators.smearing import as_stored, flat, normal_numbers
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.derived import DerivedCorrection
from pocket.corrections.keys import PARAMETER, SCALE, SMEARING, systematic_key
from pocket.errors import ConfigError, check_known


class MeasuredCalibrator(ChunkCalibrator):
    """Base class of calibrators with a file that the chain makes, see ``scale_factors`` of an analysis.

    Attributes:
        scale_factor: name of the measurement in the analysis.
        measured_inputs: axis of the correction → field of the objects, where the names differ.
    """

    scale_factor: ClassVar[str]
    measured_inputs: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the name of what it applies."""
        return (cls.scale_factor,)

    @property
    def correction(self) -> DerivedCorrection | None:
        """The correction, ``None`` if it isn't applied in this iteration.

        Raises:
            ConfigError: if the file isn't known.
        """
        files = self.params.get("scale_factors", {})
        if self.scale_factor not in files:
            raise ConfigError(f"calibrator {self.name!r}: the file of {self.scale_factor!r} was not given")
        file = files[self.scale_factor]
        return None if file is None else DerivedCorrection(str(file), self.scale_factor)

    def inputs_of(self, correction: DerivedCorrection, objects: ak.Array, name: str) -> Inputs:
        """Return the inputs of a correction for a collection: strings from the metadata, numbers from fields.

        Args:
            correction: the correction.
            objects: the objects.
            name: name of their collection, for errors.

        Raises:
            UnknownNameError: if the metadata don't have a string, or an input isn't an axis.
            MissingBranchError: if there is no such field.
        """
        where = f"calibrator {self.name!r}"
        check_known("input", self.measured_inputs, correction.axes, f"inputs of {where}")

        def column(source: str) -> Floats:
            return flat(field(objects, source, name))

        return correction.inputs_of(self.measured_inputs, self.metadata, column, where, without=(PARAMETER,))


class MeasuredEnergyCalibrator(MeasuredCalibrator):
    """Calibrator of leptons with a measured :class:`~pocket.scale_factors.EnergyScale`, see :meth:`wrap`.

    Momenta in data are multiplied by the scale. Those in simulation are multiplied by 1 + σ n, with the measured
    smearing σ and a random number n of mean 0 and width 1 that is the same in all variations. ``<name>_scale``
    multiplies them by the ratio of the varied and the nominal scale, ``<name>_smear`` varies σ, both by the total
    uncertainty.
    """

    has_variations = True
    inputs = ()
    lepton: ClassVar[str]
    seed: ClassVar[int] = 0
    has_smearing: ClassVar[bool] = True

    @classmethod
    @declarative
    def wrap(
        cls,
        name: str,
        scale_factor: str,
        collection: str,
        inputs: Mapping[str, str] | None = None,
        seed: int = 0,
        smearing: bool = True,
    ) -> type[MeasuredEnergyCalibrator]:
        """Return a calibrator class for one measurement.

        Args:
            name: name of the calibrator, and beginning of its variations.
            scale_factor: name of the measurement in the analysis.
            collection: collection whose momenta are calibrated.
            inputs: axis → field of the objects; the default is the name of the axis. ``abseta`` is |``eta``| if there
                is no ``abseta``.
            seed: selects the random numbers.
            smearing: whether the measurement has a smearing; without, there are no variations of it.
        """
        kinds = ("scale", "smear") if smearing else ("scale",)
        variations = tuple(f"{name}_{kind}{side}" for kind in kinds for side in ("Up", "Down"))
        attributes = {
            "name": name,
            "scale_factor": scale_factor,
            "lepton": collection,
            "measured_inputs": dict(inputs or {}),
            "seed": seed,
            "has_smearing": smearing,
            "calibrated_collections": (f"{collection}.pt",),
            "_variations": variations,
        }
        return type(name, (cls,), attributes)

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        if not self.isMC:
            self._variations = ()

    def compute(self, events: Any) -> Floats:
        """Return the random numbers of the objects."""
        return normal_numbers(self.seed, events, collection(events, self.lepton))

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the momentum.

        Raises:
            ConfigError: if the file isn't known, lacks a value, or has a smearing and the calibrator none, or the
                reverse.
            MissingBranchError: if an input is missing.
        """
        correction = self.correction
        if correction is None:
            return {}
        if self.has_smearing != (SMEARING in correction.keys(PARAMETER)):
            found = f"{self.scale_factor!r} measures {'no' if self.has_smearing else 'a'} smearing"
            raise ConfigError(f"calibrator {self.name!r}: {found}, set smearing={not self.has_smearing}")
        objects = collection(events, self.lepton)
        pt = branch(objects, "pt", self.lepton)
        inputs = self.inputs_of(correction, objects, self.lepton)
        counts = np.asarray(ak.num(pt))

        def value(parameter: str, systematic: str) -> Floats:
            return correction.evaluate(inputs.with_texts({PARAMETER: parameter}), systematic, int(counts.sum()))

        own = variation if variation in self.variations else NOMINAL
        kind, _, systematic = systematic_key(own, self.name).partition("_")
        if not self.isMC:
            factor = value(SCALE, NOMINAL)
        else:
            factor = np.ones(int(counts.sum()))
            if self.has_smearing:
                width = value(SMEARING, systematic if kind == "smear" else NOMINAL)
                factor = 1 + width * self.computed(events, variation)
            if kind == "scale":
                factor = factor * value(SCALE, systematic) / value(SCALE, NOMINAL)
        return {f"{self.lepton}.pt": as_stored(flat(pt) * factor, counts)}
