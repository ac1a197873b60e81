"""Names of ``pocket_coffea.lib.calibrators.common.common``."""

from pocket.calibrators import JetsCalibrator, METCalibrator, default_calibrators_sequence
from pocket.calibrators.base import Calibrator
