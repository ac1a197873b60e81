"""Names of ``pocket_coffea.lib.weights.common``."""

from pocket.compat.common_weights import common_weights
