"""Names of ``pocket_coffea.lib.columns_manager``."""

from pocket.columns.config import ColOut
