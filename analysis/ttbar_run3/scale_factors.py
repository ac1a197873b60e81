"""Scale factors of b tagging of the tt̄ analysis of 2022 and 2023, each measured in every year."""

from __future__ import annotations

import dataclasses

from analysis.ttbar import scale_factors as ttbar
from analysis.ttbar_run3.config import YEARS

btag_efficiency = dataclasses.replace(ttbar.btag_efficiency, years=YEARS)
btag_wp = dataclasses.replace(ttbar.btag_wp, years=YEARS)
btag_norm = dataclasses.replace(ttbar.btag_norm, years=YEARS)
