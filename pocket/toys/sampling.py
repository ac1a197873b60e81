"""Random numbers with distributions of collider physics."""

from __future__ import annotations

from typing import Any

import numpy as np
import vector

from pocket.base.typing import Floats
from pocket.toys.config import Resonance

_PT_MAX = 1000.0
#: extent and softness of the plateau of a boson's rapidity
_BOSON_RAPIDITY = (2.7, 0.7)
#: pt (GeV) above which a linear slope in pt stays constant
_SLOPE_PT_MAX = 200.0


def breit_wigner(rng: np.random.Generator, n: int, resonance: Resonance) -> Floats:
    """Return n masses in GeV from a Breit-Wigner distribution truncated to the resonance's mass range."""
    low, high = np.arctan((np.array(resonance.mass_range) - resonance.mass) / (resonance.width / 2))
    return np.asarray(resonance.mass + resonance.width / 2 * np.tan(rng.uniform(low, high, n)))


def continuum_mass(rng: np.random.Generator, n: int, mass_range: tuple[float, float]) -> Floats:
    """Return n masses in GeV from dN/dm ~ m^-3."""
    low, high = mass_range
    return np.asarray(low / np.sqrt(1 - rng.random(n) * (1 - (low / high) ** 2)))


def transverse_momentum(rng: np.random.Generator, n: int, scale: float, exponent: float, slope: float = 0.0) -> Floats:
    """Return n transverse momenta in GeV from dN/dpt ~ pt (1 + pt²/scale²)^-exponent (1 + slope pt / (100 GeV)).

    They are below 1 TeV, the exponent is above 1, and the slope ends at 200 GeV.
    """
    quantile = np.linspace(0, 1 - (1 + (_PT_MAX / scale) ** 2) ** (1 - exponent), 4096)
    grid = scale * np.sqrt((1 - quantile) ** (1 / (1 - exponent)) - 1)
    middle = (grid[1:] + grid[:-1]) / 2
    weight = np.maximum(1 + slope * np.minimum(middle, _SLOPE_PT_MAX) / 100, 0)
    cumulative = np.concatenate([[0], np.cumsum(weight)])
    return np.interp(rng.random(n), cumulative / cumulative[-1], grid)


def azimuth(rng: np.random.Generator, n: int) -> Floats:
    """Return n angles from -π to π."""
    return rng.uniform(-np.pi, np.pi, n)


def rapidity(rng: np.random.Generator, n: int) -> Floats:
    """Return n rapidities of a boson, from a plateau with soft edges."""
    extent, softness = _BOSON_RAPIDITY
    return rng.uniform(-extent, extent, n) + rng.normal(0, softness, n)


def one_plus_cos_squared(rng: np.random.Generator, n: int) -> Floats:
    """Return n cosines from 1 + cos², the distribution of leptons from a vector boson made by quark and antiquark."""
    q = rng.uniform(-2, 2, n)
    root = np.sqrt(1 + q**2)
    return np.cbrt(q + root) + np.cbrt(q - root)


def momenta(pt: Floats, phi: Floats, y: Floats, mass: Floats) -> Any:
    """Return four-momenta with rapidities ``y``, as vector arrays in Cartesian coordinates."""
    transverse_mass = np.hypot(pt, mass)
    return vector.MomentumNumpy4D(
        {
            "px": pt * np.cos(phi),
            "py": pt * np.sin(phi),
            "pz": transverse_mass * np.sinh(y),
            "E": transverse_mass * np.cosh(y),
        }
    )


def two_body_decay(
    rng: np.random.Generator, parent: Any, masses: tuple[float | Floats, float | Floats], cos_theta: Floats
) -> tuple[Any, Any]:
    """Return the daughters of two-body decays, uniform in azimuth.

    ``cos_theta`` is the cosine of the first daughter's angle to the beam, in the parent's rest frame.
    """
    energy = parent.mass
    first, second = masses
    kallen = (energy**2 - (first + second) ** 2) * (energy**2 - (first - second) ** 2)
    momentum = np.sqrt(kallen) / (2 * energy)
    phi = azimuth(rng, len(energy))
    transverse = momentum * np.sqrt(1 - cos_theta**2)
    at_rest = vector.MomentumNumpy4D(
        {
            "px": transverse * np.cos(phi),
            "py": transverse * np.sin(phi),
            "pz": momentum * cos_theta,
            "E": np.hypot(momentum, first),
        }
    )
    daughter = at_rest.boost_p4(parent)
    return daughter, parent - daughter
