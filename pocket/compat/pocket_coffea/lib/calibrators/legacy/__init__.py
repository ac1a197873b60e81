"""Names of ``pocket_coffea.lib.calibrators.legacy``."""
