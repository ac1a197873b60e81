"""Names of ``pocket_coffea.lib.calibrators.calibrator``."""

from pocket.calibrators.base import Calibrator
