"""A module that is imported while a cut runs."""

LEAST = 3
