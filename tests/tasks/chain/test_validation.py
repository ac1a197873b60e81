from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.io.store import read_manifest
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotScaleFactors
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.validation import REPORT, TABLE, ValidateScaleFactors
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain, name
from tests.tasks.vertices import declare_vertices

pytestmark = pytest.mark.slow

PLOTS = {"config": "reweighted"}


@pytest.fixture
def reweighted(chain: Chain) -> Chain:
    """The chain with a correction of the vertices that is applied in ``reweighted``, where it has to close."""
    closure = 'closure=Closure(same_events={"input": "reweighted"}, remeasured={"input": "reweighted"})'
    declare_vertices(chain, "main", closure, applied='"reweighted": configure(spectra, sf_vertices)')
    return chain


def wrong(chain: Chain) -> None:
    """Apply the correction to the number of all vertices instead of the good ones."""
    chain.edit("__init__.py", '"PV.npvsGood"}', '"PV.npvs"}')


def report(folder: Path) -> Any:
    return json.loads((folder / REPORT).read_text())


def test_plots_wait_for_the_closure_of_the_scale_factors_behind_them(chain: Chain) -> None:
    folder = chain.output("ValidateScaleFactors", "tight_id")
    content = report(folder)
    assert (content["scale_factor"], content["passed"], content["accepted"]) == ("tight_id", True, False)
    assert (
        (folder / TABLE)
        .read_text()
        .startswith(
            f"closure of scale factor tight_id: its selection is unchecked\n{34 * ' '}measures the truth within 1.2 %\n"
            "  values      passed   2 bins"
        )
    )
    plots = read_manifest(chain.output("PlotTemplates", "corrected"))
    assert plots is not None
    assert plots.inputs["closure tight_id"] == chain.contents("ValidateScaleFactors")[folder]
    required = chain.task().requires()
    assert list(required["closures"]) == ["tight_id"]
    assert chain.task(config="main").requires()["closures"] == {}
    run = run_here(chain, "PlotTemplates", "--print-deps", "-1")
    assert "ValidateScaleFactors tight_id" in run.text


def test_closure_is_looked_for_where_it_is_declared(reweighted: Chain) -> None:
    task: ValidateScaleFactors = reweighted.task(ValidateScaleFactors, scale_factor="vertices")
    assert {name(needed) for needed in (task.requires()["scale_factor"], *task.requires()["templates"].values())} == {
        "ComputeScaleFactors vertices",
        "MergeOutputs main",
        "MergeOutputs reweighted",
    }
    assert reweighted.build(**PLOTS) == [
        "ComputeScaleFactors vertices",
        "RunProcessor reweighted",
        "MergeOutputs reweighted",
        "ValidateScaleFactors vertices",
        "PlotTemplates reweighted",
    ]
    content = report(reweighted.output("ValidateScaleFactors", "vertices"))
    passed = {check["name"]: check["passed"] for check in content["checks"]}
    made = ("values", "file", "truth", "same_events", "remeasured", "events")
    assert passed == {**dict.fromkeys(made, True), "split": None}


def test_closure_in_events_has_templates_of_its_own(chain: Chain) -> None:
    """The derived configuration is the only one that runs besides that of the closure."""
    probes = 'ScaleFactorWeight.wrap("sf_probes", "tight_id", "MuonGood", passing="tightId")'
    chain.edit("__init__.py", "    configs={", f'    configs={{"again": configure({{"probes": PROBES}}, {probes}),')
    chain.edit("__init__.py", "\nanalysis = ", "\nPROBES = HistConf([tight, muon_pt])\nanalysis = ")
    chain.edit("__init__.py", "import EfficiencyRatio", "import Closure, EfficiencyRatio")
    closure = 'closure=Closure(remeasured={"input": "again"}, events=True)'
    chain.edit("__init__.py", '    input="probes",', f'    input="probes",\n    {closure},')
    assert sorted(chain.build(ValidateScaleFactors, scale_factor="tight_id")) == [
        "MergeOutputs again",
        "MergeOutputs again_injected",
        "RunProcessor again",
        "RunProcessor again_injected",
        "ValidateScaleFactors tight_id",
    ]
    folder = chain.task(ValidateScaleFactors, scale_factor="tight_id").directory
    passed = {check["name"]: check["passed"] for check in report(folder)["checks"]}
    assert passed["truth_in_events"] is passed["remeasured"] is passed["events"] is True


