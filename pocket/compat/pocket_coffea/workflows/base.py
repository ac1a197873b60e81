"""Names of ``pocket_coffea.workflows.base``."""

from pocket.configuration.workflow import BaseProcessorABC
