"""Names of ``pocket_coffea.lib.calibrators.common``."""

from pocket.calibrators import JetsCalibrator, METCalibrator, default_calibrators_sequence
