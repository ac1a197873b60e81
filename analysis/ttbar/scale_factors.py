"""Scale factors of b tagging that the tt̄ analysis measures."""

from __future__ import annotations

from analysis.ttbar.workflow import TTBAR
from pocket.scale_factors import Closure, EfficiencyMap, LogNormal, NormRatio, PassFailTemplate, PreservedYield, Shape

DATA = ("DATA_SingleMuon",)
VJETS = ("WJetsToLNu", "DYJetsToMuMu")

# Light jets of tt̄ and of W + jets have different origins, so each has its own efficiencies.
btag_efficiency = EfficiencyMap(
    input="btag_jets",
    variable="tagging",
    category="2j",
    axes=("flavor", "pt", "abseta"),
    mc=(TTBAR, *VJETS),
    groups={"top": (TTBAR,), "vjets": VJETS},
    merge_axis="pt",
    min_n_eff=80,
    closure=Closure(
        preserved=(
            PreservedYield(config="btag_closure", unweighted="no_btagSF", category="btagWP", covariance="root_btagWP"),
        ),
    ),
    description="Efficiency of the medium working point of b tagging",
)

# Few tagged jets are c or light jets, so their scale factors keep the uncertainties that are assumed here.
btag_wp = PassFailTemplate(
    input="btag_jets",
    variable="tagging",
    category="4j",
    axes=("pt",),
    bins={"pt": (30, 50, 70, 100, 300)},
    data=DATA,
    mc=(TTBAR, *VJETS),
    discriminant="sv_mass",
    flavours={"b": (5,), "c": (4,), "light": (0,)},
    floating=("b",),
    frozen={"c": (1.0, 0.2), "light": (1.0, 0.5)},
    fractions={"c": 0.1, "light": 0.1},
    systematics=(Shape("pileup"), LogNormal("vjets", 1.3, VJETS)),
    closure=Closure(remeasured={"input": "btag_closure", "category": "btagWP"}),
    description="Medium working point of b tagging",
)

btag_norm = NormRatio(
    input="btag_norm",
    variable="njet_ht",
    category="no_btagSF",
    weighted="btagSF",
    covariance="root_btagSF",
    weight="sf_btag",
    axes=("njet", "ht"),
    mc=(TTBAR, *VJETS),
    merge_axis="njet",
    min_n_eff=5,
    closure=Closure(same_events={"input": "btag_closure", "weighted": "btagSF_calib"}),
    description="Yields without over yields with the reweighting of the b-tagging score",
)
