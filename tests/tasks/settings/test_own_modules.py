from __future__ import annotations

import os
from pathlib import Path

import law
import pytest

from pocket.errors import ConfigError
from tasks.chain.processing import RunProcessor
from tasks.settings import own_modules
from tasks.settings.own_modules import batch_system_modules, check_modules, indexed_files, named_modules
from tests.law_runner import ROOT
from tests.tasks.small_chain import Chain


def name_modules(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(own_modules, "named_modules", lambda: dict.fromkeys(names, "[modules]"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of PYTHONPATH with a module that law.cfg names."""
    (tmp_path / "modules_of_mine.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    name_modules(monkeypatch, "tasks.chain.processing", "json", "luigi", "no_such_module", "modules_of_mine")
    return tmp_path


def test_modules_of_law_cfg(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_modules()["tasks.chain.processing"] == "[modules]"
    assert batch_system_modules() == []
    monkeypatch.setattr(law.config, "get_expanded", lambda *_, **__: "my_lsf, other.pbs,")
    assert batch_system_modules() == ["my_lsf", "other.pbs"]
    assert named_modules()["other.pbs"] == "batch_systems"


def test_files_that_the_index_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tasks" / "chain").mkdir(parents=True)
    (tmp_path / "tasks" / "chain" / "toys.py").write_text("")
    (tmp_path / "indexed_tasks.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(law.config, "options", lambda section: ["indexed_tasks", "no_such_module"])
    assert indexed_files(tmp_path) == [
        tmp_path / "law.cfg",
        tmp_path / "tasks" / "chain" / "toys.py",
        tmp_path / "indexed_tasks.py",
    ]


@pytest.mark.parametrize(
    ("environment", "keeps", "found"),
    [("shared", True, True), ("shared", False, False), ("bundle", True, False), ("bundle", False, False)],
)
def test_modules_that_jobs_find(elsewhere: Path, environment: str, keeps: bool, found: bool) -> None:
    if found:
        check_modules("HTCondor", environment, keeps)
        return
    with pytest.raises(ConfigError) as error:
        check_modules("HTCondor", environment, keeps)
    assert str(error.value) == (
        f"jobs on HTCondor wouldn't find modules_of_mine, which [modules] of law.cfg names: it is in {elsewhere}, and "
        f"jobs have the checkout and the installed packages; move it into {ROOT}, or install it"
    )


def test_a_package_that_was_installed_to_be_edited(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    check_modules("HTCondor", "shared", False)
    with pytest.raises(ConfigError, match="wouldn't find modules_of_mine"):
        check_modules("HTCondor", "bundle", False)


def test_it_is_checked_before_anything_runs(chain: Chain, elsewhere: Path) -> None:
    with pytest.raises(ConfigError, match=r"^jobs on Slurm wouldn't find modules_of_mine"):
        chain.task(RunProcessor, config="main", workflow="slurm")
    assert chain.task(RunProcessor, config="main").workflow == "local"
