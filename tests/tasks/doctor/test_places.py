from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tasks.doctor.checks import Status, index, placement, writable

Usage = namedtuple("Usage", ("total", "used", "free"))


def test_placement() -> None:
    found = placement(["machines don't see the checkout /tmp/me: move it", "nor the store /tmp/s: set it"], "mine")
    assert [(result.name, result.status, result.advice) for result in found] == [
        ("placement", Status.PROBLEM, "move it"),
        ("placement", Status.PROBLEM, "set it"),
    ]
    (result,) = placement([], "any")
    assert (result.status, result.found) == (Status.OK, "site 'any' takes the checkout, the store, and the logs")


@pytest.mark.parametrize(("free", "status"), [(0.5e9, Status.PROBLEM), (5e9, Status.WARNING), (50e9, Status.OK)])
def test_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, status: Status) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 1e12 - free, free))
    result = writable("store", tmp_path / "later" / "store", "POCKET_STORE")
    left = f"{tmp_path} has {free / 1e9:.1f} GB left"
    assert (result.status, result.found) == (status, f"{tmp_path}/later/store doesn't exist yet; {left}")
    assert result.advice == (
        "" if status is Status.OK else "set POCKET_STORE to a folder with space that you can write"
    )
    assert list(tmp_path.iterdir()) == []
    assert writable("store", tmp_path, "POCKET_STORE").found == left


def test_file_system_that_is_not_mounted() -> None:
    result = writable("logs", Path("/afs-of-nobody/me/logs"), "log_directory")
    assert result.status is Status.PROBLEM
    assert result.found == "/afs-of-nobody/me/logs doesn't exist here, because this machine has no /afs-of-nobody"


def test_folder_that_cannot_be_written() -> None:
    # for root, too
    result = writable("store", Path("/proc/store"), "POCKET_STORE")
    assert result.status is Status.PROBLEM
    assert result.found.startswith("/proc can't be written: ")


def test_index(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    task = tmp_path / "tasks" / "toys.py"
    for path in (task, tmp_path / "law.cfg"):
        path.touch()
        os.utime(path, (1000, 1000))
    file = tmp_path / "index"
    assert index(file, tmp_path).status is Status.WARNING
    file.touch()
    assert index(file, tmp_path).status is Status.OK
    os.utime(task)
    os.utime(file, (2000, 2000))
    result = index(file, tmp_path)
    assert (result.status, result.found) == (Status.WARNING, f"{task} is newer than law's index")
    assert result.advice == "source setup.sh"
