"""Names of ``pocket_coffea``."""
