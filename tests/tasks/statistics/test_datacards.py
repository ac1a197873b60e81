from __future__ import annotations

import json

import pytest

from pocket.base.fingerprint import specification
from pocket.errors import UnknownNameError
from pocket.histograms.files import read_sums
from pocket.io.store import read_manifest
from pocket.statistics import load_model
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.core.console import counted
from tasks.statistics.datacards import (
    CHECKS,
    TREATMENT,
    WORKSPACE,
    ProduceDatacards,
    warning_lines,
)
from tasks.statistics.datacards import (
    MODEL as MODEL_FILE,
)
from tasks.statistics.fitting import FitModel
from tasks.statistics.plotting import PlotFit
from tests.tasks.in_process import run_here
from tests.tasks.mutations.directories import tasks_of
from tests.tasks.small_chain import Chain
from tests.tasks.statistics.conftest import MODEL

pytestmark = pytest.mark.slow


def test_a_model_needs_its_templates_and_their_closures(modelled: Chain) -> None:
    required = modelled.task(ProduceDatacards, model="z").requires()
    assert list(required["templates"]) == ["corrected"]
    assert list(required["closures"]) == ["tight_id"]


def test_a_model_is_made_of_the_templates_that_are_there(modelled: Chain) -> None:
    assert modelled.build(ProduceDatacards, model="z") == ["ProduceDatacards z"]
    folder = modelled.output("ProduceDatacards", "z")
    model = load_model(folder / MODEL_FILE)
    (region,) = model.regions
    assert (region.name, region.processes, region.bins, region.data) == ("all", ("dy",), 3, None)
    assert model.nuisances == ("sf_tight_id", "lumi")
    assert json.loads((folder / TREATMENT).read_text())["all"]["edges"]["after"] == [0, 20, 40, 80]
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.info["warnings"] == len(json.loads((folder / CHECKS).read_text())["warnings"])
    assert "unblinded" not in manifest.info
    assert set(manifest.inputs) == {"templates corrected", "closure tight_id"}
    assert modelled.build(ProduceDatacards, model="z") == []


def test_a_changed_declaration_runs_nothing_upstream(modelled: Chain) -> None:
    def fingerprints() -> tuple[str, ...]:
        tasks = (
            modelled.task(RunProcessor, config="corrected", branch=-1),
            modelled.task(MergeOutputs, config="corrected"),
        )
        return (*(task.fingerprint for task in tasks), modelled.task(ProduceDatacards, model="z").fingerprint)

    before = fingerprints()
    modelled.edit("__init__.py", 'Stored("*")', 'Stored("*", years="apart")')
    after = fingerprints()
    assert after[:2] == before[:2]
    assert after[2] != before[2]
    assert modelled.build(ProduceDatacards, model="z") == ["ProduceDatacards z"]
    model = load_model(modelled.output("ProduceDatacards", "z") / MODEL_FILE)
    assert model.nuisances == ("sf_tight_id_toys", "lumi")


@pytest.mark.parametrize("reference", ["ttbar", "zmumu"])
def test_no_fingerprint_of_templates_and_their_figures_knows_the_statistics(reference: str) -> None:
    for name, task in tasks_of(reference, default=False).items():
        found = specification(task.fingerprint_spec())
        modules = {module for closure in found.closures.values() for module in closure}
        assert [module for module in modules if module.startswith("pocket.statistics")] == [], name
        assert [place for place, value in found.values.items() if "pocket.statistics" in value] == [], name


def test_changed_templates_that_arent_read_leave_a_model_as_it_is(modelled: Chain) -> None:
    modelled.build(ProduceDatacards, model="z")
    before = modelled.ids("ProduceDatacards")
    modelled.edit("__init__.py", '"muon_pt": HistConf([muon_pt])', '"muon_pt": HistConf([tight])')
    assert "MergeOutputs corrected" in modelled.build(ProduceDatacards, model="z")
    assert modelled.ids("ProduceDatacards") == before


