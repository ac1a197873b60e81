"""A store that was copied elsewhere and is only read: all in it is complete, and new work goes to the own store."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.law_runner import ROOT, Law, Run

pytestmark = [pytest.mark.slow, pytest.mark.root]


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests" / "tasks" / "small", tmp_path / "analysis"))


def plots(law: Law, analysis: Path, *options: str) -> Run:
    chosen = ("--version", "v1", "--config", "corrected", "--cores", "1", "--analysis", str(analysis))
    return law.run("PlotTemplates", *chosen, *options)


def law_in(folder: Path, **extra: str) -> Law:
    folder.mkdir()
    return Law(folder, extra)


@pytest.fixture
def archive(tmp_path: Path, analysis: Path) -> Iterator[Path]:
    """A copy of a store that is gone, at another path and mounted read-only."""
    made = law_in(tmp_path / "first")
    run = plots(made, analysis)
    assert run.code == 0, run.text
    shutil.copytree(made.store, tmp_path / "copy")
    shutil.rmtree(made.folder)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "copy", mounted], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", mounted], check=True)
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def holding(store: Path, text: str) -> list[Path]:
    """Return the manifests and filesets of a store that hold a text."""
    files = [path for name in ("manifest.json", "fileset.json") for path in store.rglob(name)]
    assert files
    return [path for path in files if text in path.read_text()]


def test_everything_in_it_is_complete(tmp_path: Path, analysis: Path, archive: Path) -> None:
    run = plots(law_in(tmp_path / "second", POCKET_STORE=str(archive)), analysis)
    assert run.code == 0, run.text
    assert f"small v1: complete, 11 tasks, {archive}/small/PlotTemplates/corrected/v1/" in run.text
    assert holding(archive, str(tmp_path / "first" / "store")) == []


def test_it_is_read_and_new_work_goes_to_the_own_store(tmp_path: Path, analysis: Path, archive: Path) -> None:
    law = law_in(tmp_path / "second", LAW__store__read=str(archive))
    run = plots(law, analysis)
    assert f"small v1: complete, 11 tasks, {archive}/small/PlotTemplates/corrected/v1/" in run.text
    status = plots(law, analysis, "--print-status", "-1").text
    assert status.count(f"in {archive}\n") == 11
    assert f"output: {archive}/small/PlotTemplates/" in status
    # All that is here are links.
    assert [path for path in law.store.rglob("*") if path.is_file() and not path.is_symlink()] == []

    parameters = analysis / "parameters.yaml"
    parameters.write_text(parameters.read_text().replace("pt: 20.0", "pt: 21.0"))
    status = plots(law, analysis, "--print-status", "-1").text
    assert "RunProcessor main                would run  2 branches  parameter leading_muon.pt: 20.0 → 21.0" in status
    run = plots(law, analysis)
    assert run.code == 0, run.text
    assert "MakeToySamples" not in run.text
    assert "plots              store/small/PlotTemplates/corrected/v1/" in run.text
    made = [path for path in (law.store / "small").glob("MergeOutputs/*/v1/*") if not path.is_symlink()]
    assert len(made) == 3
    assert holding(law.store, str(law.store)) == holding(law.store, str(archive)) == []
    assert plots(law, analysis).executed == []
