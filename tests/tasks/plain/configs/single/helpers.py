"""A module that the workflow imports in a function."""


def count(ak, muons):
    """Return the numbers of muons."""
    return ak.num(muons)
