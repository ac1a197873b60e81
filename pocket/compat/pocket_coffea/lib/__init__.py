"""Names of ``pocket_coffea.lib``."""
