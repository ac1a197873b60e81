"""Names of ``pocket_coffea.utils``."""
