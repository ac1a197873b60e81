"""A grid of signals in the small chain: muons near a pT, over all of them."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import pytest

from pocket.errors import ConfigError, FitError, UnknownNameError
from pocket.io.store import read_manifest
from pocket.statistics import find_upper_limit, from_json
from tasks.core.completion import names_of
from tasks.statistics.fitting import FitModel
from tasks.statistics.plotting import PlotGrid
from tests.tasks.in_process import not_refused, run_here
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

POINTS = (30, 40, 50)
CUTS = '''

def near_pt(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require the leading muon near a pt, in every third event."""
    return (abs(ak.fill_none(ak.firsts(events.MuonGood.pt), 0) - params["pt"]) < 6) & (events.event % 3 == 0)
'''
MODEL = """StatisticalModel(
        regions={"all": Region("search", "baseline", "muon_pt")},
        processes={"zprime": Process("DYJetsToMuMu__M{m}", signal=True), "dy": Process("DYJetsToMuMu__all")},
        data=("DATA_SingleMuon",),
        nuisances=[Stored("*"), LogNormal("lumi", 1.02), Free("norm", "dy")],
        blind="all",
        grid=Grid("m", (30, 40, 50), theory={30: (90.0, 9.0), 40: (30.0, 3.0), 50: (10.0, 1.0)}, label="$m$ [GeV]"),
    )"""


@pytest.fixture
def gridded(chain: Chain) -> Chain:
    """The finished chain, with a grid of signals in a configuration that hasn't run yet."""
    cuts = chain.analysis / "cuts.py"
    cuts.write_text(cuts.read_text() + CUTS)
    windows = ", ".join(f'"M{point}": [Cut("near", {{"pt": {point}}}, near_pt)]' for point in POINTS)
    subsamples = f'subsamples={{"DYJetsToMuMu": {{"all": [passthrough], {windows}}}}}'
    chain.edit("__init__.py", "import get_leading_muon", "import get_leading_muon, near_pt")
    chain.edit("__init__.py", "from pocket.cuts.library", "from pocket.cuts.cut import Cut\nfrom pocket.cuts.library")
    names = "Free, Grid, LogNormal, Process, Region, StatisticalModel, Stored"
    chain.edit(
        "__init__.py", "from pocket.weights.base", f"from pocket.statistics import {names}\nfrom pocket.weights.base"
    )
    chain.edit("__init__.py", "columns: Sequence[ColOut] = ()", "columns: Sequence[ColOut] = (), **others")
    chain.edit("__init__.py", "        variables=variables,", "        variables=variables, **others,")
    chain.edit(
        "__init__.py", '"main": configure(', f'"search": configure(spectra, {subsamples}),\n        "main": configure('
    )
    chain.edit("__init__.py", "    compare={", f'    models={{"zprime": {MODEL}}},\n    compare={{')
    return chain


def rows(chain: Chain) -> dict[float, Any]:
    found: Any = from_json((chain.output("PlotGrid", "zprime") / "grid.json").read_text())
    return {row["point"]: row for row in found["points"]}


def test_expected_limits_of_all_points(gridded: Chain) -> None:
    ran = gridded.build(PlotGrid, model="zprime", formats=("png",))
    points = [f"zprime_m{point}" for point in POINTS]
    assert {one for one in ran if "Datacards" in one or "Fit" in one} == {
        f"{task} {point}" for task in ("ProduceDatacards", "FitModel") for point in points
    }
    assert ran[-1] == "PlotGrid zprime"
    folder = gridded.output("PlotGrid", "zprime")
    assert {path.name for path in folder.iterdir()} - {"manifest.json"} == {
        "grid.json", "grid.txt", "grid.md", "grid.tex", "limits.json", "limits.png",
    }  # fmt: skip
    found = rows(gridded)
    assert list(found) == list(POINTS)
    for point, name in zip(POINTS, points, strict=True):
        (limit,) = from_json((gridded.output("FitModel", name) / "limits.json").read_text())
        assert found[point]["expected"] == limit.expected
        assert math.isnan(found[point]["observed"])
        label = from_json((gridded.output("FitModel", name) / "fit.json").read_text())["label"]
        assert label.startswith(f"m = {point}, Asimov, ")
    # What changes the figure alone runs no fit, and neither do fewer points.
    gridded.edit("__init__.py", "$m$ [GeV]", "Mass [GeV]")
    assert gridded.build(PlotGrid, model="zprime", formats=("png",)) == ["PlotGrid zprime"]
    gridded.edit("__init__.py", 'Grid("m", (30, 40, 50), theory={30: (90.0, 9.0), ', 'Grid("m", (40, 50), theory={')
    assert gridded.build(PlotGrid, model="zprime", formats=("png",)) == ["PlotGrid zprime"]
    # The fits are those of the models of points, wherever they are asked for.
    assert gridded.build(FitModel, model="zprime_m40", results=("significance", "limits")) == []
    assert gridded.task(PlotGrid, model="zprime", results=("scan",)).results == ("significance", "limits", "scan")


def test_observed_data_have_p_values_and_an_excess(gridded: Chain) -> None:
    options = ("--model", "zprime", "--data", "observed", "--unblind", "approved", "--formats", "png")
    run = run_here(gridded, "PlotGrid", *options)
    assert run.code == 0, run.text
    assert "m   limit [pb]  expected" in run.text
    for line in ("  observed limit ", "  expected limit ", "  largest excess "):
        assert run.text.count(line) == 1, run.text
    # The fits have told their results.
    assert "  r  " not in run.text.partition("\nResults\n")[2]
    folder = gridded.output("PlotGrid", "zprime")
    assert (folder / "p_values.png").exists()
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.info["unblinded"] == "approved"
    found = rows(gridded)
    for point in POINTS:
        fit = gridded.output("FitModel", f"zprime_m{point}")
        (limit,) = from_json((fit / "limits.json").read_text())
        (significance,) = from_json((fit / "significance.json").read_text())
        assert (found[point]["observed"], found[point]["statistic"]) == (limit.observed, significance.statistic)
        theory, error = found[point]["theory"]
        numbers = [f"{theory * value:.4g}" for value in (limit.observed, limit.expected[2])]
        assert f"{point}  {numbers[0]}" in (folder / "grid.txt").read_text()
        assert f"| {point} | {numbers[0]} | {numbers[1]} | " in (folder / "grid.md").read_text()
        assert f" {theory:g} ± {error:g} " in (folder / "grid.txt").read_text()
    # A command that finds all complete tells the same.
    again = run_here(gridded, "PlotGrid", *options)
    assert again.code == 0


def test_a_point_without_a_limit_is_a_row_and_no_reason_to_have_no_others(
    gridded: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails: list[str] = []

    def fail(likelihood: Any, poi: str) -> Any:
        fails.append(poi)
        if len(fails) == 2:
            raise FitError("no minimum")
        return find_upper_limit(likelihood, poi)

    monkeypatch.setattr("pocket.statistics.analyses.find_upper_limit", fail)
    options = ("--model", "zprime", "--formats", "png")
    run = run_here(gridded, "PlotGrid", *options)
    assert run.code == 30, run.text
    assert run.errors[0].startswith("1 result of PlotGrid zprime is missing, for the reasons above")
    (missing,) = [row for row in rows(gridded).values() if row["missing"]]
    assert missing["reason"] == "no minimum"
    assert math.isnan(missing["expected"][2])
    assert len([row for row in rows(gridded).values() if row["expected"][2] > 0]) == 2
    drawn = json.loads((gridded.output("PlotGrid", "zprime") / "limits.json").read_text())
    assert [row["expected"][2] is None for row in drawn["points"]].count(True) == 1
    assert run_here(gridded, "PlotGrid", *options, "--accept-missing").code == 0


def test_wrong_options_are_refused_at_once(gridded: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "expected --model with a grid, of which analysis 'small' has zprime"),
        ({"model": "zprim"}, "expected --model with a grid, of which analysis 'small' has zprime"),
        ({"model": "zprime_m30"}, "expected --model with a grid, of which analysis 'small' has zprime"),
        ({"card": "card.txt"}, "expected --model with a grid, of which analysis 'small' has zprime"),
        ({"model": "zprime", "card": "card.txt"}, "expected one of --model and --card, not both of them"),
        ({"model": "zprime", "data": "toys"}, "PlotGrid draws no toys, so --data must be asimov or observed"),
        ({"model": "zprime", "data": "observed"}, "--data observed needs --unblind REASON"),
        ({"model": "zprime", "freeze": ("lumy",)}, "unknown parameter 'lumy' in --freeze, model 'zprime_m30', did you"),
    ]
    make = functools.partial(PlotGrid, version="v1", analysis=str(gridded.analysis))
    assert not_refused(make, cases, ConfigError) == {}


def test_points_are_models_and_the_grid_is_none(gridded: Chain) -> None:
    with pytest.raises(ConfigError, match="the model 'zprime' is a grid, which PlotGrid draws: name a point of it"):
        gridded.task(FitModel, model="zprime")
    with pytest.raises(
        UnknownNameError, match=r"unknown model 'zprime_m31' in analysis 'small', did you mean 'zprime_m30'"
    ):
        gridded.task(FitModel, model="zprime_m31")
    analysis = gridded.task(FitModel, model="zprime_m30").analysis_inst
    assert names_of(analysis)["--model"] == ["zprime", *(f"zprime_m{point}" for point in POINTS)]
