"""Selection, combination and matching of physics objects."""

from pocket.objects.btag import btagging
from pocket.objects.dilepton import get_dilepton, tag_and_probe_pairs
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection
from pocket.objects.matching import delta_r, delta_r_table, trigger_match

__all__ = [
    "btagging",
    "delta_r",
    "delta_r_table",
    "get_dilepton",
    "jet_selection",
    "lepton_selection",
    "tag_and_probe_pairs",
    "trigger_match",
]
