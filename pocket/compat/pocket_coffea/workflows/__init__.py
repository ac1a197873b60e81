"""Names of ``pocket_coffea.workflows``."""
