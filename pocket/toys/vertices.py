"""Secondary vertices inside jets, the same in data and simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.toys.config import SecondaryVertices
from pocket.toys.precision import round_direction
from pocket.toys.tables import Columns, Table

#: largest |eta| of jets with vertices, which need tracks
_JET_ETA_MAX = 2.4
#: spread of a vertex around its jet, in eta and in phi
_DIRECTION_SPREAD = 0.04
#: parameters of the Beta distribution of a vertex's pt over its jet's
_PT_SHARE = (4.0, 6.0)
#: mean decay length in cm of a particle at rest
_DECAY_LENGTH = 0.045
#: mean number of tracks of a vertex for each GeV of its mass, in addition to two
_TRACKS_PER_MASS = 0.7


def reconstruct_vertices(
    rng: np.random.Generator, jets: Table, primary: Mapping[str, npt.NDArray[Any]], truth: SecondaryVertices
) -> Table:
    """Return at most one secondary vertex per jet, in the order of jets; the primary ones are in cm.

    The existence of a vertex and its mass depend only on the flavour of the jet. For jets of one flavour, the mass is
    therefore independent of the tagger's score.
    """
    of_flavour = np.select([jets["hadronFlavour"] == 5, jets["hadronFlavour"] == 4], [0, 1], 2)
    flavours = (truth.b, truth.c, truth.light)
    efficiency, mean, shape = (
        np.array([getattr(flavour, key) for flavour in flavours])[of_flavour]
        for key in ("efficiency", "mass", "mass_shape")
    )
    found = np.flatnonzero((rng.random(len(jets)) < efficiency) & (np.abs(jets["eta"]) < _JET_ETA_MAX))
    event, n = jets.event[found], len(found)
    mass = rng.gamma(shape[found], mean[found] / shape[found])
    pt = jets["pt"][found] * rng.beta(*_PT_SHARE, n)
    eta = jets["eta"][found] + rng.normal(0, _DIRECTION_SPREAD, n)
    phi = jets["phi"][found] + rng.normal(0, _DIRECTION_SPREAD, n)
    transverse = pt / mass * rng.exponential(_DECAY_LENGTH, n)
    flight = {"x": transverse * np.cos(phi), "y": transverse * np.sin(phi), "z": transverse * np.sinh(eta)}
    columns: Columns = {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "mass": mass,
        "ntracks": np.minimum(2 + rng.poisson(_TRACKS_PER_MASS * mass), 255).astype(np.uint8),
        **{axis: primary[f"PV_{axis}"][event] + length for axis, length in flight.items()},
    }
    return round_direction(Table(event, columns))
