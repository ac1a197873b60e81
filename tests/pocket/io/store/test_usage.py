from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from pocket.io.store.provenance import VARIABLE, begin_work, work_done


def test_time_since_the_work_began() -> None:
    before = time.monotonic()
    begin_work()
    began = time.process_time()
    while time.process_time() - began < 0.05:
        pass
    used = work_done()
    assert used["cpu_time"] > 0.04
    # to the ms that is written
    assert 0.04 < used["wall_time"] <= time.monotonic() - before + 0.001
    begin_work()
    assert work_done()["cpu_time"] < used["cpu_time"]


def test_time_of_processes_that_it_started() -> None:
    begin_work()
    code = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
    assert work_done()["cpu_time"] > 0.15


def test_memory_in_bytes() -> None:
    large = np.ones(40_000_000)
    assert work_done()["peak_memory"] > large.nbytes


def test_kind_of_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert work_done()["host_kind"] == "local"
    monkeypatch.setenv(VARIABLE, "htcondor")
    assert work_done()["host_kind"] == "htcondor"
