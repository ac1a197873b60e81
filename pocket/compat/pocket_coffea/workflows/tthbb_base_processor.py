"""Names of ``pocket_coffea.workflows.tthbb_base_processor``."""

from pocket.compat.configurator import Configurator
from pocket.compat.pairs import get_dilepton
from pocket.compat.processors import ttHbbBaseProcessor
from pocket.compat.workflow import BaseProcessorABC
from pocket.histograms.config import Axis
from pocket.objects.btag import btagging
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection
