"""Closure: whether a scale factor does what it is for. Where to look is declared; :mod:`.validation` looks."""

from pocket.scale_factors.closure.declaration import Closure, Kept

__all__ = ("Closure", "Kept")
