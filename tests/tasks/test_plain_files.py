"""Configuration files as PocketCoffea's users have them, untouched, through ``law run`` and in the code of jobs."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import law
import pytest
import uproot
from luigi.task_register import Register

from pocket.configuration.loading import forget_analyses
from pocket.executors.code import code_folders
from pocket.histograms.files import read_sums, read_templates
from tasks.batch.environment import code_members
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.framework.base import StoreTask
from tests.law_runner import ROOT, Law, Run
from tests.tasks.small_chain import error_here, run_here

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "reference" / "pocketcoffea.md"
#: options of all tasks that luigi and law bring
OF_LAW = {"--print-status", "--print-deps", "--remove-output", "--log-level", "--help"}
PLAIN = Path(__file__).with_name("plain")
#: of tasks in this process
OPTIONS: dict[str, Any] = {"version": "v1", "events_per_branch": 1000, "cores": 1}
#: prints the digest of what is processed, and the file of a sibling
SCRIPT = """
import sys
from pocket import load_analysis
from pocket.base.fingerprint import digest
analysis = load_analysis(sys.argv[1])
print(digest(analysis.config("config").plan().spec()))
print(sys.modules["workflow"].__file__)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "repository"
    shutil.copytree(PLAIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(repository: Path, task: str, config: str = "dimuon", *more: str) -> Run:
    """Run a task for a configuration file, named relative to where the command begins."""
    options = ("--version", "v1", "--events-per-branch", "1000", "--cores", "1", *more)
    return Law(repository.parent).run(task, "--analysis", configuration(config), *options)


def configuration(name: str) -> str:
    """Return a configuration file, relative to where commands begin."""
    return f"repository/configs/{name}/config.py"


def ran(repository: Path, task: type[StoreTask], config: str = "dimuon", **params: Any) -> list[str]:
    """Run a task for a configuration file in this process; return what ran."""
    with here(repository):
        return run_here(task(analysis=configuration(config), **OPTIONS, **params))


@contextmanager
def here(repository: Path) -> Iterator[None]:
    """Let tasks of this process find the configuration files and the store as the command does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_STORE", str(Law(repository.parent).store))
        patch.setattr(sys, "path", [*sys.path])
        patch.chdir(repository.parent)
        Register.clear_instance_cache()
        forget_analyses()
        yield


def digest(file: Path, *path: Path) -> tuple[str, Path]:
    """Return the digest of a configuration file in a process of its own, and the file of its workflow."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "POCKET_ROOT": str(path[0])}
    command = [sys.executable, "-c", SCRIPT, str(file)]
    result = subprocess.run(command, env=environment, cwd=file.parents[1], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found, workflow = result.stdout.splitlines()
    return found, Path(workflow)


def test_a_chain_of_a_configuration_file(repository: Path) -> None:
    first = run(repository, "MergeOutputs")
    assert first.code == 0, first.text
    (merged,) = Law(repository.parent).outputs("MergeOutputs", "dimuon")
    assert merged.parents[1].name == "config"
    templates = read_templates(merged, "mll")
    assert set(templates) == {"DYJetsToMuMu", "DATA_SingleMuon"}
    assert templates["DATA_SingleMuon"].sum(flow=True)["value"] > 100
    # The command ran from a snapshot, and names files as they are in the repository.
    assert '"<analysis>/configs/dimuon/datasets/toys.json"' in (merged / "config.json").read_text()
    assert ran(repository, MergeOutputs) == []
    for name, old, new in (
        ("configs/common/masses.py", "91.19", "91.2"),
        (
            "configs/dimuon/workflow.py",
            "get_dilepton(None, self.events.MuonGood)",
            "get_dilepton(None, self.events.Muon)",
        ),
    ):
        path = repository / name
        path.write_text(path.read_text().replace(old, new))
        edited = run(repository, "MergeOutputs")
        assert edited.executed == ["RunProcessor", "MergeOutputs"], edited.text
    assert run(repository, "MergeOutputs", "single").code == 0
    (other,) = Law(repository.parent).outputs("MergeOutputs", "single")
    assert set(read_templates(other, "nMuonGood")) == {"DYJetsToMuMu"}


def test_run_for_a_test(repository: Path, tmp_path: Path) -> None:
    options = tmp_path / "run.yaml"
    options.write_text("chunksize: 100\nscaleout: 300\nlimit-files: 1\n")
    limited = ("--test", "--custom-run-options", str(options), "--filter-samples", "DYJetsToMuMu")
    first = run(repository, "PlotTemplates", "dimuon", *limited)
    assert first.code == 0, first.text
    assert f"note: {options}: options without a counterpart are ignored: scaleout" in first.text
    (merged,) = (path for path in Law(repository.parent).outputs("MergeOutputs", "dimuon") if "limited" in str(path))
    assert merged.parent.name == "v1.limited"
    info = json.loads((merged / "manifest.json").read_text())["info"]
    assert info["limited"] == "limited: some datasets, 1 file, 2 chunks per dataset"
    assert list(read_sums(merged)["cutflow"]["initial"]) == ["DYJetsToMuMu_toys"]
    assert 100 < read_sums(merged)["cutflow"]["initial"]["DYJetsToMuMu_toys"] < 300
    given = {"test": True, "custom_run_options": str(options), "filter_samples": ("DYJetsToMuMu",)}
    assert ran(repository, PlotTemplates, "dimuon", **given) == []


def test_commands_of_the_documentation_exist() -> None:
    """Check the tasks and options that stand for commands and options of PocketCoffea."""
    for module in law.config.options("modules"):
        importlib.import_module(module)
    text = PAGE.read_text()
    commands = re.findall(r"`?law run (\w+)([^`\n]*)", text)
    assert {"RunProcessor", "ExportCoffea", "BuildSkimDatasets", "ShowConfig"} <= {task for task, _ in commands}
    for task, arguments in commands:
        check_options(Register.get_task_cls(task), arguments)
    for command, arguments in re.findall(r"`pocketlaw (\w+) ([^`]*)`", text):
        assert f"{command} " in (
            help_of := subprocess.run(
                [sys.executable, "-m", "tasks.command", command, "--help"], cwd=ROOT, capture_output=True, text=True
            ).stdout
        )
        assert all(option in help_of for option in re.findall(r"--[\w-]+", arguments))
    section = text.partition("### Options of `pocket-coffea run`")[2].partition("### Commands")[0]
    rows = re.findall(r"^\| `.*? \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        check_options(RunProcessor, row)


def check_options(task: type[law.Task], text: str) -> None:
    """Check that a task has all options in a text, besides those of luigi and law."""
    known = {f"--{name.replace('_', '-')}" for name, _ in task.get_params()} | OF_LAW
    assert set(re.findall(r"--[a-z][\w-]*", text)) <= known, f"{task.__name__}: {text}"


def test_a_configuration_that_only_skims(repository: Path) -> None:
    folder = repository / "configs" / "skim"
    shutil.copytree(repository / "configs" / "single", folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "config.py").read_text()
    text = text.replace('variables={**count_hist("MuonGood")}', 'variables={}, save_skimmed_files="root://host/skims"')
    (folder / "config.py").write_text(text.replace("skim=[]", 'skim=[get_nObj_min(2, 5.0, "Muon")]'))
    result = run(repository, "BuildSkimDatasets", "skim")
    assert result.code == 0, result.text
    assert "save_skimmed_files='root://host/skims': nothing is written there" in result.text
    (made,) = Law(repository.parent).outputs("BuildSkimDatasets", "skim")
    (dataset,) = json.loads((made / "fileset.json").read_text()).values()
    assert 0 < dataset["metadata"]["nevents"] < dataset["metadata"]["nevents_before_skim"]
    for path in dataset["files"]:
        file = path.replace("<store>", str(Law(repository.parent).store))
        events = uproot.open(file)["Events"].arrays(["Muon_pt", "skimRescaleGenWeight"])
        assert ak.all(ak.sum(events.Muon_pt > 5, axis=1) >= 2)
    sentence = (
        "configuration 'config' only makes a skim (save_skimmed_files): run BuildSkimDatasets, whose datasets.json "
        "another configuration reads, or take save_skimmed_files out to fill templates"
    )
    for task in (RunProcessor, PlotTemplates):
        with here(repository):
            assert error_here(lambda task=task: task(analysis=configuration("skim"), **OPTIONS)) == sentence


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(PLAIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "configs" / "dimuon" / "workflow.py"
    path.write_text(f"from pocket_coffea.utils.plot_utils import PlotManager\nPlotManager()\n{path.read_text()}")
    result = run(folder, "MergeOutputs")
    assert result.code != 0
    (sentence,) = result.errors
    assert (
        "utils.plot_utils.PlotManager of PocketCoffea isn't here: `law run PlotTemplates` draws the plots" in sentence
    )
    assert f"{path}:2" in sentence
    assert not (tmp_path / "store" / "dimuon").exists()


def test_a_bundle_has_all_that_a_job_needs(repository: Path, tmp_path: Path) -> None:
    file = repository / "configs" / "dimuon" / "config.py"
    members, reference = code_members(ROOT, str(file))
    assert reference == "./bundle/outside/configs/dimuon/config.py"
    for name, source in members.items():
        if name.startswith("outside/"):
            target = tmp_path / "bundle" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    unpacked = tmp_path / reference
    found, workflow = digest(unpacked, ROOT, tmp_path / "bundle" / "outside")
    assert found == digest(file, ROOT)[0]
    assert workflow == unpacked.with_name("workflow.py")
    assert json.loads((unpacked.parent / "datasets" / "toys.json").read_text())
    assert not (tmp_path / "bundle/outside/configs/single").exists() or "configs/single" in str(sorted(members))


def test_workers_on_dask_get_the_same(repository: Path, tmp_path: Path) -> None:
    file = repository / "configs" / "dimuon" / "config.py"
    (sent,) = (folder for folder in code_folders(str(file)) if folder.parent == str(repository))
    assert sent.names == ("configs",)
    with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
        archive.extractall(tmp_path / "0")
    found, workflow = digest(tmp_path / "0" / "configs" / "dimuon" / "config.py", ROOT, tmp_path / "0")
    assert found == digest(file, ROOT)[0]
    assert workflow.is_relative_to(tmp_path)
