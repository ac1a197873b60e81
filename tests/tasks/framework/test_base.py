from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import law
import pytest

from pocket.errors import ConfigError
from pocket.io.store import store_path
from tasks.chain.datasets import BuildDatasets
from tasks.chain.efficiencies import PlotEfficiencies
from tasks.chain.exporting import ExportCoffea, ExportScaleFactors
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotCutflow, PlotScaleFactors, PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.systematics import PlotShapes, ShowYields
from tasks.chain.toys import MakeToySamples
from tasks.chain.validation import ValidateScaleFactors
from tasks.core.targets import StoreTarget
from tasks.framework.base import StoreTask, input_ids
from tasks.framework.records import significant_parameters
from tasks.statistics.systematics import PlotSystematics
from tests.tasks.small_chain import Chain, run_here, unfinished

pytestmark = pytest.mark.slow

PROCESSED = {f"{task} {part}" for task in ("RunProcessor", "MergeOutputs") for part in ("probes", "main", "corrected")}
CORRECTED = {"RunProcessor corrected", "MergeOutputs corrected", "PlotTemplates corrected"}
MEASURED = {"ComputeScaleFactors tight_id", "ValidateScaleFactors tight_id"}
FROM_PROCESSOR = PROCESSED | CORRECTED | MEASURED
EVERYTHING = {"MakeToySamples toys", "BuildDatasets datasets"} | FROM_PROCESSOR


#: the tasks that the small analysis can run, each with what it needs beside a version
FAMILIES: list[tuple[type[StoreTask], dict[str, Any]]] = [
    (MakeToySamples, {}),
    (BuildDatasets, {}),
    (RunProcessor, {"config": "main"}),
    (MergeOutputs, {"config": "main"}),
    (ComputeScaleFactors, {"scale_factor": "tight_id"}),
    (ValidateScaleFactors, {"scale_factor": "tight_id"}),
    (PlotTemplates, {}),
    (PlotCutflow, {}),
    (PlotScaleFactors, {"scale_factor": "tight_id"}),
    (PlotSystematics, {"config": "main"}),
    (PlotShapes, {"config": "main"}),
    (PlotEfficiencies, {"config": "probes", "passing_axis": "passing"}),
    (ShowYields, {"config": "main"}),
    (ExportCoffea, {"config": "main"}),
    (ExportScaleFactors, {"scale_factor": ("tight_id",), "layout": "MUO", "names": ("SF",), "inputs": ("eta=0:2.4",)}),
]
#: those of them that aren't part of the chain that has run
ON_THEIR_OWN = (
    *(PlotCutflow, PlotScaleFactors, PlotSystematics, PlotShapes, PlotEfficiencies, ShowYields),
    *(ExportCoffea, ExportScaleFactors),
)


def concrete(cls: type[StoreTask]) -> set[type[StoreTask]]:
    """Return the tasks derived from one, except those that are only there to be derived from."""
    below = {task for child in cls.__subclasses__() for task in concrete(child)}
    return below if cls.exclude_index else {cls, *below}


def test_every_parameter_is_described_with_its_default() -> None:
    for module in law.config.options("modules"):
        importlib.import_module(module)
    of_law = {name for name, _ in law.LocalWorkflow.get_params()}
    assert {task for task, _ in FAMILIES} < concrete(StoreTask)
    for task in concrete(StoreTask):
        own = [(name, parameter) for name, parameter in task.get_params() if name not in of_law]
        assert "version" in dict(own)
        for name, parameter in own:
            default = parameter._default
            described = re.search(r"; (no default|default: .+)$", parameter.description)
            assert described, f"{task.__name__}.{name}"
            if isinstance(default, int | str) and default != law.NO_STR:
                assert described[1] == f"default: {default}"


