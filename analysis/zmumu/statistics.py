"""Statistical models of the Z → μμ cross section, as a ratio to the simulated one: by a count and by the mass.

Both have the derived scale factors, with their statistical errors bin by bin. The toys are made with a ratio of 1.
"""

from __future__ import annotations

import numpy as np

from analysis.zmumu.config import DY, parameters
from pocket.statistics import CMS_NAMES, LogNormal, McStat, Process, Prune, Region, StatisticalModel, Stored


def z_xsec(**regions: Region) -> StatisticalModel:
    """Return the model of the cross section in some regions."""
    return StatisticalModel(
        regions=regions,
        processes={"z": Process(DY, signal=True), "tt": Process("TTToSemiLeptonic"), "wjets": Process("WJetsToLNu")},
        data=("DATA_SingleMuon",),
        nuisances=[
            Stored("*", rename=CMS_NAMES),
            LogNormal("lumi_toys", 1.01),
            LogNormal("tt_xsec", 1.06, processes="tt"),
            LogNormal("wjets_xsec", 1.3, processes="wjets"),
        ],
        groups={"efficiencies": "CMS_eff_*", "z_pt": "sf_dy_pt_*"},
        mc_stat=McStat(threshold=10),
        prune=Prune(rate=1e-4, shape=1e-4),
        pois={"r": (0, 2)},
    )


by_count = z_xsec(peak=Region("calibrated", "peak", "ptll_peak", bins="counting"))
# Five of the sixty bins are one.
masses = np.linspace(parameters.dimuon.mass_low, parameters.dimuon.mass_high, 61)[::5]
by_mass = z_xsec(baseline=Region("calibrated", "baseline", "mll", edges=masses.tolist()))
