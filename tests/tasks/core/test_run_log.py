from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tasks.core import run_log
from tasks.core.run_log import RunLog, remove_old


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("pocket.engine", logging.WARNING, "", 0, text, (), None)


def test_lines_wait_for_the_file(store: Path) -> None:
    log = RunLog()
    log.emit(record("first"))
    log.note("second\n")
    assert not store.exists()
    log.begin("zmumu-v1")
    short = record("failed\nerror: a sentence")
    short.whole = "failed\nTraceback\nerror: https://host/a.root?authz=SECRET isn't there"
    log.emit(short)
    assert log.path is not None
    assert log.path.parent == store / ".logs"
    assert log.path.name.startswith("zmumu-v1-")
    text = log.path.read_text()
    assert [line.partition(" ")[2].partition(" ")[2] for line in text.splitlines()[:2]] == [
        "WARNING pocket.engine: first",
        "second",
    ]
    # The whole text with its traceback, but no token.
    assert "Traceback\nerror: https://host/a.root?authz=… isn't there" in text
    log.end()
    log.note("later")
    assert log.path.read_text() == text


def test_a_store_that_can_not_be_written(store: Path) -> None:
    store.mkdir()
    (store / ".logs").write_text("in the way")
    log = RunLog()
    log.begin("zmumu-v1")
    log.note("a line")
    assert log.path is None
    assert [path.name for path in store.iterdir()] == [".logs"]


def test_a_full_disk_ends_the_log_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog()
    log.begin("zmumu-v1")

    def full(file: int, text: bytes) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(os, "write", full)
    log.note("a line")
    monkeypatch.undo()
    log.note("another line")
    assert log.path is not None
    assert log.path.read_text() == ""


def test_old_files_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run_log, "KEPT", 3)
    for number in range(5):
        (tmp_path / f"{number}.log").touch()
        os.utime(tmp_path / f"{number}.log", (number, number))
    remove_old(tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["2", "3", "4"]


def test_other_commands_that_are_at_work(store: Path) -> None:
    first, second, another = RunLog(), RunLog(), RunLog()
    for log, name in ((first, "zmumu-v1"), (another, "zee-v1"), (second, "zmumu-v1")):
        assert log.others(name) == []
        # Each process has its own number in the name.
        log.begin(name)
        assert log.path is not None
        log.path = log.path.rename(log.path.with_name(f"{name}-{id(log)}.log"))
    (store / ".logs" / "zmumu-v1-of-a-killed-command.log").touch()
    assert second.others("zmumu-v1") == [first.path]
    assert first.others("zmumu-v1") == [second.path]
    first.end()
    assert second.others("zmumu-v1") == []
