"""Names of ``pocket_coffea.lib.objects``."""

from pocket.objects.btag import CCsorted, CvsLsorted, ProbBsorted, btagging
from pocket.objects.gen_objects import getGenJets, getGenLeptons
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection
from pocket.objects.pairs import get_diboson, get_dijet, get_dilepton
