from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pocket.base.runtime.remarks import remark
from pocket.datasets.catalogues.cache import AnswerCache, FileCache
from tests.law_runner import ROOT
from tests.waiting import wait_for


def test_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = AnswerCache(tmp_path / "answers", 2)
    assert cache.get("q") is None
    cache.put("q", ["a", 1])
    cache.put("other", [])
    assert AnswerCache(tmp_path / "answers", 2).get("q") == ["a", 1]
    assert cache.get("other") == []
    assert AnswerCache(tmp_path / "answers", 0).get("q") is None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * 3600 + 1)
    assert cache.get("q") is None


def test_answer_can_be_read_by_those_who_share_the_store(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        AnswerCache(tmp_path, 1).put("question", "answer")
    finally:
        os.umask(before)
    (answer,) = tmp_path.iterdir()
    assert answer.stat().st_mode & 0o777 == 0o664


def test_damaged_answer(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, 2)
    cache.put("q", 1)
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text()[:-5])
    assert cache.get("q") is None


def test_interrupted_answer(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, 2)
    with pytest.raises(TypeError):
        cache.put("q", [1, object()])
    assert list(tmp_path.iterdir()) == []


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "files.jsonl"
    cache = FileCache(path)
    cache.put("a 10 bytes", {"num_entries": 5})
    cache.put("a 11 bytes", {"num_entries": 6})
    cache.put("", {"num_entries": 7})
    assert cache.get("a 10 bytes") == {"num_entries": 5}
    again = FileCache(path)
    assert again.get("a 11 bytes") == {"num_entries": 6}
    assert again.get("") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # root may write everywhere, so a file stands where the folder should be
    (tmp_path / "closed").write_text("")
    answers, files = AnswerCache(tmp_path / "closed", 2), FileCache(tmp_path / "closed" / "files.jsonl")
    remark.cache_clear()
    for _ in range(2):
        answers.put("q", 1)
        files.put("a 10 bytes", {"num_entries": 5})
    assert (answers.get("q"), files.get("a 10 bytes")) == (None, {"num_entries": 5})
    assert [message.partition(" in ")[0] for message in caplog.messages] == ["answers of catalogues aren't kept"] * 2


def test_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "files.jsonl"
    FileCache(path).put("a", 1)
    with path.open("ab") as file:
        file.write(b'\n["b", {"num_ent')
    cache = FileCache(path)
    assert cache.get("a") == 1
    assert cache.get("b") is None
    cache.put("c", 3)
    assert FileCache(path).get("c") == 3


def _write(path: Path, name: str) -> None:
    cache = FileCache(path)
    for number in range(300):
        cache.put(f"{name}{number}", "x" * number)


def test_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "files.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    assert sorted(lines) == sorted([f"{name}{number}", "x" * number] for name in "ab" for number in range(300))


ENDLESS = """
import itertools, sys
from pathlib import Path
from pocket.datasets.catalogues.cache import FileCache

cache = FileCache(Path(sys.argv[1]))
for number in itertools.count():
    cache.put(f"file {number}", [number, "x" * (number % 3000)])
"""


def test_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "files.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], env=environment) as process:
        wait_for(lambda: path.exists() and path.stat().st_size > 100_000)
        process.kill()
    # all but the last, which may have been under way, is there
    number = path.read_bytes().count(b"file ") - 1
    cache = FileCache(path)
    assert number > 10
    assert [cache.get(f"file {n}") for n in range(number)] == [[n, "x" * (n % 3000)] for n in range(number)]
