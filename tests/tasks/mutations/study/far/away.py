"""A module two imports away from the cuts."""


def far_threshold() -> int:
    """Return the threshold."""
    return 3
