"""An analysis in a repository of its own, with an environment that has the wheel and the packages of the lock."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pocket import __version__
from pocket.histograms.files import read_templates
from tests.wheel.conftest import Repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plotted(repository: Repository) -> Repository:
    """The repository with the plots of its analysis."""
    run = repository.law("PlotTemplates")
    assert re.search(r"^  plots +.*/muons/PlotTemplates/main/v1/\w+/$", run.text, re.MULTILINE)
    return repository


def outputs(repository: Repository, task: str, config: str = "main") -> Path:
    """Return the one output of a task."""
    (folder,) = (repository.store / "muons" / task / config / "v1").iterdir()
    return folder


def test_chain(plotted: Repository) -> None:
    assert sorted(path.name for path in (plotted.store / "muons" / "PlotTemplates").iterdir()) == ["main"]
    names = {path.name for path in outputs(plotted, "PlotTemplates").rglob("*.png")}
    assert names == {"mll.png", "ptll.png"}
    histograms = read_templates(outputs(plotted, "MergeOutputs"), "mll")
    assert {"DYJetsToMuMu", "DATA_SingleMuon"} <= set(histograms)
    assert "muon_momentumUp" in list(histograms["DYJetsToMuMu"].axes["variation"])
    # the analysis ran from a snapshot of the repository, which has no engine
    (snapshot,) = [path for path in plotted.folder.glob(".law/running-*/*-*") if path.is_dir()]
    assert (snapshot / "muons" / "cuts.py").is_file()
    assert not (snapshot / "pocket").exists()


def test_own_checks_pass(plotted: Repository) -> None:
    run = plotted.run("ruff check && ruff format --check && mypy && pytest -q")
    assert run.code == 0, run.text
    assert "4 passed" in run.text


def test_command(plotted: Repository, tmp_path: Path) -> None:
    run = plotted.run(f"pocketlaw --version && cd {tmp_path} && pocketlaw new others --with skim")
    assert run.code == 0, run.text
    assert f"pocketlaw {__version__}" in run.text
    # the source is the one of this environment
    line = (plotted.folder / "requirements.txt").read_text().splitlines()[1]
    assert line in (tmp_path / "others" / "requirements.txt").read_text().splitlines()
    run = plotted.run("pocketlaw update && pocketlaw doctor")
    assert run.code == 0, run.text
    assert f"are those of Pocketlaw {__version__} already" in run.text
    assert f"those of requirements.lock, in {plotted.folder}/.venv" in run.text
    assert f"{plotted.folder}/.law/index is newer than all tasks" in run.text


def test_workers_of_dask(plotted: Repository) -> None:
    before = outputs(plotted, "MergeOutputs")
    content = (before / "histograms.h5").read_bytes()
    for task in ("RunProcessor", "MergeOutputs"):
        shutil.rmtree(plotted.store / "muons" / task / "main")
    plotted.law("MergeOutputs", "--executor", "dask", "--max-workers", "1")
    assert outputs(plotted, "MergeOutputs") == before
    assert (before / "histograms.h5").read_bytes() == content


@pytest.mark.parametrize("name", ["tasks", "pocket.py"])
def test_packages_with_the_names_of_ours_are_refused(plotted: Repository, name: str) -> None:
    path = plotted.folder / name
    if path.suffix:
        path.touch()
    else:
        path.mkdir()
    try:
        run = plotted.run("true")
    finally:
        path.unlink() if path.suffix else path.rmdir()
    assert run.code == 1
    package = name.removesuffix(".py")
    assert run.text.splitlines() == [
        f"setup.sh: {path} would be taken for Pocketlaw's package {package}: give it another name"
    ]
