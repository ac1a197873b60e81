"""Energy scale and resolution of electrons and photons, from the correctionlib files of the electron and photon group.

The files have three forms, which are told apart by the parameters and by their inputs:

- Run 2 (``EGM_ScaleUnc.json.gz``): the uncertainty of the scale, ``scaleunc`` of the one correction. NanoAOD is
  calibrated already.
- Run 3 (``electronSS.json.gz``, ``photonSS.json.gz``; corrections ``Scale`` and ``Smearing``, or ``…_ScaleJSON`` and
  ``…_SmearingJSON``): ``total_correction`` and ``total_uncertainty``, ``rho`` and ``err_rho``.
- Run 3 by transverse energy (``…SS_EtDependent.json.gz``; the compound correction ``Scale`` or
  ``EGMScale_Compound_Ele_…``, and ``SmearAndSyst`` or ``EGMSmearAndSyst_ElePTsplit_…``): ``scale``, ``escale``,
  ``smear`` and ``esmear``.

Source: https://twiki.cern.ch/twiki/bin/view/CMS/EgammSFandSSRun3, https://egammapog.docs.cern.ch/Run3/SaS and the
group's example https://gitlab.cern.ch/cms-analysis-metadata/EGM/examples.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.corrections.evaluation import plain_name
from pocket.corrections.files import load_correction
from pocket.corrections.names import check_corrections
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.access import parameter

#: Name of an input, in small letters, to the values of all objects.
Columns = Mapping[str, npt.NDArray[Any]]

#: Names of the input that says which quantity a correction returns.
_KIND = ("valtype", "syst", "systematic", "scaleunc")
#: Names of the transverse energy, of which the resolution depends in one form.
_ENERGY = ("pt", "et")
#: Quantity → its key, in files without and with a resolution that depends on the energy.
_KEYS = {"scale": "total_correction", "scale_error": "total_uncertainty", "width": "rho", "width_error": "err_rho"}
_BY_ENERGY = {"scale": "scale", "scale_error": "escale", "width": "smear", "width_error": "esmear"}
#: Key of the uncertainty of the scale in files of Run 2.
_RUN_2 = "scaleunc"


@dataclass(frozen=True)
class EgammaCorrections:
    """Corrections of electrons or photons in one period; without ``width_names`` in files of Run 2.

    Inputs of the methods are columns of objects by name, in small letters: run, seedgain, sceta, abssceta, r9 and pt,
    all of shape (n objects,).
    """

    file: str
    scale_names: tuple[str, ...]
    width_names: tuple[str, ...]
    year: str

    @classmethod
    def from_params(cls, params: Any, place: Sequence[str], year: str, period: str) -> EgammaCorrections:
        """Return the corrections of a year."""
        names = parameter(params, *place, year, "correction_name")
        return cls(
            file=str(parameter(params, *place, year, "file")),
            scale_names=_names(parameter(params, *place, year, "correction_name", "scale")),
            width_names=_names(names["smear"]) if "smear" in names else (),
            year=period,
        )

    def names(self) -> list[tuple[str, str]]:
        """Return (file, name) of the corrections."""
        return [(self.file, self._found(names)) for names in (self.scale_names, self.width_names) if names]

    @property
    def has_nominal(self) -> bool:
        """Whether there are corrections of scale and resolution, and not only uncertainties."""
        return bool(self.width_names)

    def scale(self, inputs: Columns) -> Floats:
        """Return the factor on the momentum in data."""
        return self._evaluate(self._found(self.scale_names), self._key("scale"), inputs)

    def scale_uncertainty(self, inputs: Columns) -> Floats:
        """Return the relative uncertainty of the scale, for simulation."""
        if not self.has_nominal:
            return self._evaluate(self._found(self.scale_names), _RUN_2, inputs)
        # Where the resolution depends on the energy, it has the uncertainty of the scale, too.
        names = self.width_names if self._depends_on_energy() else self.scale_names
        return self._evaluate(self._found(names), self._key("scale_error"), inputs)

    def width(self, inputs: Columns) -> Floats:
        """Return the relative width of the smearing of simulation."""
        return self._evaluate(self._found(self.width_names), self._key("width"), inputs)

    def width_uncertainty(self, inputs: Columns) -> Floats:
        """Return the uncertainty of :meth:`width`, which is added to it or subtracted from it."""
        return self._evaluate(self._found(self.width_names), self._key("width_error"), inputs)

    def _key(self, quantity: str) -> str:
        return (_BY_ENERGY if self._depends_on_energy() else _KEYS)[quantity]

    def _depends_on_energy(self) -> bool:
        inputs = load_correction(self.file, self._found(self.width_names)).inputs
        return any(plain_name(variable.name) in _ENERGY for variable in inputs)

    def _evaluate(self, name: str, key: str, inputs: Columns) -> Floats:
        return energy_correction(self.file, name, key, inputs, self.year)

    def _found(self, names: tuple[str, ...]) -> str:
        """Return the first name that the file has; of a file that isn't there, or has none of them, the first."""
        for name in names if len(names) > 1 else ():
            # The names of a file are cached beside the store, so that a configuration loads fast.
            with contextlib.suppress(UnknownNameError):
                check_corrections([(self.file, name)])
                return name
        return names[0]


def energy_correction(file: str, name: str, key: str, inputs: Columns, year: str = "") -> Floats:
    """Return the values of a correction of the energy of electrons or photons."""
    # The bins are nested and up to 15,000, so correctionlib finds those of the few objects fastest.
    correction = load_correction(file, name)
    place = f"correction {name!r} of {Path(file).name}"
    aliases = {"gain": "seedgain", "eta": "sceta", "et": "pt"}
    given = {**inputs, **{alias: inputs[other] for alias, other in aliases.items() if other in inputs}}
    texts = {"year": year, **dict.fromkeys(_KIND, key)}
    arguments: list[Any] = []
    for variable in correction.inputs:
        plain = plain_name(variable.name)
        if plain not in (texts if variable.type == "string" else given):
            raise ConfigError(
                f"{place} isn't one of the energy of electrons and photons: it needs the input {variable.name!r}"
            )
        if variable.type == "string":
            arguments.append(texts[plain])
            continue
        # correctionlib assigns NaN to some bin instead of refusing it.
        if np.isnan(given[plain]).any():
            raise ConfigError(f"{place}: input {variable.name!r} has NaN")
        arguments.append(given[plain].astype(np.int64 if variable.type == "int" else np.float64))
    try:
        values = np.asarray(correction.evaluate(*arguments), dtype=np.float64)
    except (IndexError, RuntimeError, ValueError) as error:
        runs = f" of runs {inputs['run'].min():.0f} to {inputs['run'].max():.0f}" if "run" in inputs else ""
        raise ConfigError(
            f"{place} has no {key!r} for all objects{runs}, so it may be of another year: "
            f"{' '.join(str(error).split())}"
        ) from None
    return np.broadcast_to(values, inputs["pt"].shape)


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))
