"""Names of ``pocket_coffea.parameters``."""
