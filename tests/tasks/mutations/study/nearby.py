"""A module that hands on what another one says."""

from __future__ import annotations

from .far.away import far_threshold


def threshold_from_afar() -> int:
    """Return the threshold."""
    return far_threshold()


def used_by_nothing() -> int:
    """Return a number that no cut asks for."""
    return 1
