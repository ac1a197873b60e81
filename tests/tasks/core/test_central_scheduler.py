"""Commands that share a real central scheduler of luigi, on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import law
import luigi.interface
import pytest
from luigi.cmdline_parser import CmdlineParser

from tasks.chain.datasets import BuildDatasets
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.core.central_scheduler import CentralScheduler, ReportingWorker, SchedulerError, use_central_scheduler
from tests.law_runner import Law, Run
from tests.tasks.small_chain import Chain
from tests.waiting import Moment, wait_for

pytestmark = pytest.mark.slow

CODES = {"task_failed": 30, "unhandled_exception": 40}


@dataclass
class Scheduler:
    """A central scheduler that runs.

    Args:
        port: its port.
        process: its process.
    """

    port: int
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """What has commands use it, with little patience."""
        return {
            "LAW__luigi_core__local_scheduler": "False",
            "LAW__luigi_core__scheduler_host": "127.0.0.1",
            "LAW__luigi_core__scheduler_port": str(self.port),
            "LAW__luigi_core__rpc_retry_attempts": "2",
            "LAW__luigi_core__rpc_retry_wait": "0",
            "LAW__luigi_worker__wait_interval": "0.1",
            "LAW__luigi_worker__wait_jitter": "0",
            "LAW__luigi_worker__ping_interval": "0.5",
        }

    def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Return what its page shows."""
        data = f"data={json.dumps(arguments)}".encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/{method}", data) as reply:
            return dict(json.load(reply)["response"])

    def tasks(self, family: str) -> list[dict[str, Any]]:
        """Return what its page shows of the tasks of a family."""
        return [task for task in self.ask("graph").values() if task["name"] == family]

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    """A central scheduler, started as docs/how-to/central_scheduler.md says."""
    port = free_port()
    # a command that doesn't answer is gone at once
    environment = Law(tmp_path, {"LAW__luigi_scheduler__worker_disconnect_delay": "5"}).environment
    with (tmp_path / "luigid.log").open("wb") as log:
        process = subprocess.Popen(
            ["law", "luigid", "--address", "127.0.0.1", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    running = Scheduler(port, process)

    def answers() -> bool:
        assert process.poll() is None, (tmp_path / "luigid.log").read_text()
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers)
        yield running
    finally:
        running.stop()


class Command:
    """A command of the small analysis whose text can be looked at while it runs."""

    def __init__(self, chain: Chain, environment: dict[str, str], *arguments: str) -> None:
        self.path = chain.folder / f"command-{len(list(chain.folder.glob('command-*')))}.log"
        law = Law(chain.folder, environment)
        with self.path.open("w") as log:
            self.process = subprocess.Popen(
                ["law", "run", *chain.arguments(*arguments), "--cores", "1", "--log-level", "DEBUG"],
                env=law.environment,
                cwd=chain.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def executed(self) -> list[str]:
        return self._run.executed

    @property
    def errors(self) -> list[str]:
        return self._run.errors

    @property
    def _run(self) -> Run:
        """What it gave so far."""
        return Run(self.process.poll() or 0, self.text)

    def says(self, text: str) -> None:
        wait_for(lambda: text in self.text or self.process.poll() is not None)
        assert text in self.text, self.text

    def end(self) -> int:
        """Wait for the end, and return the exit code."""
        wait_for(lambda: self.process.poll() is not None)
        return int(self.process.returncode)


def without(chain: Chain, *tasks: str) -> None:
    for task in tasks:
        shutil.rmtree(chain.store / "small" / task)


@pytest.fixture
def held(chain: Chain, scheduler: Scheduler, tmp_path: Path) -> Iterator[tuple[Command, Moment]]:
    """A command that is held while the processor runs, and the moment; its outputs from the toys on are missing."""
    without(chain, "RunProcessor", "MergeOutputs", "PlotTemplates", "ComputeScaleFactors", "ValidateScaleFactors")
    moment = Moment.of(tmp_path / "moment", "open", "/RunProcessor/main/v1/.*[.]tmp-")
    own = Law(chain.folder).environment
    environment = {**scheduler.environment, **moment.environment(own)}
    command = Command(chain, environment, "PlotTemplates", "--config", "main")
    try:
        wait_for(lambda: moment.process or command.process.poll() is not None)
        assert command.process.poll() is None, command.text
        yield command, moment
    finally:
        moment.go_on()
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
            command.process.wait()


WAITING = "note: RunProcessor main runs in process {} of "


def test_work_is_shared(chain: Chain, scheduler: Scheduler, held: tuple[Command, Moment]) -> None:
    first, moment = held
    same = Command(chain, scheduler.environment, "PlotTemplates", "--config", "main")
    # a task in each of two processes; it compares with the templates of main
    other = Command(chain, scheduler.environment, "PlotTemplates", "--config", "corrected", "--workers", "2")
    same.says(WAITING.format(first.process.pid))
    # what nobody else runs goes on meanwhile
    other.says("done      RunProcessor")
    (running,) = [task for task in scheduler.tasks("RunProcessor") if task["params"]["config"] == "main"]
    assert running["status"] == "RUNNING"
    # what decides the output, and no more than that
    assert set(running["params"]) == {"analysis", "config", "version", "effective_workflow"}
    moment.go_on()
    assert [command.end() for command in (first, same, other)] == [0, 0, 0]
    ran = [*first.executed, *same.executed, *other.executed]
    # what follows may be run by either
    assert "RunProcessor" not in same.executed
    assert chain.missing() == set()
    assert {task: ran.count(task) for task in set(ran)} == {
        "RunProcessor": 3,
        "MergeOutputs": 3,
        "ComputeScaleFactors": 1,
        "ValidateScaleFactors": 1,
        "PlotTemplates": 2,
    }
    assert {task["progress_percentage"] for task in scheduler.tasks("RunProcessor")} == {100}
    assert {task["status"] for task in scheduler.ask("graph").values()} == {"DONE"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_first_command_is_stopped(
    chain: Chain, scheduler: Scheduler, held: tuple[Command, Moment], how: signal.Signals
) -> None:
    first, moment = held
    second = Command(chain, scheduler.environment, "MergeOutputs", "--config", "main")
    second.says(WAITING.format(first.process.pid))
    os.killpg(first.process.pid, how)
    # what it removes is beside what it was held at
    moment.go_on()
    assert second.end() == 0, second.text
    assert second.executed == ["RunProcessor", "MergeOutputs"]
    assert chain.task(MergeOutputs, config="main").complete()


def test_task_that_fails(chain: Chain, scheduler: Scheduler) -> None:
    go = chain.folder / "go"
    wait = f"    import os, time\n    while not os.path.exists({str(go)!r}):\n        time.sleep(0.01)\n"
    chain.edit("cuts.py", "    # without", f"{wait}    raise ValueError('no muons')\n    # without")
    arguments = ("MergeOutputs", "--config", "main")
    first = Command(chain, scheduler.environment, *arguments)
    first.says("running   RunProcessor")
    second = Command(chain, scheduler.environment, *arguments)
    second.says(WAITING.format(first.process.pid))
    go.touch()
    # each has tried it, lest one ends because of what the other one lacks
    assert [command.end() for command in (first, second)] == [CODES["task_failed"]] * 2
    assert [command.executed for command in (first, second)] == [["RunProcessor"]] * 2
    (sentence,) = second.errors
    assert "ValueError: no muons" in sentence
    (task,) = scheduler.tasks("RunProcessor")
    assert task["status"] == "FAILED"
    (shared,) = [name for name, shown in scheduler.ask("graph").items() if shown["name"] == "RunProcessor"]
    # the page has the sentence, without traceback
    assert json.loads(scheduler.ask("fetch_error", task_id=shared)["error"]) == sentence


def test_scheduler_that_ends_meanwhile(chain: Chain, scheduler: Scheduler, held: tuple[Command, Moment]) -> None:
    first, moment = held
    scheduler.stop()
    first.says(
        f"note: luigi's central scheduler at http://127.0.0.1:{scheduler.port} doesn't answer; running tasks continue"
    )
    moment.go_on()
    assert first.end() == CODES["unhandled_exception"]
    (sentence,) = first.errors
    assert "doesn't answer (ConnectionError): start it there by law luigid" in sentence
    assert "Traceback" not in first.text
    assert chain.task(RunProcessor, config="main").complete()


def test_scheduler_that_is_not_there(chain: Chain) -> None:
    port = free_port()
    options = ("--local-scheduler", "False", "--scheduler-port", str(port))
    run = chain.run("MergeOutputs", "--config", "main", *options)
    assert run.code == CODES["unhandled_exception"]
    assert run.errors == [
        f"luigi's central scheduler at http://localhost:{port} doesn't answer (ConnectionError): start it there by law "
        "luigid, or leave it out by --local-scheduler True; finished outputs stay"
    ]
    assert "Traceback" not in run.text


def test_no_password_and_no_token_is_told(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match=r"at http://127\.0\.0\.1:\d+/there doesn't answer \(HTTPError\)"):
        CentralScheduler(f"http://me:secret@127.0.0.1:{scheduler.port}/there/")
    told = CentralScheduler(f"http://127.0.0.1:{scheduler.port}")
    url = "root://host//a.root?authz=Bearer%20"
    told.add_task(worker="w", task_id="t", status="FAILED", family="F", expl=f"{url}abc", tracking_url=f"{url}abc")
    assert scheduler.ask("fetch_error", task_id="t")["error"] == "root://host//a.root?authz=…"
    assert "abc" not in json.dumps(scheduler.ask("graph"))


def test_tasks_are_known_by_the_place_of_their_outputs(
    chain: Chain, scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known(cls: Any = RunProcessor, **params: Any) -> str:
        """Return the id that the scheduler knows a task by."""
        task = chain.task(cls, **params)
        told = CentralScheduler(f"http://127.0.0.1:{scheduler.port}")
        told.know(task)
        told.add_task(worker="w", task_id=task.task_id, family="F", params=task.to_str_params())
        (shared,) = [name for name in scheduler.ask("graph") if name not in before]
        return shared

    before: list[str] = []
    main = known(config="main", cores=1)
    assert known(config="main", cores=2) == main
    before.append(main)
    changed = known(config="corrected")
    assert changed.rpartition("_")[2] != main.rpartition("_")[2]
    before.append(changed)
    chain.edit("cuts.py", "    # without", "    assert True\n    # without")
    edited = known(config="main", cores=1)
    assert edited.rpartition("_")[0] == main.rpartition("_")[0]
    before.append(edited)
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "elsewhere"))
    before.append(known(config="main"))
    assert len(set(before)) == len(before)
    # a check makes nothing that another command could wait for
    before.append(known(BuildDatasets, definition=str(chain.analysis / "datasets.json"), check=True))
    before.append(known(BuildDatasets, definition=str(chain.analysis / "datasets.json"), check=True))


def test_local_scheduler_has_a_worker_that_waits_for_nobody() -> None:
    use_central_scheduler()
    factory: Any = luigi.interface._WorkerSchedulerFactory()
    worker = factory.create_worker(factory.create_local_scheduler(), 1)
    assert type(worker) is ReportingWorker
    assert law.config.get_expanded_bool("luigi_core", "local_scheduler")


def test_addresses_of_dask_and_luigi() -> None:
    arguments = "--version v1 --executor dask --scheduler tcp://dask:1 --scheduler-host there --scheduler-port 2"
    parser: Any = CmdlineParser
    parsed = parser(["RunProcessor", *arguments.split()]).known_args
    assert (parsed.scheduler, parsed.core_scheduler_host, parsed.core_scheduler_port) == ("tcp://dask:1", "there", "2")
