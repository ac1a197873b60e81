"""One-sided variations, and the modes of their other side.

A calibrator or weight that can only be shifted in one direction sets ``symmetrise`` to define its templates on the
other side: ``"mirror"`` for the same change with the opposite sign, or ``"none"`` for no change. Branches store the
computed side; :mod:`pocket.histograms.both_sides` adds the other one when outputs are merged.
"""

from __future__ import annotations

from collections.abc import Mapping

from pocket.errors import ConfigError, check_known

NOMINAL = "nominal"
MIRROR, NONE = "mirror", "none"
_OTHER = {"Up": "Down", "Down": "Up"}

#: One mode for all one-sided variations, or variation without ``Up`` and ``Down`` → mode.
Symmetrise = str | Mapping[str, str]


def stem_of(variation: str) -> str:
    """Return the name of a variation without ``Up`` or ``Down``."""
    return next((variation.removesuffix(side) for side in _OTHER if variation.endswith(side)), variation)


def other_side(variation: str) -> str:
    """Return the name of the other side of a variation: ``pt_scaleDown`` for ``pt_scaleUp``."""
    for side, other in _OTHER.items():
        if variation.endswith(side):
            return f"{variation.removesuffix(side)}{other}"
    raise ConfigError(f"variation {variation!r} ends in neither 'Up' nor 'Down'")


def check_symmetrise(symmetrise: Symmetrise, where: str) -> None:
    """Check the modes of a calibrator or weight."""
    modes = [symmetrise] if isinstance(symmetrise, str) else symmetrise.values()
    check_known("mode", [mode for mode in modes if mode], (MIRROR, NONE), f"symmetrise of {where}")


def mode_of(symmetrise: Symmetrise, stem: str) -> str:
    """Return the mode of a variation, named without ``Up`` and ``Down``; empty if it has none."""
    return symmetrise if isinstance(symmetrise, str) else symmetrise.get(stem, "")
