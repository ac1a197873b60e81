"""Names of ``pocket_coffea.lib.weights.common.weights_run2_UL``."""

from pocket.compat.objects import load_correction_set
from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.compat.weights import ElectronTriggerRun2 as SF_ele_trigger
from pocket.compat.weights import sf_ele_trigger, sf_qcd_factor_scale, sf_qcd_renorm_scale
from pocket.weights.base import WeightData, WeightDataMultiVariation
from pocket.weights.theory import FactorisationScale as SF_QCD_factor_scale
from pocket.weights.theory import RenormalisationScale as SF_QCD_renorm_scale
