"""Tasks that run in workers beside others: the chain makes the same, and errors are those of their tasks."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pocket.base.containers import members
from pocket.errors import ChangedCodeError, DamagedOutputError, ProcessDiedError
from pocket.io.store.packing import remove_output
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.core import pending
from tasks.framework import beside, workers
from tasks.framework.beside import TaskJob
from tests.tasks.damage import rot
from tests.tasks.framework.test_workers import Write
from tests.tasks.small_chain import Chain
from tests.waiting import wait_for


class Work:
    """Returns a value, or ends its process, once a file is there."""

    def __init__(self, after: Path, how: int = 0) -> None:
        self.after, self.how = after, how

    def run(self) -> str:
        """Do it."""
        wait_for(self.after.exists)
        if self.how:
            os.kill(os.getpid(), self.how)
        return str(os.getpid())


@dataclass(frozen=True)
class Again:
    """Waits for its end the first time, and is done at once the second time."""

    path: Path
    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        if self.path.exists():
            self.path.with_name("again").touch()
            return
        self.path.touch()
        wait_for(lambda: False)


class Loaded:
    """Tells which process runs it, and whether that has loaded a module, once a file is there."""

    def __init__(self, module: str, after: Path) -> None:
        self.module, self.after = module, after

    def run(self) -> tuple[int, bool]:
        """Do it."""
        self.after.with_name(str(os.getpid())).touch()
        wait_for(self.after.exists)
        return os.getpid(), self.module in sys.modules


class Drawing:
    """A task whose jobs need a module."""

    job_modules = ("mailbox", "no_such_module")
    own_modules = ("tabnanny", "no_such_module")
    task_id = "drawing"


@pytest.fixture(autouse=True)
def no_workers_of_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the workers of other tests, and those of this one."""
    workers._end_workers()
    monkeypatch.setattr(workers, "_are_alone", False)
    pending.begin(alone=True)
    yield
    workers._end_workers()
    pending.begin(alone=False)
    beside._running.clear()
    beside._passes.clear()
    beside._imports.clear()


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], None]:
    """Start two workers."""

    def start() -> None:
        workers.run_in_processes([Write(tmp_path / str(one), processes=2) for one in range(2)], 2, 2, lambda done: None)

    return start


def test_nothing_runs_beside_without_workers(tmp_path: Path) -> None:
    assert not workers.are_there()
    assert not workers.are_free()
    with pytest.raises(ProcessDiedError):
        workers.begin_beside(Work(tmp_path))


def test_work_beside_jobs(tmp_path: Path, start: Callable[[], None]) -> None:
    start()
    assert workers.are_free()
    futures = {workers.begin_beside(Work(tmp_path / "there")) for _ in range(2)}
    assert not workers.are_free()
    (tmp_path / "there").touch()
    found = {future.result() for future in workers.finish_beside(futures)}
    assert found <= {(tmp_path / str(one)).read_text() for one in range(2)}
    assert workers.are_free()


