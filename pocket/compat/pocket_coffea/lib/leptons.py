"""Names of ``pocket_coffea.lib.leptons``."""

from pocket.objects.leptons import lepton_selection
from pocket.objects.pairs import get_diboson, get_dilepton
