"""Configurations of the tt̄ lepton+jets analysis of 2022 and 2023."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.ttbar import config as ttbar
from analysis.ttbar import tagging
from analysis.ttbar.workflow import TTBAR
from pocket import Configurator
from pocket.cuts import eventFlags, get_HLTsel, get_nObj_min, get_nPVgood, goldenJson
from pocket.parameters import defaults
from pocket.weights import SHAPE_VARIATIONS

YEARS = ("2022_preEE", "2023_preBPix")

parameters = defaults.merge_parameters_from_files(
    ttbar.parameters, Path(__file__).parent / "params" / "toys.yaml", update=True
)
# The measurements use all uncertainties of the score.
all_of_btag = defaults.merge_parameters(
    parameters,
    {"systematic_variations": {"weight_variations": {"sf_btag": {year: list(SHAPE_VARIATIONS) for year in YEARS}}}},
    update=True,
)
datasets = {"jsons": ["datasets/toys_run3.json"]}
skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["Muon", "EGamma"]), get_nObj_min(4, 20.0, "Jet")]


def chain(**selected: Any) -> dict[str, Configurator]:
    """Return the configurations of b tagging of ``ttbar``, for a filter of datasets."""
    return tagging.chain({**datasets, **selected}, parameters=all_of_btag, skim=skim)


both = chain()
single = {f"btag_calibrated_{year}": chain(filter={"year": [year]})["btag_calibrated"] for year in YEARS}
medium = ttbar.flow(
    ttbar.btag_categories,
    ttbar.scale_factors,
    subsamples={TTBAR: ttbar.tt_flavours},
    parameters=parameters,
    datasets=datasets,
    skim=skim,
)
