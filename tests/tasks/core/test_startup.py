from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import luigi
import pytest

from pocket.base.runtime.kept import forget_tables
from tasks.core.startup import collect_when_tasks_run, hidden, notice_hidden
from tests.law_runner import ROOT, Law
from tests.tasks.small_chain import Chain


class Seeing(luigi.Task):
    """Notes whether garbage is collected while it runs."""

    seen: bool | None = None

    def complete(self) -> bool:
        return self.seen is not None

    def run(self) -> None:
        Seeing.seen = gc.isenabled()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    forget_tables()
    gc.enable()
    gc.unfreeze()


def test_garbage_is_collected_when_a_task_runs() -> None:
    collect_when_tasks_run()
    assert not gc.isenabled()
    assert luigi.build([Seeing()], local_scheduler=True)
    assert Seeing.seen
    assert gc.isenabled()


def is_looked_at(one: list[int]) -> bool:
    """Whether the collection of garbage looks at an object."""
    return any(other is one for other in gc.get_objects())


def test_what_exists_is_exempt_once() -> None:
    before = [1, 2]
    collect_when_tasks_run()
    task = Seeing()
    task.trigger_event(luigi.Event.START, task)
    after = [3, 4]
    task.trigger_event(luigi.Event.START, task)
    assert not is_looked_at(before)
    assert is_looked_at(after)


def test_a_command_keeps_what_it_finds_out(tmp_path: Path) -> None:
    chain = Chain.make(tmp_path)
    with (chain.analysis / "__init__.py").open("a") as file:
        file.write(
            "import gc\n"
            "from pocket.base.runtime.kept import kept_table\n"
            "print('kept', kept_table('here') is kept_table('here'), 'collected', gc.isenabled())\n"
        )
    # What is registered first is called last.
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, gc\natexit.register(lambda: print('visited at the end', gc.get_freeze_count() < 1000))\n"
    )
    law = Law(tmp_path, {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"})
    run = law.run("ShowConfig", "--analysis", str(chain.analysis))
    assert run.code == 0, run.text
    assert "kept True collected False\n" in run.text
    assert run.text.endswith("visited at the end False\n")


def test_packages_with_the_names_of_ours_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tasks").mkdir()
    # a folder without code hides nothing, and another Pocketlaw is none of the user's packages
    assert list(hidden(["", str(tmp_path), str(ROOT)])) == []
    (tmp_path / "tasks" / "__init__.py").touch()
    (tmp_path / "pocket.py").touch()
    found = {tmp_path / "tasks": "tasks", tmp_path / "pocket.py": "pocket"}
    assert dict(hidden([str(tmp_path), str(ROOT)])) == found
    monkeypatch.syspath_prepend(str(tmp_path))
    notice_hidden.cache_clear()
    notice_hidden()
    notice_hidden()
    sentence = (
        f"note: {tmp_path}/tasks can't be imported, because Pocketlaw has a package tasks, too: give it another name"
    )
    assert capsys.readouterr().err.splitlines().count(sentence) == 1
    notice_hidden.cache_clear()