CHANGES: list[tuple[str, str, str, set[str]]] = [
    ("cuts.py", "pt) > params", "pt) >= params", FROM_PROCESSOR),
    ("cuts.py", "# without a muon there is no value, which counts as not passed", "# None fails", set()),
    ("cuts.py", "Require a muon above a threshold.", "Ask for a muon.", set()),
    ("__init__.py", "muons.looseId &", "muons.tightId &", FROM_PROCESSOR),
    ("__init__.py", "bins=20", "bins=10", {"RunProcessor main", "MergeOutputs main"} | CORRECTED),
    ("__init__.py", 'axes=("pt",)', 'axes=("pt",), flow="error"', MEASURED | CORRECTED),
    ("__init__.py", "Good vertices", "Vertices", {"PlotTemplates corrected"}),
    ("parameters.yaml", "pt: 20.0", "pt: 35.0", FROM_PROCESSOR),
    ("parameters.yaml", "#f89c20", "#e42536", {"PlotTemplates corrected"}),
    ("parameters.yaml", "scale: 0.005", "scale: 0.006", EVERYTHING),
]


def test_what_a_change_runs_again(chain: Chain) -> None:
    wrong = {}
    for file, old, new, expected in CHANGES:
        chain.edit(file, old, new)
        if (found := chain.missing()) != expected:
            wrong[f"{file}: {new}"] = found ^ expected
        chain.edit(file, new, old)
    assert wrong == {}
    # all of it is taken back
    assert chain.missing() == set()


def test_path_is_known_before_anything_has_run(on_files: Chain) -> None:
    for task, params, part in [
        (PlotTemplates, {}, "corrected"),
        (MergeOutputs, {"config": "main"}, "main"),
        (ComputeScaleFactors, {"scale_factor": "tight_id"}, "tight_id"),
    ]:
        found = on_files.task(task, **params)
        assert re.fullmatch("[0-9a-f]{12}", found.fingerprint)
        assert found.directory == store_path("small", task.__name__, part, "v1", found.fingerprint)
        assert not found.complete()
    assert not on_files.store.exists()


def test_other_ways_to_run_do_not_change_the_path(chain: Chain) -> None:
    directory = chain.task().directory
    for params in (
        {"cores": 2},
        {"chunk_size": 7},
        {"chunk_memory": 7},
        {"threads": 7},
        {"events_per_branch": 7},
        {"skip_bad_files": True},
        {"variables": ("npvs",)},
        {"categories": ("baseline",)},
        {"formats": ("svg",)},
        {"params": ("plotting_style.formats=[svg]",)},
    ):
        assert chain.task(**params).directory == directory
    for params in ({"params": ("leading_muon.pt=35",)}, {"compare": "none"}):
        assert chain.task(**params).directory != directory


class Unfinished(StoreTask):
    """A task of somebody who has just begun."""

    exclude_index = True


class Idle(Unfinished):
    """A task that makes nothing."""

    exclude_index = True

    config_part = "all"

    def fingerprint_spec(self) -> Any:
        return {}

    def input_ids(self) -> dict[str, str]:
        return {}

    def make(self) -> None:
        pass


def test_a_task_that_lacks_something_says_what() -> None:
    task = Unfinished(version="v1", analysis="zmumu")
    for member, look in {
        "fingerprint_spec": lambda: task.fingerprint,
        "config_part": lambda: task.progress_label,
        "input_ids": task.input_ids,
        "make": task.make,
    }.items():
        with pytest.raises(ConfigError, match=rf"^Unfinished lacks {member}, see docs/how-to/extending\.md#a-task$"):
            look()


def test_a_task_that_makes_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"^Idle all: make\(\) wrote no output, use write_output\(\*\*self\.write_info"
    ):
        Idle(version="v1", analysis="zmumu").run()


def test_ids_of_inputs() -> None:
    class Target:
        def __init__(self, identifier: str | None) -> None:
            self.id = identifier

    a, b, none = Target("1"), Target("2"), Target(None)
    targets: Any = {"a": a, "b": b}
    assert input_ids(targets) == {"a": "1", "b": "2"}
    targets["b"] = none
    assert input_ids(targets) is None
    assert input_ids({}) == {}


def test_manifest_tells_the_parameters(chain: Chain) -> None:
    task = chain.task(MergeOutputs, config="main", params=("leading_muon.pt=35",))
    info = task.write_info()
    assert info.pop("directory") == task.directory
    assert info == {
        "remote": None,
        "replaces": "",
        "task": "MergeOutputs",
        "inputs": {},
        "analysis": str(chain.analysis),
        "config": "main",
        "version": "v1",
        "fingerprint": task.fingerprint,
        "params": ["leading_muon.pt=35"],
        "parameters": significant_parameters(task),
        "records": {"spec": task.fingerprint, "lock": task.records["lock"]},
        "measured": True,
    }


