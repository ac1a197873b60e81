from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.foreign.discovery import Configuration
from benchmarks.foreign.running import Outcome, Side, our_side, try_configuration, upstream_side

#: A side that writes which requests it got, and stops as its configuration says.
SCRIPT = """
import json, os, pathlib, sys
request = json.loads(pathlib.Path(sys.argv[1]).read_text())
result = {"stages": ["import"], "path": os.environ.get("PYTHONPATH")}
pathlib.Path(request["output"], "result.json").write_text(json.dumps(result))
exec(pathlib.Path(request["path"]).read_text())
result["stages"] += ["load", "process"]
pathlib.Path(request["output"], "result.json").write_text(json.dumps(result))
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    path = tmp_path / "repository" / "a" / "config.py"
    path.parent.mkdir(parents=True)
    path.write_text("pass\n")
    return Configuration(tmp_path / "repository", path)


def tried(configuration: Configuration, tmp_path: Path, timeout: float = 60, **side: Any) -> Outcome:
    one = Side("side", (sys.executable, "-c", SCRIPT), {"PYTHONPATH": ""}, **side)
    return try_configuration(one, configuration, {"files": {}}, tmp_path / "cache", timeout)


def test_an_outcome_is_used_again_until_the_configuration_changes(configuration: Configuration, tmp_path: Path) -> None:
    first = tried(configuration, tmp_path, version="1", needs_root=True)
    assert first.stages == ("import", "load", "process")
    assert first.error == ""
    assert first.details["path"] == str(configuration.root)
    mark = first.folder / "mark"
    mark.touch()
    assert tried(configuration, tmp_path, version="1").passed("process")
    assert mark.exists()
    configuration.path.write_text("raise SystemExit(3)\n")
    assert tried(configuration, tmp_path, version="1").error == "ended with 3 and no result"
    assert not mark.exists()


def test_a_side_without_a_version_is_run_each_time(configuration: Configuration, tmp_path: Path) -> None:
    mark = tried(configuration, tmp_path).folder / "mark"
    mark.touch()
    tried(configuration, tmp_path)
    assert not mark.exists()


def test_a_trial_that_takes_too_long_is_stopped(configuration: Configuration, tmp_path: Path) -> None:
    configuration.path.write_text("import threading\nthreading.Event().wait()\n")
    outcome = tried(configuration, tmp_path, timeout=1)
    assert (outcome.stages, outcome.error) == (("import",), "took longer than 1 s")


def test_pocketcoffea_goes_before_that_of_a_fork(configuration: Configuration, tmp_path: Path) -> None:
    package = tmp_path / "head" / "pocket_coffea" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={package.parents[1]} exec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    side = dataclasses.replace(upstream_side(python), command=(sys.executable, "-c", SCRIPT))
    outcome = try_configuration(side, configuration, {"files": {}}, tmp_path / "cache", 60)
    assert outcome.details["path"] == f"{package.parents[1]}:{configuration.root}"


def test_our_side_keeps_packages_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = our_side(tmp_path).environment
    assert environment["PYTHONPATH"].endswith(":/elsewhere")
    assert environment["POCKET_CORRECTIONS"] == str(tmp_path)
