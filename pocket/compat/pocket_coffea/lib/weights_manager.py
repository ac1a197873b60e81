"""Names of ``pocket_coffea.lib.weights_manager``."""

from pocket.compat.weights import WeightCustom
