"""Scale and resolution of the momenta of muons in Run 3, with the formulas of the muon group.

Files are ``muon_scalesmearing.json.gz`` of https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration (POG/MUO), formulas
those of ``MuonScaRe.py`` of https://gitlab.cern.ch/cms-muonPOG/muonscarekit. They hold for medium momenta: muons below
26 GeV and above 200 GeV aren't corrected.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.calibrators.crystal_ball import CrystalBall
from pocket.calibrators.smearing import hash_generator
from pocket.corrections.files import find_corrections, load_correction, names_of
from pocket.errors import ConfigError

#: Range of pt in GeV in which muons are corrected.
PT_RANGE = 26.0, 200.0
#: Correction with the random numbers, in files since 2026.
RANDOM = "RandomSmearing"
#: Corrections that are used for data and for simulation.
OF_DATA = ("a_data", "m_data")
OF_SIMULATION = ("a_mc", "m_mc", "cb_params", "poly_params", "k_data", "k_mc")
#: Uncertainties in the files.
UNCERTAINTIES = ("stat", "syst")


class MuonScaleResolution:
    """Corrections of one year, by name; all arrays have shape (n muons,), pt is in GeV."""

    def __init__(self, correction: Callable[[str], Any]) -> None:
        self._correction = correction

    @classmethod
    def from_file(cls, path: str) -> MuonScaleResolution:
        """Return the corrections in a file."""
        return cls(functools.partial(load_correction, path))

    def scaled(
        self, is_data: bool, pt: Floats, eta: Floats, phi: Floats, charge: Floats, lowest: float = PT_RANGE[0]
    ) -> Floats:
        """Return pt with the scale corrected, 1 / (m / pt + charge a), for data or simulation, from a lowest pt."""
        of = "data" if is_data else "mc"
        a, m = (self._value(f"{name}_{of}", eta, phi, "nom") for name in ("a", "m"))
        return within_range(1 / (m / pt + charge * a), pt, lowest)

    def random_numbers(self, eta: Floats, layers: Floats, uniform: Floats) -> Floats:
        """Return random numbers with the shape of the resolution."""
        mean, width, power, tail = (self._value("cb_params", np.abs(eta), layers, number) for number in range(4))
        return CrystalBall(mean, width, tail, power).inverse(uniform)

    def resolution(self, pt: Floats, eta: Floats, layers: Floats) -> Floats:
        """Return the relative resolution."""
        constant, linear, square = (self._value("poly_params", np.abs(eta), layers, number) for number in range(3))
        return np.maximum(constant + linear * pt + square * pt * pt, 0)

    def extra_factor(self, eta: Floats) -> Floats:
        """Return the factor on the resolution by which simulation is smeared, 0 where it needn't be."""
        in_data, in_mc = (self._value(f"k_{of}", np.abs(eta), "nom") for of in ("data", "mc"))
        return np.sqrt(np.maximum(in_data**2 - in_mc**2, 0))

    def smeared(self, pt: Floats, eta: Floats, layers: Floats, uniform: Floats, lowest: float = PT_RANGE[0]) -> Floats:
        """Return pt of simulation with the resolution of data."""
        change = self.extra_factor(eta) * self.resolution(pt, eta, layers) * self.random_numbers(eta, layers, uniform)
        return not_extreme(within_range(pt * (1 + change), pt, lowest), pt)

    def smearing_shifted(
        self, unsmeared: Floats, smeared: Floats, eta: Floats, up: bool, uncertainty: str = "stat"
    ) -> Floats:
        """Return smeared pt, up or down by the uncertainty of the resolution, ``"stat"`` or ``"syst"``."""
        factor, error = (self._value("k_mc", np.abs(eta), key) for key in ("nom", uncertainty))
        with np.errstate(divide="ignore", invalid="ignore"):
            change = (smeared / unsmeared - 1) / factor
            shifted = unsmeared * (1 + (factor + error if up else factor - error) * change)
        return not_extreme(np.where(factor > 0, shifted, smeared), unsmeared)

    def scale_shifted(
        self, pt: Floats, eta: Floats, phi: Floats, charge: Floats, up: bool, uncertainty: str = "stat"
    ) -> Floats:
        """Return pt, up or down by the uncertainty of the scale, ``"stat"`` or ``"syst"``."""
        a, m = (self._value(f"{name}_mc", eta, phi, uncertainty) for name in ("a", "m"))
        rho = self._value("m_mc", eta, phi, f"rho_{uncertainty}")
        error = pt * pt * np.sqrt(m * m / (pt * pt) + a * a + 2 * charge * rho * m / pt * a)
        return np.asarray(pt + error if up else pt - error)

    def check_uncertainty(self, uncertainty: str) -> None:
        """Check that the file has numbers for an uncertainty in all bins."""
        eta, phi = (each.ravel() for each in np.meshgrid(np.arange(-2.35, 2.4, 0.1), np.arange(-3.1, 3.15, 0.2)))
        values = [
            *(self._value(f"{name}_mc", eta, phi, uncertainty) for name in ("a", "m")),
            self._value("m_mc", eta, phi, f"rho_{uncertainty}"),
            self._value("k_mc", np.abs(eta), uncertainty),
        ]
        if np.isnan(values).any():
            raise ConfigError(f"the file has no numbers for the uncertainty {uncertainty!r}, only NaN")

    def _value(self, name: str, *inputs: Any) -> Floats:
        try:
            return np.asarray(self._correction(name).evaluate(*inputs), dtype=np.float64)
        # correctionlib raises this for keys that the correction doesn't have.
        except IndexError as error:
            raise ConfigError(f"correction {name!r} of the scale of muons: {' '.join(str(error).split())}") from None


def within_range(corrected: Floats, pt: Floats, lowest: float = PT_RANGE[0]) -> Floats:
    """Return corrected pt, and the given pt out of range and where there is no correction (NaN)."""
    outside = (pt < lowest) | (pt > PT_RANGE[1]) | np.isnan(corrected)
    return np.where(outside, pt, corrected)


def not_extreme(corrected: Floats, pt: Floats) -> Floats:
    """Return corrected pt, and the given pt where it would change by more than a factor of 2, or 10 downwards."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = corrected / pt
    return np.where((ratio > 2) | (ratio < 0.1) | (corrected < 0), pt, corrected)


def random_uniform(path: str, event: npt.NDArray[Any], section: npt.NDArray[Any], phi: Floats) -> Floats:
    """Return the random numbers from 0 to 1 that the muon group prescribes, shape (n muons,).

    They are those of the correction ``RandomSmearing`` of the file, a hash of the event, the luminosity section and
    φ. Older files don't have it; then they are those of the same correction, so they are the same in all versions.
    """
    has_own = RANDOM in names_of(find_corrections(path))
    correction = load_correction(path, RANDOM) if has_own else generator()
    return np.asarray(correction.evaluate(event.astype(np.int64), section.astype(np.int64), phi), dtype=np.float64)


@functools.cache
def generator() -> Any:
    """Return the correction ``RandomSmearing`` as files since 2026 have it."""
    return hash_generator({"evtNr": "int", "lumiNr": "int", "phi": "real"}, "stdflat")
