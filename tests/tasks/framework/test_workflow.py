from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pocket.errors import UnknownNameError
from pocket.io.store import is_complete
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.toys import MakeToySamples
from tests.law_runner import Law
from tests.tasks.small_chain import Chain, contents, unfinished
from tests.waiting import PATIENCE, Moment, wait_for

#: an audit event of Python, its path, and what is killed right before it: all, or only what the user started
MOMENTS: list[tuple[str, str, Callable[[int, int], None]]] = [
    # The first file of toys is there; the second isn't published.
    ("os.rename", "/MakeToySamples/toys/v1/.*[.]tmp-", os.kill),
    # An output is being written.
    ("open", "/RunProcessor/main/v1/.*[.]tmp-", os.killpg),
    ("os.rename", "/MergeOutputs/main/v1/.*[.]tmp-", os.killpg),
    ("open", "/PlotTemplates/main/v1/.*[.]tmp-", os.kill),
]


def running(session: int) -> list[str]:
    """Return the processes of a session, without those that only wait to be collected."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (process / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            if int(of_session) == session and state != "Z":
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_killed_at_any_moment(chain: Chain, tmp_path: Path) -> None:
    killed = Chain.make(tmp_path, chain.folder / "law" / "index")
    for number, (event, pattern, kill) in enumerate(MOMENTS):
        moment = Moment.of(tmp_path / "moments" / str(number), event, pattern)
        law = Law(killed.folder, moment.environment(killed.law.environment))
        process = law.start(*killed.arguments("PlotTemplates", "--config", "main", "--cores", "2"))
        wait_for(lambda moment=moment, process=process: moment.process or process.poll() is not None)
        assert process.poll() is None
        kill(process.pid, signal.SIGKILL)
        process.communicate()
        # nothing of what was killed had been at its end
        assert process.returncode == -signal.SIGKILL
        # workers without their main process end by themselves
        wait_for(lambda process=process: not running(process.pid))
        assert [path for path in killed.outputs("") if not is_complete(path)] == []
    assert killed.run("PlotTemplates", "--config", "main").code == 0
    assert unfinished(killed.store) == []
    for variable in ("muon_pt", "npvs"):
        assert killed.templates("main", variable) == chain.templates("main", variable)


@pytest.mark.slow
@pytest.mark.parametrize("always", [False, True])
def test_workers_that_are_killed(chain: Chain, tmp_path: Path, always: bool) -> None:
    begun = Chain.make(tmp_path, chain.folder / "law" / "index")
    event, pattern, _ = MOMENTS[1]
    moment = Moment.of(tmp_path / "moment", event, pattern)
    law = Law(begun.folder, moment.environment(begun.law.environment))
    process = law.start(*begun.arguments("MergeOutputs", "--config", "main", "--cores", "2"))
    killed: set[int | None] = {None}
    while True:
        wait_for(lambda: moment.process not in killed or process.poll() is not None)
        if moment.process in killed:
            break
        killed.add(worker := moment.process)
        os.kill(worker or 0, signal.SIGKILL)
        if not always:
            moment.go_on()
            break
    text, _ = process.communicate(timeout=PATIENCE / 2)
    sentence = (
        r"branch \d of RunProcessor main [^:]*: its process was killed \(SIGKILL\), most likely because memory ran out"
    )
    assert re.search(rf"warning: {sentence}.*; trying again", text), text
    assert "Traceback" not in text
    assert not running(process.pid)
    if always:
        assert process.returncode == 30
        assert re.search(rf"^error: {sentence}: try fewer --cores or less --chunk-memory$", text, re.M), text
    else:
        assert process.returncode == 0, text
        for variable in ("muon_pt", "npvs"):
            assert begun.templates("main", variable) == chain.templates("main", variable)


@pytest.mark.slow
def test_killed_while_it_copies_from_the_scratch_space(chain: Chain, tmp_path: Path) -> None:
    output = chain.task(RunProcessor, config="main", branch=0).output().directory
    before = contents(output)
    output.unlink()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    moment = Moment.of(tmp_path / "moment", "open", r"/RunProcessor/.*[.]tmp-.*/[.]packed[.]zip$")
    law = Law(chain.folder, {**moment.environment(chain.law.environment), "POCKET_SCRATCH": str(scratch)})
    process = law.start(*chain.arguments("RunProcessor", "--config", "main", "--branch", "0"))
    wait_for(lambda: moment.process or process.poll() is not None)
    assert process.poll() is None
    (filled,) = scratch.iterdir()
    (copy,) = output.parent.glob(".*")
    assert contents(filled) == before
    # The whole output is copied as one file.
    assert list(copy.iterdir()) == []
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not output.exists()
    assert chain.build(RunProcessor, config="main") == ["RunProcessor main"]
    assert contents(output) == before
    assert is_complete(output)
    assert unfinished(chain.store) == []


@pytest.mark.slow
def test_two_at_once(chain: Chain) -> None:
    expected = {variable: chain.templates("main", variable) for variable in ("muon_pt", "npvs")}
    for folder in ("RunProcessor", "MergeOutputs"):
        shutil.rmtree(chain.store / "small" / folder)
    runs = [chain.law.start(*chain.arguments("MergeOutputs", "--config", "main", "--cores", "1")) for _ in range(2)]
    texts = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    assert chain.task(MergeOutputs, config="main").complete()
    assert unfinished(chain.store) == []
    assert {variable: chain.templates("main", variable) for variable in expected} == expected


@pytest.mark.slow
def test_two_configurations_at_once(chain: Chain, tmp_path: Path) -> None:
    expected = {config: chain.templates(config) for config in ("main", "corrected")}
    shutil.rmtree(chain.store)
    # each is held where it makes its first toys, so both make the same ones
    runs = []
    for config in expected:
        moment = Moment.of(tmp_path / config, "os.rename", "/MakeToySamples/toys/v1/.*[.]tmp-")
        law = Law(chain.folder, moment.environment(chain.law.environment))
        runs.append((moment, law.start(*chain.arguments("MergeOutputs", "--config", config, "--cores", "1"))))
    for moment, run in runs:
        wait_for(lambda moment=moment, run=run: moment.process or run.poll() is not None)
    for moment, _ in runs:
        moment.go_on()
    texts = [run.communicate()[0] for _, run in runs]
    assert [run.returncode for _, run in runs] == [0, 0], texts
    assert ["✓ MakeToySamples toys" in text for text in texts] == [True, True]
    assert unfinished(chain.store) == []
    assert {config: chain.templates(config) for config in expected} == expected


@pytest.mark.slow
def test_status_of_a_part(chain: Chain) -> None:
    for path in chain.outputs("RunProcessor", "main")[:3]:
        path.unlink()
    run = chain.ask("RunProcessor", "--config", "main", "--print-status", "0")
    assert run.code == 0
    assert re.search(r"RunProcessor main +1 of 4 branches", run.text)
    assert not chain.task(RunProcessor, config="main").complete()
    assert [chain.task(RunProcessor, config="main", branch=number).complete() for number in range(4)].count(True) == 1


def test_some_branches(chain: Chain) -> None:
    branches = chain.outputs("RunProcessor", "main")
    for path in branches:
        path.unlink()
    chain.build(RunProcessor, config="main", branches=((1, 3),))
    made = [chain.task(RunProcessor, config="main", branch=number).output().directory for number in (1, 2)]
    assert chain.outputs("RunProcessor", "main") == sorted(made)


@pytest.mark.parametrize("workflow", ["dask", "lokal"])
def test_unknown_type_of_workflow(chain: Chain, workflow: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown workflow '{workflow}' in RunProcessor, --workflow"):
        chain.task(RunProcessor, config="main", workflow=workflow)
    assert chain.task(RunProcessor, config="main", workflow="local").complete()


def test_branches_are_made_once(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = chain.task(RunProcessor, config="main")
    branches = workflow.get_branch_tasks()
    assert set(branches) == set(workflow.get_branch_map())
    assert [branch.branch for branch in branches.values()] == list(branches)
    monkeypatch.setattr(RunProcessor, "req_branch", None)
    assert workflow.as_branch(1) is branches[1]
    assert workflow.finished_outputs() == {number: branch.output() for number, branch in branches.items()}
    assert branches[1].as_branch() is branches[1]


@pytest.mark.slow
def test_status_of_thousands_of_branches(chain: Chain) -> None:
    options = {"config": "main", "events_per_branch": 2}

    def status() -> tuple[float, int]:
        """Return the CPU time that it took to look at all branches, and how many there are."""
        workflow = chain.task(RunProcessor, **options)
        assert not workflow.workflow_complete()
        start = time.process_time()
        (collection,) = workflow.output().values()
        missing = [not target.exists() for target in collection.targets.values()]
        return time.process_time() - start, sum(missing)

    seconds, missing = status()
    workflow = chain.task(RunProcessor, **options)
    start = time.process_time()
    for number in range(20):
        workflow.req_branch(number)
    of_law = (time.process_time() - start) / 20 * missing
    assert missing == len(workflow.get_branch_map()) > 1000
    # all that there is to do takes less than law needs to make the branches
    assert seconds < of_law / 2


def test_progress_label(chain: Chain) -> None:
    assert chain.task(RunProcessor, config="main").progress_label == "RunProcessor main"
    label = "branch 1 of RunProcessor main (DYJetsToMuMu_toys, events 900 to 1800)"
    assert chain.task(RunProcessor, config="main", branch=1).branch_label == label
    assert chain.task(MakeToySamples, branch=1).branch_label == "branch 1 of MakeToySamples toys"
