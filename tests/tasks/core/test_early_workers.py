from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core import early_workers
from tasks.core.early_workers import start_early

COMMAND = ["PlotTemplates", "--version", "v1"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The starts of the fork server, none of which happens."""
    starts: list[str] = []
    monkeypatch.delenv(early_workers.VARIABLE, raising=False)
    monkeypatch.setattr(early_workers, "available_cores", lambda: 2)
    monkeypatch.setattr(early_workers, "worker_context", lambda: starts.append("prepared"))
    monkeypatch.setattr(early_workers.forkserver, "ensure_running", lambda: starts.append("started"))
    monkeypatch.setattr(early_workers, "_ends_unused", False)
    return starts


def test_the_server_starts_early_once_for_a_command_and_its_code(tmp_path: Path, started: list[str]) -> None:
    start_early(tmp_path, COMMAND)
    assert started == ["prepared", "started"]
    start_early(tmp_path, COMMAND)
    assert len(started) == 2
    start_early(tmp_path, [*COMMAND, "--config", "nominal"])
    assert len(started) == 4
    changed = tmp_path / "changed"
    changed.mkdir()
    start_early(changed, COMMAND)
    assert len(started) == 6


def test_another_store_counts_as_another_command(
    tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in ("one", "other"):
        monkeypatch.setenv("POCKET_STORE", store)
        start_early(tmp_path, COMMAND)
    assert len(started) == 4


@pytest.mark.parametrize(
    "options",
    [["--workflow", "htcondor"], ["--cores=1"], ["--executor", "dask"], ["--branch", "3"], ["--cluster=slurm"]],
)
def test_commands_that_need_no_workers_here_start_none(tmp_path: Path, started: list[str], options: list[str]) -> None:
    start_early(tmp_path, [*COMMAND, *options])
    assert started == []


def test_it_can_be_switched_off_and_needs_two_cores(
    tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(early_workers.VARIABLE, "0")
    start_early(tmp_path, COMMAND)
    monkeypatch.delenv(early_workers.VARIABLE)
    monkeypatch.setattr(early_workers, "available_cores", lambda: 1)
    start_early(tmp_path, COMMAND)
    assert started == []


def test_a_folder_that_cannot_be_written_starts_none(tmp_path: Path, started: list[str]) -> None:
    (tmp_path / ".commands").write_text("")
    start_early(tmp_path, COMMAND)
    assert started == []


PROGRAM = """
import os, sys
from multiprocessing import forkserver
from pathlib import Path
from tasks.core import early_workers

early_workers.PRELOAD = ("sleeping",)
early_workers.available_cores = lambda: 2
early_workers.start_early(Path(sys.argv[1]), ["PlotTemplates"])
print(forkserver._forkserver._forkserver_pid)
"""


def test_a_server_that_nobody_used_ends_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "sleeping.py").write_text("import time\n\ntime.sleep(600)\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    environment.pop(early_workers.VARIABLE, None)
    # Its standard error is read to its end, which waits for every process that holds it open.
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True, text=True, timeout=60, env=environment, check=True,
    )  # fmt: skip
    assert (run.stderr, int(run.stdout) > 0) == ("", True)