def test_unblinding_is_recorded_and_another_output(modelled: Chain) -> None:
    assert modelled.build(ProduceDatacards, model="z", unblind="approved") == ["ProduceDatacards z"]
    folder = modelled.output("ProduceDatacards", "z")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.info["unblinded"] == "approved"
    (region,) = load_model(folder / MODEL_FILE).regions
    assert region.data is not None
    assert region.data.sum() > 0
    modelled.build(ProduceDatacards, model="z")
    assert len(modelled.outputs("ProduceDatacards")) == 2


def test_strict_fails_on_warnings_and_keeps_them(modelled: Chain) -> None:
    modelled.edit("__init__.py", 'Stored("*")', 'Stored("*", symmetrise="average")')
    modelled.edit("__init__.py", "edges=(0, 20, 40, 80)", "edges=(0, 4, 80)")
    modelled.build(ProduceDatacards, model="z")
    (folder,) = modelled.outputs("ProduceDatacards")
    warnings = json.loads((folder / CHECKS).read_text())["warnings"]
    assert warnings
    text = modelled.error(ProduceDatacards, model="z", strict=True)
    assert text.startswith(f"model 'z' has {counted(len(warnings), 'warning')}, which --strict doesn't allow: ")
    (failed,) = folder.parent.glob(".*.failed")
    assert json.loads((failed / CHECKS).read_text())["warnings"] == warnings


def test_models_are_combined_by_a_declaration(modelled: Chain) -> None:
    other = MODEL.replace('"corrected"', '"main"').replace('"all"', '"control"').replace('Stored("*"), ', "")
    modelled.edit("__init__.py", 'models={"z":', f'models={{"y": {other}, "both": CombinedModel("z", "y"), "z":')
    modelled.edit("__init__.py", "import LogNormal", "import CombinedModel, LogNormal")
    ran = modelled.build(ProduceDatacards, model="both")
    assert ran[-1] == "ProduceDatacards both"
    assert {"ProduceDatacards y", "ProduceDatacards z"} <= set(ran)
    folder = modelled.output("ProduceDatacards", "both")
    model = load_model(folder / MODEL_FILE)
    assert [region.name for region in model.regions] == ["all", "control"]
    assert model.parameters == ("r", "sf_tight_id", "lumi")
    assert model.blind == ("all", "control")
    parts = [modelled.output("ProduceDatacards", name) for name in ("z", "y")]
    treatment, checks = (json.loads((folder / name).read_text()) for name in (TREATMENT, CHECKS))
    assert treatment == {
        name: of_region for part in parts for name, of_region in json.loads((part / TREATMENT).read_text()).items()
    }
    assert checks["warnings"] == [
        warning for part in parts for warning in json.loads((part / CHECKS).read_text())["warnings"]
    ]
    cards = {path.name for path in folder.glob("*.txt")}
    assert cards == {"datacard.txt", "datacard_all.txt", "datacard_control.txt"}
    manifest = read_manifest(folder)
    assert manifest is not None
    assert set(manifest.inputs) == {"model z", "model y"}
    assert modelled.build(ProduceDatacards, model="both") == []
    # Its fit and the plots of it are those of a model.
    assert modelled.build(PlotFit, model="both", formats=("png",)) == ["FitModel both", "PlotFit both"]
    names = {path.stem for path in modelled.output("PlotFit", "both").glob("*.png")}
    assert {"all_postfit", "control_postfit", "impacts_r"} <= names
    assert modelled.build(FitModel, model="both", data="toys", toys=2, freeze=("l*",)) == [
        "FitToys both",
        "FitModel both",
    ]
    # Of a combined model, unblinding shows the data of all.
    modelled.build(ProduceDatacards, model="both", unblind="approved")
    unblinded = [load_model(path / MODEL_FILE) for path in modelled.outputs("ProduceDatacards") if "both" in str(path)]
    assert sorted(len(model.blind) for model in unblinded) == [0, 2]


