"""Names of ``pocket_coffea``."""

from pocket.compat.awkward_names import add_names
from pocket.compat.utilities import __version__

add_names()
