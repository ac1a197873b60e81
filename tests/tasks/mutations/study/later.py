"""A module that is imported inside of a function."""

LEAST = 3
