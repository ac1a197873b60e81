"""Closure: whether a scale factor does what it is for. Where to look is declared; :mod:`.validate` looks."""
