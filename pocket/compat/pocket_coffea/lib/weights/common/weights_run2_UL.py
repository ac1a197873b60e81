"""Names of ``pocket_coffea.lib.weights.common.weights_run2_UL``."""
