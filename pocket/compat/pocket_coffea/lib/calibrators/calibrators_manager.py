"""Names of ``pocket_coffea.lib.calibrators.calibrators_manager``."""

from pocket.calibrators.base import Calibrator
from pocket.compat.calibrators_manager import CalibratorsManager
