from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pocket.errors import ConfigError, PocketError, UnknownNameError
from tasks.pool import available_cores, run_jobs
from tests.law_runner import ROOT


@dataclass(frozen=True)
class Write:
    """Writes the number of its process into a file, in steps."""

    path: Path
    size: int
    wait: float = 0.0

    def run(self, progress: Callable[[int], None]) -> None:
        time.sleep(self.wait)
        for _ in range(self.size):
            progress(1)
        self.path.write_text(str(os.getpid()))


@dataclass(frozen=True)
class Fail:
    """Raises an error whose class takes other arguments than its text."""

    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        raise UnknownNameError("weight", "pileip", ["pileup"], "weights")


@dataclass(frozen=True)
class Die:
    """Ends its process as the kernel does when memory runs out."""

    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_jobs_run_in_other_processes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [Write(tmp_path / str(number), 5, wait=0.5) for number in range(4)]
    run_jobs(jobs, 2, "Label", "events")
    processes = {job.path.read_text() for job in jobs}
    assert str(os.getpid()) not in processes
    assert 1 <= len(processes) <= 2
    # the amounts that the workers report add up
    assert "Label: 20 events in" in capfd.readouterr().err


def test_one_core_means_this_process(tmp_path: Path) -> None:
    run_jobs([Write(tmp_path / "a", 1), Write(tmp_path / "b", 1)], 1, "Label", "events")
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == str(os.getpid())


@pytest.mark.parametrize("cores", [1, 2])
def test_error_of_a_job_reaches_the_caller(tmp_path: Path, cores: int) -> None:
    first = Write(tmp_path / "a", 2)
    with pytest.raises(UnknownNameError) as caught:
        run_jobs([first, Fail(), Fail()], cores, "Label", "events")
    assert str(caught.value) == "unknown weight 'pileip' in weights, did you mean 'pileup'?"
    # what was done stays
    assert first.path.exists()


def test_killed_worker_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PocketError, match="a worker process was killed, maybe because memory ran out"):
        run_jobs([Die(), Die()], 2, "Label", "events")


def test_cores() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    with pytest.raises(ConfigError, match="number of cores is -1"):
        run_jobs([], -1, "Label", "events")


PARENT = """
import sys
from pathlib import Path
from tasks.pool import run_jobs
from tests.tasks.test_pool import Write
if __name__ == "__main__":
    run_jobs([Write(Path(sys.argv[1], str(n)), 1, wait=20 * n) for n in range(2)], 2, "Label", "events")
"""


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 60
    while not (tmp_path / "0").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int((tmp_path / "0").read_text())
    os.kill(worker, 0)
    parent.kill()
    parent.wait()
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(worker)
    assert not (tmp_path / "1").exists()


def alive(pid: int) -> bool:
    """Whether a process still runs; one that waits to be collected doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
