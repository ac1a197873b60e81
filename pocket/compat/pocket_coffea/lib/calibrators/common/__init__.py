"""Names of ``pocket_coffea.lib.calibrators.common``."""

from pocket.calibrators.jets import JetsCalibrator
from pocket.calibrators.met import METCalibrator
from pocket.compat.calibrators import ElectronsScaleCalibrator, MuonsCalibrator, default_calibrators_sequence
