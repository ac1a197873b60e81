"""Names of ``pocket_coffea.lib.calibrators.common.common``."""

from pocket.compat.calibrators import (
    Calibrator,
    default_calibrators_sequence,
)
from pocket.compat.electron_energies import (
    ElectronsScaleCalibrator,
    get_ele_scaled,
    get_ele_scaled_etdependent,
    get_ele_smeared,
    get_ele_smeared_etdependent,
)
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from pocket.compat.muon_momenta import MuonsCalibrator
from pocket.compat.muon_scale_resolution import pt_resol, pt_resol_var, pt_scale, pt_scale_var
from pocket.compat.objects import jet_correction as jet_correction_corrlib
from pocket.compat.objects import load_correction_set, met_correction_after_jec
from pocket.compat.softdrop_mass import JetsSoftdropMassCalibrator
from pocket.compat.utilities import get_nano_version, get_random_seed
from pocket.objects.jets import ORIGINAL_POSITION as JET_SORTIDX_FIELD
