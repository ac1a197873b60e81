"""Names of ``pocket_coffea.workflows.genweights``."""

from pocket.compat.configurator import Configurator
from pocket.compat.processors import genWeightsProcessor
from pocket.compat.workflow import BaseProcessorABC
