"""Names of ``pocket_coffea.lib.xgboost_evaluator``."""

from pocket.compat.lepton_mva import ElectronMVAEvaluator, MuonMVAEvaluator, XGBoostEvaluator
from pocket.objects.jets import jets_in_original_order