def test_another_closure_only_looks_again(reweighted: Chain) -> None:
    reweighted.build(**PLOTS)
    computed = reweighted.ids("ComputeScaleFactors")
    reweighted.edit("__init__.py", 'same_events={"input": "reweighted"}, ', "")
    assert reweighted.build(**PLOTS) == ["ValidateScaleFactors vertices", "PlotTemplates reweighted"]
    assert reweighted.ids("ComputeScaleFactors") == computed


def test_closure_that_fails(reweighted: Chain) -> None:
    wrong(reweighted)
    run = run_here(reweighted, "PlotTemplates", "--config", "reweighted")
    assert run.code == 30
    assert reweighted.outputs("PlotTemplates", "reweighted") == []
    assert reweighted.outputs("ValidateScaleFactors", "vertices") == []
    (sentence,) = run.errors
    failed = reweighted.task(ValidateScaleFactors, scale_factor="vertices").failed_directory
    assert sentence.startswith("scale factor 'vertices' doesn't close: check 'same_events' failed: ")
    assert " in PV_npvsGood [" in sentence
    assert ", a relative difference of " in sentence
    assert f"the report is in {failed / REPORT}; --accept-closure continues anyway" in sentence
    content = report(failed)
    assert (content["passed"], content["accepted"]) == (False, False)
    assert (failed / TABLE).read_text() in run.text


def test_accepted_closure_never_passes_for_a_good_one(reweighted: Chain) -> None:
    wrong(reweighted)
    sentence = reweighted.error(ValidateScaleFactors, scale_factor="vertices")
    assert "doesn't close" in sentence
    failed = reweighted.task(ValidateScaleFactors, scale_factor="vertices").failed_directory
    assert failed.is_dir()
    plots = "PlotTemplates reweighted"
    assert reweighted.build(**PLOTS, accept_closure=True) == ["ValidateScaleFactors vertices", plots]
    assert not failed.exists()
    folder = reweighted.output("ValidateScaleFactors", "vertices")
    assert report(folder)["accepted"] is True
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.info["accepted"] is True
    assert manifest.info["failed"]["same_events"] in sentence
    # who doesn't accept it has no plots, and is told again
    assert not reweighted.task(**PLOTS).complete()
    assert reweighted.error(**PLOTS) == sentence
    assert reweighted.task(**PLOTS, accept_closure=True).complete()
    assert reweighted.build(**PLOTS, accept_closure=True) == []
    assert reweighted.task(**PLOTS).fingerprint == reweighted.task(**PLOTS, accept_closure=True).fingerprint


def test_figures_of_a_scale_factor_that_does_not_close_say_so(reweighted: Chain) -> None:
    wrong(reweighted)
    options = {"cls": PlotScaleFactors, "scale_factor": "vertices"}
    assert reweighted.build(**options)[-2:] == ["ValidateScaleFactors vertices", "PlotScaleFactors vertices"]
    numbers = json.loads((reweighted.output("PlotScaleFactors", "vertices") / "vertices.json").read_text())
    assert numbers["notes"] == ["closure failed: same_events", "closure failed: remeasured"]
    assert "doesn't close" in reweighted.error(**PLOTS)
    assert reweighted.build(**options, closure=False) == ["PlotScaleFactors vertices"]
    drawn = reweighted.task(**options, closure=False).directory
    numbers = json.loads((drawn / "vertices.json").read_text())
    assert numbers["notes"] == ["no closure test"]


def test_good_closure_is_the_same_for_who_accepts_others(chain: Chain) -> None:
    assert chain.build(accept_closure=True) == []
    manifest = read_manifest(chain.output("ValidateScaleFactors", "tight_id"))
    assert manifest is not None
    assert (manifest.info["failed"], manifest.info["accepted"]) == ({}, False)


def test_closure_is_no_part_of_other_fingerprints(reweighted: Chain) -> None:
    def fingerprints() -> list[str]:
        tasks = [
            reweighted.task(ComputeScaleFactors, scale_factor="vertices"),
            reweighted.task(RunProcessor, **PLOTS),
            reweighted.task(MergeOutputs, **PLOTS),
            reweighted.task(**PLOTS),
        ]
        return [task.fingerprint for task in tasks]

    before = fingerprints()
    closure = digest(reweighted.task(ValidateScaleFactors, scale_factor="vertices").fingerprint_spec())
    reweighted.edit("__init__.py", ', remeasured={"input": "reweighted"}', "")
    assert fingerprints() == before
    assert digest(reweighted.task(ValidateScaleFactors, scale_factor="vertices").fingerprint_spec()) != closure
