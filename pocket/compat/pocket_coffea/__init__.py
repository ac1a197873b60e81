"""Names of ``pocket_coffea``."""

#: The release whose names are here; those of its development version that came after it are, too.
__version__ = "0.9.13"
