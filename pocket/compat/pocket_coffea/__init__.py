"""Names of ``pocket_coffea``."""

from pocket.compat.utilities import __version__
