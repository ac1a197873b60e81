"""Names of ``pocket_coffea.lib.calibrators.legacy.legacy_jet_correction``."""

from pocket.compat.objects import get_rho, jet_correction
