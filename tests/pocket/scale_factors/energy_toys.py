"""Pairs of leptons with known energy scales and resolutions, event by event."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors import EnergyScale

#: scales of data and additional smearings of their energies, by category
SCALES, SMEARINGS = np.array([1.003, 0.997]), np.array([0.012, 0.02])
RESOLUTION = 0.012
MASS, WIDTH = 91.19, 2.495
DECLARED: dict[str, Any] = {
    "input": "energy",
    "variable": "mass_by_eta",
    "category": "baseline",
    "axes": ("abseta",),
    "partner_axes": ("other_abseta",),
    "data": ("data",),
    "mc": ("dy",),
    "mass_range": (80, 100),
}


def declared(**arguments: Any) -> EnergyScale:
    """Return a declaration with some arguments."""
    return EnergyScale(**{**DECLARED, **arguments})


def pairs(rng: np.random.Generator, size: int, scales: Floats, smearings: Floats) -> tuple[Floats, Floats, Floats]:
    """Return masses and the categories of both leptons, whose energies are smeared and divided by scales.

    Args:
        rng: random numbers.
        size: number of pairs.
        scales, smearings: by category.
    """
    mass = MASS + WIDTH / 2 * np.tan(np.pi * (rng.uniform(0.05, 0.95, size) - 0.5))
    categories = (rng.random((2, size)) < 0.4).astype(int)
    energies = 1 + np.hypot(RESOLUTION, smearings)[categories] * rng.normal(size=(2, size))
    return mass * np.sqrt(np.prod(energies / scales[categories], axis=0)), *(categories * 1.5 + 0.5)


def template(is_mc: bool) -> hist.Hist[Any]:
    """Return an empty histogram."""
    axes = [hist.axis.StrCategory(["baseline"], name="cat")]
    axes += [hist.axis.StrCategory(["nominal"], name="variation")] if is_mc else []
    eta = [hist.axis.Variable([0, 1.5, 2.5], name=name) for name in ("abseta", "other_abseta")]
    mass = hist.axis.Regular(100, 70, 110, name="mass")
    return hist.Hist(*axes, mass, *eta, storage=hist.storage.Weight())


def histograms(
    seed: int, data: int = 20_000, simulated: int = 60_000, scales: Floats = SCALES, smearings: Floats = SMEARINGS
) -> dict[str, hist.Hist[Any]]:
    """Return the histograms of data and simulation, a twentieth of which has a negative weight."""
    rng = np.random.default_rng(seed)
    made = {"data": template(is_mc=False), "dy": template(is_mc=True)}
    found = pairs(rng, rng.poisson(data), scales, smearings)
    made["data"].fill("baseline", *found)
    weights = np.where(rng.random(simulated) < 0.05, -1.0, 1.0) * data / (0.9 * simulated)
    made["dy"].fill("baseline", "nominal", *pairs(rng, simulated, np.ones(2), np.zeros(2)), weight=weights)
    return made
