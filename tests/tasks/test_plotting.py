from __future__ import annotations

import json

import law
import pytest

from pocket.errors import UnknownNameError
from tasks.plotting import PlotScaleFactors, PlotTemplates
from tests.tasks.chain import Chain


def test_plots_and_their_numbers(chain: Chain) -> None:
    folder = chain.output("PlotTemplates", "corrected")
    stems = ("muon_pt", "muon_pt_vs_main", "npvs", "npvs_vs_main")
    files = {path.name for path in (folder / "baseline").iterdir()}
    assert files == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "json")}
    numbers = json.loads((folder / "baseline" / "muon_pt_vs_main.json").read_text())
    assert numbers["before"]["comparison"]["ndf"] > 0


def test_comparison_comes_from_the_analysis(chain: Chain) -> None:
    assert chain.task(PlotTemplates).compare == "main"
    assert chain.task(PlotTemplates, config="main").compare == "none"
    assert set(chain.task(PlotTemplates, compare="none").requires()) == {"corrected"}


def test_some_variables_only(chain: Chain) -> None:
    assert chain.build(variables=("npvs",), compare="none") == ["PlotTemplates corrected"]
    folders = [
        folder for folder in chain.outputs("PlotTemplates") if not (folder / "baseline" / "muon_pt.png").exists()
    ]
    (folder,) = folders
    assert {path.name for path in (folder / "baseline").iterdir()} == {"npvs.png", "npvs.json"}


@pytest.mark.parametrize("option", ["variables", "categories", "compare"])
def test_unknown_names(chain: Chain, option: str) -> None:
    value = "nothing" if option == "compare" else ("nothing",)
    with pytest.raises(UnknownNameError, match="'nothing'"):
        chain.task(PlotTemplates, **{option: value})


def test_scale_factor_plots(chain: Chain) -> None:
    assert chain.build(PlotScaleFactors, scale_factor="tight_id") == ["PlotScaleFactors tight_id"]
    assert {"tight_id.png", "tight_id.json"} <= {path.name for path in chain.output("PlotScaleFactors", "").iterdir()}
    assert chain.build(PlotScaleFactors, scale_factor="tight_id") == []


def test_default_of_the_comparison_is_resolved_once(chain: Chain) -> None:
    assert chain.task(PlotTemplates, compare=law.NO_STR).task_id == chain.task(PlotTemplates, compare="main").task_id
