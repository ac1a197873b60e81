"""Names of ``pocket_coffea.workflows.semileptonic_triggerSF``."""

from pocket.compat.processors import semileptonicTriggerProcessor, ttHbbBaseProcessor
from pocket.histograms.config import Axis
