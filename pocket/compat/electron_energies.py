"""PocketCoffea's recipe of the energies of electrons.

The corrections are the same as ours. What differs: the variations of the scale start from the momentum that isn't
smeared. The random numbers of the calibrator are ours, which don't depend on the division into chunks; those of the
functions are PocketCoffea's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch
from pocket.base.typing import Floats
from pocket.calibrators import egamma
from pocket.calibrators.egamma_corrections import energy_correction
from pocket.calibrators.smearing import flat

#: Side → array of the momenta, shape (n events, n electrons).
Sides = dict[str, ak.Array]


class ElectronsScaleCalibrator(egamma.ElectronsScaleCalibrator):
    """Calibrator of electrons with PocketCoffea's variations of the scale."""

    name = "electron_scale_and_smearing"

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)

    def is_applied(self, place: tuple[str, ...]) -> bool:
        """Tell whether electrons of the year are calibrated; they aren't where the parameters don't say so."""
        section = self.params
        for key in (*place, "apply"):
            section = section.get(key, {})
        return bool(section.get(self.year, False))

    def energies_class(self) -> type[egamma.EgammaEnergies]:
        return ElectronEnergies


class ElectronEnergies(egamma.EgammaEnergies):
    """Energies of electrons in one chunk, see :class:`pocket.calibrators.egamma.EgammaEnergies`."""

    def with_shifted_scale(self, shift: Floats) -> tuple[Floats, Floats]:
        """Return the momentum and the uncertainty of the energy of the file multiplied by a shift."""
        return self.pt * shift, self.stored("energyErr") * shift


def get_ele_scaled(ele: ak.Array, json_scale: str, correction_name: str, isMC: bool, runNr: Any) -> Sides:
    """Return the scaled momentum of data (``nominal``), or simulation with the scale ``up`` and ``down``."""
    columns = _columns(ele, runNr)
    if not isMC:
        factor = energy_correction(json_scale, correction_name, "total_correction", columns)
        return {"nominal": _lists(columns["pt"] * factor, ele)}
    shift = energy_correction(json_scale, correction_name, "total_uncertainty", columns)
    return {side: _lists(columns["pt"] * (1 + sign * shift), ele) for side, sign in (("up", 1), ("down", -1))}


def get_ele_scaled_etdependent(
    ele: ak.Array,
    json_scale: str,
    correction_name: str,
    syst_correction_name: str,
    isMC: bool,
    runNr: Any,
    year: str,
) -> dict[str, Sides]:
    """Return ``pt`` and ``energyErr`` as :func:`get_ele_scaled`, from corrections that depend on the energy."""
    columns, error = _columns(ele, runNr), flat(branch(ele, "energyErr", "Electron"))
    if not isMC:
        scale = energy_correction(json_scale, correction_name, "scale", columns)
        scaled = {**columns, "pt": columns["pt"] * scale}
        width = energy_correction(json_scale, syst_correction_name, "smear", scaled)
        widened = np.hypot(error, _energy(ele) * width) * scale
        return {"pt": {"nominal": _lists(scaled["pt"], ele)}, "energyErr": {"nominal": _lists(widened, ele)}}
    shift = energy_correction(json_scale, syst_correction_name, "escale", columns)
    return {
        name: {side: _lists(values * (1 + sign * shift), ele) for side, sign in (("up", 1), ("down", -1))}
        for name, values in (("pt", columns["pt"]), ("energyErr", error))
    }


def get_ele_smeared(
    mc_ele: ak.Array,
    jsonFileName: str,
    correction_name: str,
    isMC: bool,
    only_nominal: bool = True,
    seed: int = 125,
) -> Sides | None:
    """Return the smeared momentum of simulation, ``nominal`` or with ``up`` and ``down``; ``None`` for data.

    Each side has random numbers of its own, as in PocketCoffea.
    """
    if not isMC:
        return None
    columns, generator = _columns(mc_ele), np.random.default_rng(seed=seed)
    width = energy_correction(jsonFileName, correction_name, "rho", columns)
    widths = {"nominal": width}
    if not only_nominal:
        uncertainty = energy_correction(jsonFileName, correction_name, "err_rho", columns)
        widths |= {"up": width + uncertainty, "down": width - uncertainty}
    return {
        side: _lists(columns["pt"] * generator.normal(loc=1.0, scale=each), mc_ele) for side, each in widths.items()
    }


def get_ele_smeared_etdependent(
    mc_ele: ak.Array,
    jsonFileName: str,
    correction_name: str,
    isMC: bool,
    only_nominal: bool = True,
    seed: int = 125,
) -> dict[str, Sides] | None:
    """Return momentum (``pt``) and ``energyErr`` as :func:`get_ele_smeared`, with a width that depends on the energy.

    All sides have the same random numbers.
    """
    if not isMC:
        return None
    columns, generator = _columns(mc_ele), np.random.default_rng(seed=seed)
    error, energy = flat(branch(mc_ele, "energyErr", "Electron")), _energy(mc_ele)
    normal = generator.normal(loc=0.0, scale=1.0, size=len(columns["pt"]))
    keys = {"nominal": "smear"} if only_nominal else {"nominal": "smear", "up": "smear_up", "down": "smear_down"}
    result: dict[str, Sides] = {"pt": {}, "energyErr": {}}
    for side, key in keys.items():
        width = energy_correction(jsonFileName, correction_name, key, columns)
        factor = 1 + width * normal
        result["pt"][side] = _lists(columns["pt"] * factor, mc_ele)
        result["energyErr"][side] = _lists(np.hypot(error, energy * width) * factor, mc_ele)
    return result


def _columns(electrons: ak.Array, runs: Any = None) -> dict[str, Any]:
    eta = flat(branch(electrons, "etaSC", "Electron"))
    columns: dict[str, Any] = {"sceta": eta, "abssceta": np.abs(eta)}
    columns |= {name: flat(branch(electrons, name, "Electron")) for name in ("r9", "pt")}
    if runs is not None:
        columns["run"] = np.repeat(np.asarray(runs, dtype=np.float64), ak.num(electrons["pt"]))
        columns["seedgain"] = np.asarray(ak.flatten(branch(electrons, "seedGain", "Electron")))
    return columns


def _energy(electrons: ak.Array) -> Floats:
    momentum = flat(electrons["pt"]) * np.cosh(flat(branch(electrons, "eta", "Electron")))
    return np.hypot(momentum, flat(branch(electrons, "mass", "Electron")))


def _lists(values: Floats, electrons: ak.Array) -> ak.Array:
    return ak.unflatten(values, ak.num(electrons["pt"]))
