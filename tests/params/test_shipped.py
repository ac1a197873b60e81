"""The shipped parameters fit together, and with the code that reads them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pocket.parameters.defaults import get_default_parameters, to_plain

UL = ("2016_PreVFP", "2016_PostVFP", "2017", "2018")
YEARS = (*UL, "toys")


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    return to_plain(get_default_parameters())


def test_every_year_has_what_an_analysis_needs(params: dict[str, Any]) -> None:
    for section in (
        params["lumi"]["picobarns"],
        params["lumi"]["sqrt_s"],
        params["event_flags"],
        params["btagging"]["working_point"],
    ):
        assert set(section) == set(YEARS)


def test_luminosity_of_run_2(params: dict[str, Any]) -> None:
    # LumiRecommendationsRun2: 137.64/fb in all
    assert sum(params["lumi"]["picobarns"][year]["tot"] for year in UL) == pytest.approx(137640, rel=1e-3)


def test_luminosity_of_the_toys(params: dict[str, Any]) -> None:
    assert params["lumi"]["picobarns"]["toys"]["tot"] == params["toys"]["luminosity"] * params["toys"]["scale"]


def test_tighter_working_points_are_higher(params: dict[str, Any]) -> None:
    for year in UL:
        thresholds = params["btagging"]["working_point"][year]["btagging_WP"]
        assert 0 < thresholds["L"] < thresholds["M"] < thresholds["T"] < 1


def test_the_toys_working_point_is_the_one_they_are_made_with(params: dict[str, Any]) -> None:
    thresholds = params["btagging"]["working_point"]["toys"]["btagging_WP"]
    assert thresholds == {"M": params["toys"]["truth"]["tagger"]["working_point"]}


def test_an_analysis_imports_neither_coffea_nor_plots() -> None:
    heavy = ["coffea", "numba", "hist", "matplotlib", "mplhep", "uproot", "scipy", "iminuit", "correctionlib", "vector"]
    modules = "pocket.cut_functions, pocket.objects, pocket.golden, pocket.histograms.factories"
    code = f"import sys, {modules}; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