def test_why_there_is_no_workspace_is_said(modelled: Chain) -> None:
    free = 'Free("norm", "dy", formula="1+@0", arguments=("r",))'
    modelled.edit("__init__.py", 'Stored("*")', f'Stored("*"), {free}')
    modelled.edit("__init__.py", "import LogNormal", "import Free, LogNormal")
    run = run_here(modelled, "ProduceDatacards", "--model", "z")
    assert run.code == 0, run.text
    assert "no workspace.json: the model has the formula 'norm', and pyhf has no formulas" in run.text
    assert not (modelled.output("ProduceDatacards", "z") / WORKSPACE).exists()


def test_an_unknown_model_is_refused_at_once(modelled: Chain) -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'x' in analysis 'small'"):
        modelled.task(ProduceDatacards, model="x")
    run = run_here(modelled, "ProduceDatacards")
    assert run.errors == ["expected --model; analysis 'small' has z"]


def test_numbers_have_their_nouns() -> None:
    assert counted(1, "process", "processes") == "1 process"
    assert counted(2, "process", "processes") == "2 processes"
    assert warning_lines([]) == []
    assert warning_lines(["no_shape", "noise", "no_shape"]) == [
        "checks: 3 warnings (2 no shape, 1 noise), see checks.json"
    ]
    assert warning_lines(["noise"], "/of/the/model.json") == ["checks: 1 warning (1 noise), see /of/the/model.json"]


@pytest.mark.parametrize("combined", [False, True])
def test_events_that_regions_have_in_common_are_told(
    modelled: Chain, capsys: pytest.CaptureFixture[str], combined: bool
) -> None:
    categories = (
        '"many": [get_nPVgood(25)], "even": [get_event_number(0)], "both": [get_nPVgood(25), get_event_number(0)]'
    )
    modelled.edit("__init__.py", '"baseline": [passthrough]', f'"baseline": [passthrough], {categories}')
    modelled.edit("__init__.py", "import get_nPVgood", "import get_event_number, get_nPVgood")
    region = '"all": Region("corrected", "baseline", "npvs", edges=(0, 20, 40, 80))'
    many, even = ('"many": Region("corrected", "many", "npvs")', '"even": Region("corrected", "even", "npvs")')
    if combined:
        one, two = (MODEL.replace(region, each).replace('blind="all"', "blind=()") for each in (many, even))
        modelled.edit("__init__.py", f'"z": {MODEL}', f'"one": {one}, "two": {two}, "z": CombinedModel("one", "two")')
        modelled.edit("__init__.py", "import LogNormal", "import CombinedModel, LogNormal")
    else:
        modelled.edit("__init__.py", region, f"{many}, {even}")
        modelled.edit("__init__.py", 'blind="all"', 'blind="even"')
    modelled.build(ProduceDatacards, model="z")
    sums = read_sums(modelled.task(MergeOutputs, config="corrected").directory)

    def events(category: str, wanted: str) -> int:
        found = sums["cutflow"][category].values()
        return sum(numbers["nominal"] for of in found for sample, numbers in of.items() if sample == wanted)

    def shown(sample: str) -> str:
        both, fewer = events("both", sample), min(events("many", sample), events("even", sample))
        assert 0 < both < fewer
        return f"{both:,} of {fewer:,} events of"

    of_data = f" and {shown('DATA_SingleMuon')} data" if combined else ""
    text = f"regions 'many' and 'even' have {shown('DYJetsToMuMu')} simulation{of_data} in common, which count twice"
    warnings = json.loads((modelled.output("ProduceDatacards", "z") / CHECKS).read_text())["warnings"]
    assert [warning["text"] for warning in warnings if warning["check"] == "shared_events"] == [text]
    assert f"\nwarning: {text}\n" in capsys.readouterr().out
    assert modelled.build(ProduceDatacards, model="z") == []
