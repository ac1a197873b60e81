"""The two calibrators of jets of PocketCoffea's older releases, one without and one with the regression."""

from __future__ import annotations

from pocket.compat import jet_energies


class JetsCalibrator(jet_energies.JetsCalibrator):
    """Calibrator of the jets whose energy isn't regressed."""

    name = "jet_calibration_legacy"

    def is_corrected(self, like: str) -> bool:
        return not self.is_regressed(like) and super().is_corrected(like)


class JetsPtRegressionCalibrator(jet_energies.JetsCalibrator):
    """Calibrator of the jets whose energy is regressed."""

    name = "jet_calibration_with_pt_regression_legacy"

    def is_corrected(self, like: str) -> bool:
        return self.is_regressed(like) and super().is_corrected(like)
