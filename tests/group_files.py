"""Real correction files of the physics object groups, which aren't part of the repository."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).absolute().parents[2] / "shared" / "data" / "corrections"
#: The folder that POCKET_CORRECTIONS names, else ../shared/data/corrections beside the checkout.
ROOT = Path(os.environ.get("POCKET_CORRECTIONS") or _BESIDE)
#: Mark of tests that need them.
needs_files = pytest.mark.skipif(not (ROOT / "POG").is_dir(), reason="the groups' files aren't beside the checkout")
#: Year → its folder; no file of the later ones is there.
UL = {"2016_PreVFP": "2016preVFP_UL", "2016_PostVFP": "2016postVFP_UL", "2017": "2017_UL", "2018": "2018_UL"}
RUN_3 = {
    "2022_preEE": "2022_Summer22",
    "2022_postEE": "2022_Summer22EE",
    "2023_preBPix": "2023_Summer23",
    "2023_postBPix": "2023_Summer23BPix",
}
LATER = {"2024": "2024_Summer24", "2025": "2025_Prompt"}
CAMPAIGNS = {**UL, **RUN_3, **LATER}
#: A year of each run, and their folders.
QUICK = {"2018", "2023_preBPix", "2018_UL", "2023_Summer23"}


def a_year_of_each_run(years: Iterable[str]) -> list[Any]:
    """Return parameters of a test that takes seconds for each year: all years but one of each run are slow."""
    return [year if year in QUICK else pytest.param(year, marks=pytest.mark.slow) for year in years]


@pytest.fixture
def group_files(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use these files for names with ``corrections://``."""
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    return ROOT
