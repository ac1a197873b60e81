"""Names of ``pocket_coffea.lib.weights.common.common``."""

from pocket.weights.event import common_weights
