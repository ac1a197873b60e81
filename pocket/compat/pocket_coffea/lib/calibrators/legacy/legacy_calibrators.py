"""Names of ``pocket_coffea.lib.calibrators.legacy.legacy_calibrators``."""

from pocket.compat.calibrators import Calibrator
from pocket.compat.legacy_jets import JetsCalibrator, JetsPtRegressionCalibrator
from pocket.compat.muon_momenta import MuonsRochesterCalibrator
from pocket.compat.muon_momenta import RoccoR as RoccoRWrapper
from pocket.compat.objects import jet_correction
from pocket.compat.utilities import get_nano_version, get_random_seed
