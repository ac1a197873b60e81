"""The statistical model of the tt̄ cross section, in regions by numbers of jets and of b-tagged jets."""

from __future__ import annotations

from analysis.ttbar.config import btag_bins, jet_bins, tt_flavours
from analysis.ttbar.workflow import TTBAR
from pocket.statistics import CMS_NAMES, Free, LogNormal, McStat, Process, Prune, Region, StatisticalModel, Stored

#: edges of the missing transverse momentum, in GeV
MET = (20, 40, 60, 80, 100, 140, 200)
#: categories whose toys are enough for a shape; the others are only counted
SHAPES = ("4j_1b", "4j_2b", "5j_1b", "5j_2b")

# W+jets is left to the data by the regions with one b jet, of which it is a large part.
tt_xsec = StatisticalModel(
    regions={
        f"r_{category}": Region("large", category, "MET_pt", edges=MET)
        if category in SHAPES
        else Region("large", category, "MET_pt", bins="counting")
        for category in (f"{jets}_{btags}" for jets in jet_bins for btags in btag_bins)
    },
    processes={
        **{flavour: Process(f"{TTBAR}__{flavour}", signal=True) for flavour in tt_flavours},
        "wjets": Process("WJetsToLNu"),
        "dy": Process("DYJetsToMuMu"),
    },
    data=("DATA_SingleMuon",),
    nuisances=[
        Stored("*", rename=CMS_NAMES),
        LogNormal("lumi_toys", 1.01),
        LogNormal("ttbar_hf", 1.2, processes=("ttB", "ttC")),
        LogNormal("dy_norm", 1.3, processes="dy"),
        Free("wjets_norm", "wjets", range=(0, 5)),
    ],
    groups={"btag": "CMS_btag_*", "leptons": "CMS_eff_*", "normalisations": ("*_norm", "ttbar_hf", "lumi_*")},
    mc_stat=McStat(threshold=10),
    prune=Prune(rate=1e-3, shape=1e-3),
    pois={"r": (0, 5)},
)
