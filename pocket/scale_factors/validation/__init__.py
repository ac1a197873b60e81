"""Closure: whether a scale factor does what it is for. Where to look is declared; :mod:`.validate` looks."""

from pocket.scale_factors.validation.closure import Closure, Kept

__all__ = ("Closure", "Kept")
