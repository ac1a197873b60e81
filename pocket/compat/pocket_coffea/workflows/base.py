"""Names of ``pocket_coffea.workflows.base``."""

from pocket.compat.calibrators_manager import CalibratorsManager
from pocket.compat.configurator import Configurator
from pocket.compat.delayed_branches import DelayedEvalBranchManager
from pocket.compat.utilities import to_bool
from pocket.compat.workflow import BaseProcessorABC
