"""Names of ``pocket_coffea.lib.calibrators.calibrators_manager``."""

from pocket.compat.calibrators import Calibrator
from pocket.compat.calibrators_manager import CalibratorsManager