def test_idle_workers_import_what_later_jobs_need(
    tmp_path: Path, start: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    pending.plan(Drawing())
    begun: list[Any] = []
    begin = workers.begin_beside
    monkeypatch.setattr(workers, "begin_beside", lambda work: begun.append(begin(work)) or begun[-1])
    # A worker may be given both, before the other one has started.
    wait_for(lambda: (beside.use_free_workers(), len({future.result() for future in begun}) == 2 or len(begun) == 4)[1])
    importing = {future.result() for future in begun}
    loaded = [begin(Loaded("mailbox", tmp_path / "go")) for _ in range(2)]
    wait_for(lambda: len([path for path in tmp_path.iterdir() if path.name.isdigit() and int(path.name) > 9]) == 2)
    (tmp_path / "go").touch()
    assert "mailbox" not in sys.modules
    assert {process for process, has in (future.result() for future in loaded) if has} == importing
    known = len(begun)
    beside.use_free_workers()
    assert len(begun) == known


def test_this_process_imports_while_it_waits_for_jobs(
    tmp_path: Path, start: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_imported_here", set())
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    start()
    assert "tabnanny" not in sys.modules
    pending.plan(Drawing())
    start()
    assert "tabnanny" in sys.modules


def test_a_busy_worker_imports_nothing(tmp_path: Path, start: Callable[[], None]) -> None:
    start()
    pending.plan(Drawing())
    busy = [workers.begin_beside(Work(tmp_path / "go")) for _ in range(2)]
    beside.use_free_workers()
    assert beside._imports == {beside.Imports(tuple(sorted(Drawing.job_modules))): []}
    (tmp_path / "go").touch()
    assert len({future.result() for future in busy}) == 2


def test_jobs_survive_what_dies_beside_them(tmp_path: Path, start: Callable[[], None]) -> None:
    start()
    future = workers.begin_beside(Work(tmp_path / "begun", signal.SIGKILL))
    workers.run_in_processes([Again(tmp_path / "begun")], 2, 2, lambda done: None)
    assert (tmp_path / "again").exists()
    with pytest.raises(Exception, match="terminated"):
        future.result()
    # It would die again.
    assert not workers.are_there()


def outputs(chain: Chain) -> dict[str, Any]:
    """Return the contents of all outputs, by task and configuration."""
    tasks = ("RunProcessor", "MergeOutputs", "ComputeScaleFactors", "PlotTemplates")
    return {task: chain.contents(task) for task in tasks}


def test_the_chain_makes_the_same_side_by_side(chain: Chain) -> None:
    before = outputs(chain)
    assert all(before.values())
    for task in before:
        for path in chain.outputs(task):
            remove_output(path)
    run = chain.law.run(*chain.arguments("PlotTemplates", "--cores", "2"))
    assert run.code == 0, run.text
    assert outputs(chain) == before
    # One pass for both, whose tasks luigi runs in its own order.
    assert re.findall(r"^✓ (RunProcessor .*?)  ", run.text, re.MULTILINE) == [
        "RunProcessor probes, main",
        "RunProcessor corrected",
    ]
    # What a worker logs is logged once, where its task runs.
    assert chain.law.last_log.count("MergeOutputs main: divided by") == 1
    for task in before:
        for path in chain.outputs(task):
            remove_output(path)
    alone = chain.law.run(*chain.arguments("PlotTemplates", "--cores", "2", "--one-by-one"))
    assert alone.code == 0, alone.text
    assert outputs(chain) == before
    assert sorted(re.findall(r"^✓ (RunProcessor .*?)  ", alone.text, re.MULTILINE)) == [
        "RunProcessor corrected",
        "RunProcessor main",
        "RunProcessor probes",
    ]


def test_the_error_of_a_configuration_is_that_of_its_task(chain: Chain) -> None:
    chain.edit("__init__.py", 'columns=[ColOut("MuonGood", ["pt"])]', 'columns=[ColOut("MuonGood", ["ptt"])]')
    run = chain.law.run(*chain.arguments("PlotTemplates", "--cores", "2"))
    assert run.code != 0
    assert len(run.errors) == 1
    assert "ptt" in run.errors[0]
    assert len(chain.outputs("MergeOutputs", "main")) == 1
    # Those that don't need it are made.
    assert (
        "MergeOutputs corrected: divided by" in chain.law.last_log
        or len(chain.outputs("MergeOutputs", "corrected")) == 1
    )


def test_a_task_in_another_process(
    chain: Chain, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    task = chain.task(MergeOutputs, config="main")
    before = chain.contents("MergeOutputs", "main")
    job = TaskJob.of(task)
    printed = job.run()
    assert capsys.readouterr() == ("", "")
    logging.getLogger("tasks").addHandler(caplog.handler)
    try:
        beside._print([*printed, ("stderr", "note: once and for all\n"), ("stderr", "note: once and for all\n")])
    finally:
        logging.getLogger("tasks").removeHandler(caplog.handler)
    text = capsys.readouterr()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["MergeOutputs main"]
    assert text.err.count("once and for all") == 1
    assert chain.contents("MergeOutputs", "main") == before
    with pytest.raises(ChangedCodeError):
        TaskJob(job.module, job.family, job.params, "another", job.info).run()


def test_an_error_beside_is_left_to_the_task(
    chain: Chain, start: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    task = chain.task(MergeOutputs, config="main")
    wrong = TaskJob(type(task).__module__, "MergeOutputs", task.to_str_params(), "another", {})
    monkeypatch.setattr(TaskJob, "of", lambda task: wrong)
    assert beside.make_beside(task) is False
    assert beside._running == {}


def test_a_damaged_input_of_a_task_is_named(chain: Chain, start: Callable[[], None]) -> None:
    start()
    damaged = chain.outputs("RunProcessor", "main")[0]
    rot(damaged, members(damaged)["raw.h5"].offset)
    remove_output(chain.output("MergeOutputs", "main"))
    assert f"raw.h5 in {damaged} isn't what was written" in chain.error(MergeOutputs, config="main", cores=2)
    assert beside._running == {}


@pytest.mark.parametrize("begun", [True, False])
def test_a_damaged_input_of_a_pass_is_named(chain: Chain, start: Callable[[], None], begun: bool) -> None:
    start()
    for output in chain.outputs("RunProcessor", "main"):
        remove_output(output)
    task = chain.task(RunProcessor, config="main")
    damaged = Path(task.as_branch(1).branch_data.segments[0].path)
    rot(damaged)
    if begun:
        beside._begin_pass(task)
        # One worker finds the damage; another one may have been refused the same file before that is told.
        found = f"{damaged.name} in {damaged.parent} isn't what was written"
        with pytest.raises(DamagedOutputError, match=f"{found}|the output in {damaged.parent} was found damaged"):
            beside.finish_pass(task)
    else:
        assert f"{damaged.name} in {damaged.parent} isn't what was written" in chain.error(RunProcessor, config="main")
    assert beside._passes == {}
    # What it would be processed from is not what was written, although its manifest is gone.
    with pytest.raises(DamagedOutputError, match=f"the output in {damaged.parent} was found damaged: run this again"):
        task.as_branch(1).job().verify_inputs()


def test_tasks_that_do_not_run_beside_others(chain: Chain, start: Callable[[], None]) -> None:
    task = chain.task(MergeOutputs, config="main", one_by_one=True)
    start()
    assert beside.make_beside(task) is False
    began = time.monotonic()
    assert beside.finish_beside(task) is False
    assert time.monotonic() - began < 5


def test_a_pass_without_anything_to_do(chain: Chain, start: Callable[[], None]) -> None:
    """Upstream tasks may run again with unchanged results, after which all branches are complete."""
    start()
    task = chain.task(RunProcessor, config="main")
    beside._begin_pass(task)
    # Luigi runs the task later, which finds nothing to do.
    assert beside.finish_pass(task) is False
    assert beside._passes == {}
