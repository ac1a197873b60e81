"""Stopped commands: the user sees one line, nothing is half-written, and no process is left."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tasks.core.terminal import Terminated, going_on, stopped_sentence
from tests.tasks.small_chain import Chain
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("interruptible")

WAIT = """
    import time
    from pathlib import Path
    (Path(__file__).parents[1] / "begun").touch()
    time.sleep(100)
"""


def test_sentence_says_what_goes_on() -> None:
    with pytest.raises(Terminated), going_on("jobs in the queue"):
        raise Terminated
    with pytest.raises(ValueError, match="no"), going_on("what has failed"):
        raise ValueError("no")
    with going_on("what has ended"):
        pass
    assert stopped_sentence(Terminated()) == (
        "stopped by SIGTERM: finished outputs stay; jobs in the queue go on; run the same command again to go on"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "cores"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGTERM, 2)]
)
def test_command_that_is_stopped(on_files: Chain, how: signal.Signals, cores: int) -> None:
    on_files.edit("cuts.py", "    # without", f"{WAIT}    # without")
    begun = on_files.folder / "begun"
    environment = {"POCKET_SNAPSHOT": "0"}
    process = type(on_files.law)(on_files.folder, environment).start(
        *on_files.arguments("RunProcessor", "--config", "main", "--cores", str(cores))
    )
    try:
        wait_for(begun.exists)
        # Ctrl-C reaches the whole group, a batch system or another user ends the command alone
        (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
        # ends when nobody can write there any more, workers included
        text, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + how
    name = "Ctrl-C" if how == signal.SIGINT else "SIGTERM"
    assert re.search(rf"^stopped by {name}: finished outputs stay; run the same command again to go on$", text, re.M)
    assert "Traceback" not in text
    assert on_files.outputs("RunProcessor") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "submit", "remove"), [("slurm", "sbatch", "scancel"), ("htcondor", "condor_submit", "condor_rm")]
)
def test_dask_workers_of_a_batch_system(
    on_files: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, submit: str, remove: str
) -> None:
    """Workers never come, so the command waits for them."""
    for name in (submit, remove):
        (tmp_path / name).write_text(
            f"#!/bin/sh\ntouch {tmp_path}/{name}-was-called\necho 'job 1 submitted to cluster 1.'\n"
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    options = ("--executor", "dask", "--cluster", kind, "--min-workers", "1")
    arguments = on_files.arguments("RunProcessor", "--config", "main", *options)
    process = type(on_files.law)(on_files.folder, {"POCKET_SNAPSHOT": "0"}).start(*arguments)
    try:
        wait_for((tmp_path / f"{submit}-was-called").exists)
        os.killpg(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGINT, text
    assert "stopped by Ctrl-C: finished outputs stay; run the same command again to go on" in text
    assert (tmp_path / f"{remove}-was-called").exists()
