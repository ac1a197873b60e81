"""Names of ``pocket_coffea.lib.weights.common.weights_run3``."""

from pocket.weights.leptons import ElectronTrigger as SF_ele_trigger
