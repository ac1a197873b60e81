"""Names of ``pocket_coffea.scripts``."""
