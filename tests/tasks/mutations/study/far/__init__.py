"""A package in the package."""

from .neighbour import used_by_no_cut

__all__ = ["used_by_no_cut"]
