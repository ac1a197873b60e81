"""Names of ``pocket_coffea.lib.calibrators.common``."""

from pocket.compat.calibrators import ElectronsScaleCalibrator, MuonsCalibrator, default_calibrators_sequence
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from pocket.compat.softdrop_mass import JetsSoftdropMassCalibrator
