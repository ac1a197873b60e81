"""Public names of :mod:`pocket.calibrators`, loaded when they are used."""

from .base import Calibrator as Calibrator
from .egamma import (
    ElectronsScaleCalibrator as ElectronsScaleCalibrator,
    PhotonsScaleCalibrator as PhotonsScaleCalibrator,
)
from .hem import HEMCalibrator as HEMCalibrator
from .jet_regression import JetRegressionCalibrator as JetRegressionCalibrator
from .jets import JetsCalibrator as JetsCalibrator
from .measured import (
    MeasuredCalibrator as MeasuredCalibrator,
    MeasuredEnergyCalibrator as MeasuredEnergyCalibrator,
)
from .met import METCalibrator as METCalibrator
from .met_xy import METXYCalibrator as METXYCalibrator
from .muon_momenta import (
    MuonsRochesterCalibrator as MuonsRochesterCalibrator,
    MuonsScaleResolutionCalibrator as MuonsScaleResolutionCalibrator,
)
from .muons import MuonScaleCalibrator as MuonScaleCalibrator
from .sequence import default_calibrators_sequence as default_calibrators_sequence
from .softdrop_mass import SoftdropMassCalibrator as SoftdropMassCalibrator
from .taus import TauEnergyScaleCalibrator as TauEnergyScaleCalibrator
