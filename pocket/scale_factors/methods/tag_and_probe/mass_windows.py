"""Ranges on the mass axis of tag-and-probe templates."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats, Indices
from pocket.errors import ConfigError, ScaleFactorError
from pocket.scale_factors.measurement.templates import Templates
from pocket.scale_factors.methods.tag_and_probe.declaration import TagAndProbe, TagAndProbeFit


def mass_edges(declaration: TagAndProbe, templates: Templates) -> Floats:
    """Return the edges of the mass bins [unit of the axis]."""
    data, mc = (
        templates.histogram(samples, None, (declaration.mass_axis,)).axes[declaration.mass_axis].edges
        for samples in (declaration.data, declaration.mc)
    )
    if not np.array_equal(data, mc):
        raise ScaleFactorError(
            f"variable {declaration.variable!r}: data and simulation have different bins on axis "
            f"{declaration.mass_axis!r}"
        )
    return np.asarray(data, dtype=float)


def coarser(declaration: TagAndProbeFit, masses: Floats) -> tuple[Floats, Indices]:
    """Return the edges of ``mass_bins`` with those of the axis beyond them, and where they are among all edges."""
    kept = declaration.kept_edges(masses)
    return masses[kept], np.flatnonzero(kept)[:-1]


def mass_window(declaration: TagAndProbe, masses: Floats, key: str, bounds: tuple[float, float]) -> slice:
    """Return the mass bins of a range."""
    first, last = (int(np.argmin(np.abs(masses - bound))) for bound in bounds)
    if not np.allclose(masses[[first, last]], bounds):
        raise ConfigError(
            f"variable {declaration.variable!r}, axis {declaration.mass_axis!r}: {key} {bounds} isn't on bin edges, "
            f"nearest: ({masses[first]:g}, {masses[last]:g})"
        )
    return slice(first, last)
