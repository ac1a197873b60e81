"""Names of ``pocket_coffea.lib.jets``."""

from pocket.objects.btag import CCsorted, CvsLsorted, ProbBsorted, btagging
from pocket.objects.jets import jet_selection
from pocket.objects.nanoaod import jet_id as compute_jetId
from pocket.objects.nanoaod import rho as get_rho
from pocket.objects.pairs import get_dijet
