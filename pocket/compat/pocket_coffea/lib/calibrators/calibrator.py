"""Names of ``pocket_coffea.lib.calibrators.calibrator``."""

from pocket.compat.calibrators import Calibrator