SIGNS = "├─└│ "


def states(text: str) -> dict[str, str]:
    """Return what --print-status tells: task and configuration → what the next run would do."""
    lines = [
        re.split(r"  +", line.lstrip(SIGNS)) for line in text.splitlines() if re.match(rf"[{SIGNS}]*[A-Z]\w+ ", line)
    ]
    return {task: "  ".join(rest) for task, *rest in lines}


def test_dependencies_and_status_before_anything_has_run(on_files: Chain) -> None:
    dependencies = on_files.ask("PlotTemplates", "--print-deps", "-1")
    assert dependencies.code == 0
    assert (
        dependencies.text
        == """\
PlotTemplates corrected
├─ MergeOutputs corrected
│  └─ RunProcessor corrected
│     ├─ BuildDatasets datasets
│     └─ ComputeScaleFactors tight_id
│        └─ MergeOutputs probes
│           └─ RunProcessor probes
│              └─ above: BuildDatasets datasets
├─ MergeOutputs main
│  └─ RunProcessor main
│     └─ above: BuildDatasets datasets
└─ ValidateScaleFactors tight_id
   └─ above: ComputeScaleFactors tight_id

10 tasks
"""
    )
    before = on_files.ask("PlotTemplates", "--print-status", "-1")
    assert before.code == 0
    assert len(states(before.text)) == 10
    assert {status.split("  ")[0] for status in states(before.text).values()} == {"would run"}
    assert states(before.text)["MergeOutputs main"] == "would run  after RunProcessor main"
    assert not on_files.store.exists()


def test_status_of_a_chain_that_has_run(chain: Chain) -> None:
    after = chain.ask("PlotTemplates", "--print-status", "-1")
    assert after.code == 0
    assert {status.split("  ")[0] for status in states(after.text).values()} == {"complete"}
    assert states(after.text)["RunProcessor main"] == "complete  4 branches"


@pytest.mark.parametrize(("cls", "params"), FAMILIES)
def test_output_of_one_task_is_removed(chain: Chain, cls: type[StoreTask], params: dict[str, str]) -> None:
    if cls is BuildDatasets:
        params = {"definition": str(chain.analysis / "datasets.json")}
    elif cls in ON_THEIR_OWN:
        chain.build(cls, **params)
    before = set(chain.outputs(""))
    with pytest.raises(SystemExit) as end:
        chain.task(cls, **params, remove_output=("0", "a"))
    assert end.value.code == 0
    directory = chain.task(cls, **params).directory
    gone = {path for path in before if path.is_relative_to(directory)}
    assert gone
    assert set(chain.outputs("")) == before - gone
    assert unfinished(chain.store) == []


def test_output_is_removed_and_made_again(chain: Chain) -> None:
    before, contents = chain.ids("RunProcessor", "main"), chain.contents("")
    task = chain.wanted("RunProcessor", "--config", "main", "--remove-output", "0,a,y")
    assert chain.outputs("RunProcessor", "main") == []
    assert run_here(task) == ["RunProcessor main"]
    again = chain.ids("RunProcessor", "main")
    assert set(again) == set(before)
    assert not set(again.values()) & set(before.values())
    # with the same content, so that nothing made from it has to be made again
    assert chain.contents("") == contents
    assert chain.missing() == set()


def test_outputs_of_the_whole_chain_are_removed(chain: Chain) -> None:
    run = chain.ask("PlotTemplates", "--remove-output=-1,a")
    assert run.code == 0
    # what they were made with stays, and the logs
    files = [path for path in chain.store.rglob("*") if path.is_file()]
    assert [path for path in files if not {".records", ".logs"} & set(path.parts)] == []


def test_target_belongs_to_the_task(chain: Chain) -> None:
    task = chain.task(MergeOutputs, config="main")
    target = task.output()
    assert isinstance(target, StoreTarget)
    assert target.directory == task.directory
    assert task.complete()
