"""Selection, combination and matching of physics objects."""

from pocket.io.nanoaod.version import nano_version
from pocket.objects.btag import CCsorted, CvsLsorted, ProbBsorted, btagging
from pocket.objects.gen_objects import getGenJets, getGenLeptons
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection, merged_leptons
from pocket.objects.matching import delta_r, delta_r_table, trigger_match
from pocket.objects.nanoaod import jet_id, met, rho
from pocket.objects.object_matching import deltaR_matching_nonunique, object_matching
from pocket.objects.pairs import get_diboson, get_dijet, get_dilepton, tag_and_probe_pairs
from pocket.objects.partons import Provenance, hard_process_partons, match_partons
from pocket.objects.photons import photon_selection

__all__ = [
    "CCsorted",
    "CvsLsorted",
    "ProbBsorted",
    "Provenance",
    "btagging",
    "deltaR_matching_nonunique",
    "delta_r",
    "delta_r_table",
    "getGenJets",
    "getGenLeptons",
    "get_diboson",
    "get_dijet",
    "get_dilepton",
    "hard_process_partons",
    "jet_id",
    "jet_selection",
    "lepton_selection",
    "match_partons",
    "merged_leptons",
    "met",
    "nano_version",
    "object_matching",
    "photon_selection",
    "rho",
    "tag_and_probe_pairs",
    "trigger_match",
]
