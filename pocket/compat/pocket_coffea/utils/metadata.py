"""Names of ``pocket_coffea.utils.metadata``."""

from pocket.compat.utilities import to_bool
