"""A module that is loaded with the package, but not used."""


def used_by_no_cut() -> int:
    """Return a number."""
    return 1
