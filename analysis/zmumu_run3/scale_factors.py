"""Scale factors of the Z→μμ analysis of 2022 and 2023, each measured in every year."""

from __future__ import annotations

import dataclasses

from analysis.zmumu import scale_factors as zmumu
from analysis.zmumu_run3.config import YEARS

# With wide bins, few toys are enough for the fits.
muon_id = dataclasses.replace(zmumu.muon_id, years=YEARS, bins={"pt": (24, 40, 120), "abseta": (0.0, 1.2, 2.4)})
trigger = dataclasses.replace(zmumu.trigger, years=YEARS)
dy_pt = dataclasses.replace(zmumu.dy_pt, years=YEARS)
