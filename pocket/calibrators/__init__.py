"""Calibration of objects, and its shape variations."""

from pocket.calibrators.base import Calibrator
from pocket.calibrators.jets import JetsCalibrator
from pocket.calibrators.met import METCalibrator
from pocket.calibrators.muons import MuonScaleCalibrator

#: Usual calibrators in their order; a configuration requests the variations of some of them.
default_calibrators_sequence: list[type[Calibrator]] = [JetsCalibrator, METCalibrator]

__all__ = ["Calibrator", "JetsCalibrator", "METCalibrator", "MuonScaleCalibrator", "default_calibrators_sequence"]
