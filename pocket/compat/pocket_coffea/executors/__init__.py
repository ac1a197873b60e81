"""Names of ``pocket_coffea.executors``."""
