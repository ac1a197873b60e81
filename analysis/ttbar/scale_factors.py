"""Scale factors that the tt̄ analysis derives, all of b tagging."""

from __future__ import annotations

from analysis.ttbar.workflow import TTBAR
from pocket.scale_factors import EfficiencyMap, NormRatio

DATA = ("DATA_SingleMuon",)
VJETS = ("WJetsToLNu", "DYJetsToMuMu")

# light jets of tt̄ and of W + jets differ in what they come from, so each has its efficiencies
btag_efficiency = EfficiencyMap(
    input="btag_jets",
    variable="tagging",
    category="2j",
    axes=("flavor", "pt", "abseta"),
    mc=(TTBAR, *VJETS),
    groups={"top": (TTBAR,), "vjets": VJETS},
    merge_axis="pt",
    min_n_eff=80,
    description="Efficiency of the medium working point of b tagging",
)

btag_norm = NormRatio(
    input="btag_norm",
    variable="njet_ht",
    category="no_btagSF",
    weighted="btagSF",
    root="root_btagSF",
    weight="sf_btag",
    axes=("njet", "ht"),
    mc=(TTBAR, *VJETS),
    merge_axis="njet",
    min_n_eff=5,
    description="Yields without over yields with the reweighting of the b-tagging score",
)
