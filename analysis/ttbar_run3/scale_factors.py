"""Scale factors of b tagging of the tt̄ analysis of 2022 and 2023, each measured in every year."""

from __future__ import annotations

import dataclasses

from analysis.ttbar import scale_factors as ttbar
from analysis.ttbar_run3.config import YEARS

# With wide bins, few toys are enough.
btag_efficiency = dataclasses.replace(
    ttbar.btag_efficiency, years=YEARS, bins={"pt": (30, 70, 300), "abseta": (0.0, 2.4)}, min_n_eff=20
)
btag_wp = dataclasses.replace(ttbar.btag_wp, years=YEARS)
btag_norm = dataclasses.replace(ttbar.btag_norm, years=YEARS, bins={"ht": (120, 400)})
