"""Configurations of the Z→μμ analysis of 2022 and 2023."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.zmumu import config as zmumu
from pocket import Configurator
from pocket.cuts import eventFlags, get_HLTsel, get_nObj_min, get_nPVgood, goldenJson
from pocket.parameters import defaults

YEARS = ("2022_preEE", "2023_preBPix")

parameters = defaults.merge_parameters_from_files(
    zmumu.parameters, Path(__file__).parent / "params" / "toys.yaml", update=True
)
# Since 2022, single muons are in the primary dataset Muon.
skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["Muon"]), get_nObj_min(2, 20.0, "Muon")]


def chain(**selected: Any) -> dict[str, Configurator]:
    """Return the configurations of ``zmumu``, for a filter of datasets."""
    return zmumu.chain(parameters, {"jsons": ["datasets/toys_run3.json"], **selected}, skim, len(YEARS))


both = chain()
single = {f"calibrated_{year}": chain(filter={"year": [year]})["calibrated"] for year in YEARS}
