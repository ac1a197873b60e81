"""Names of ``pocket_coffea.lib.reconstruction``."""

from pocket.compat.reconstruction import METzCalculator, hadronic_W
