"""Neutrino and hadronic W boson of a top quark, as in PocketCoffea's ``lib.reconstruction``."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats

#: Mass of the W boson in GeV, as PocketCoffea has it.
W_MASS = 80.4
#: Momentum along the beam in GeV above which the more central solution is taken.
_MAX_PZ = 300.0


def METzCalculator(lepton: Any, MET: Any) -> Floats:
    """Return the momentum of the neutrino along the beam in GeV, shape (n events,), for one lepton per event.

    Lepton and neutrino have the mass of the W boson. Of two solutions, the one near that of the lepton is taken, unless
    it is above 300 GeV and the other one is more central; without any, the real part.
    """
    energy, pz = np.asarray(lepton.energy, dtype=np.float64), np.asarray(lepton.pz, dtype=np.float64)
    px, py = np.asarray(MET.px, dtype=np.float64), np.asarray(MET.py, dtype=np.float64)
    half = W_MASS**2 - np.asarray(lepton.mass) ** 2 + 2 * (np.asarray(lepton.px) * px + np.asarray(lepton.py) * py)
    a, b = 4 * (energy**2 - pz**2), -4 * half * pz
    root = b**2 - 4 * a * (4 * energy**2 * (px**2 + py**2) - half**2)
    width = np.sqrt(np.maximum(root, 0))
    first, second = (-b + width) / (2 * a), (-b - width) / (2 * a)
    near = np.where(np.abs(second - pz) < np.abs(first - pz), second, first)
    central = np.where(np.abs(first) < np.abs(second), first, second)
    solution = np.where((near == first) & (near > _MAX_PZ), central, near)
    return np.asarray(np.where(root < 0, -b / (2 * a), solution), dtype=np.float32)


def hadronic_W(jets: Any) -> tuple[Any, Any]:
    """Return the pair of jets with a mass nearest to that of the W boson, and whether there is one (1 or 0)."""
    first, second = ak.unzip(ak.combinations(jets, 2))
    pairs = first + second
    difference = abs(pairs.mass - W_MASS)
    nearest = ak.argmin(difference, axis=1, keepdims=True)
    chosen = ak.drop_none(pairs[nearest])
    return chosen, np.asarray(ak.num(chosen))
