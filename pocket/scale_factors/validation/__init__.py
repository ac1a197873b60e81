"""Closure checks of scale factors. Declarations name the places, :mod:`.validate` makes the checks."""
