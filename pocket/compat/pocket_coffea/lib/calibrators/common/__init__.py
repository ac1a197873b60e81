"""Names of ``pocket_coffea.lib.calibrators.common``."""

from pocket.compat.calibrators import default_calibrators_sequence
from pocket.compat.electron_energies import ElectronsScaleCalibrator
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from pocket.compat.muon_momenta import MuonsCalibrator
from pocket.compat.softdrop_mass import JetsSoftdropMassCalibrator
