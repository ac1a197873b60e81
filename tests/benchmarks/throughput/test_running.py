from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.throughput.drivers.serving import peak_memory, timed
from benchmarks.throughput.engines import DRIVERS
from benchmarks.throughput.running import Engine, EngineError, alternate

DRIVER = """
import json, sys, time
from pathlib import Path
from serving import serve
from templates import write_templates
import numpy as np

def prepare(request):
    print("noise of a library")
    passes = []
    def make_pass():
        if request["fails"]:
            raise ValueError("out of events")
        print("more noise")
        passes.append(request["name"])
        with Path("order.txt").open("a") as file:
            file.write(request["name"])
    return make_pass, lambda: write_templates(request["output"], {"passes": np.array([len(passes)])})

serve(prepare)
"""


def engine(folder: Path, name: str, fails: bool = False) -> Engine:
    """Start an engine that only writes down that it ran."""
    driver = folder / "driver.py"
    driver.write_text(DRIVER)
    return Engine(name, [sys.executable, str(driver)], {"name": name, "fails": fails}, folder, [DRIVERS])


def test_engines_take_turns(tmp_path: Path) -> None:
    with engine(tmp_path, "a") as first, engine(tmp_path, "b") as second:
        passes = alternate([first, second], 3)
        assert {name: len(own) for name, own in passes.items()} == {"a": 3, "b": 3}
        assert all(one.wall > 0 and one.cpu >= 0 and one.peak > 5 for own in passes.values() for one in own)
        assert first.templates()["passes"] == np.array([6])
    assert (tmp_path / "order.txt").read_text() == "aabbaabbaabb"
    assert "more noise" in (tmp_path / "a.log").read_text()
    assert json.loads((tmp_path / "a.json").read_text())["output"] == str(tmp_path / "a.npz")


def test_failure_tells_what_the_engine_said(tmp_path: Path) -> None:
    with engine(tmp_path, "bad", fails=True) as bad, pytest.raises(EngineError, match=r"(?s)bad failed.*out of events"):
        bad.run()


def test_what_does_not_count_is_left_out() -> None:
    found = timed(lambda: (1.0, 2.0))
    assert -1.0 < found["cpu"] < -0.9
    assert -2.0 < found["wall"] < -1.9
    assert timed(lambda: None)["wall"] > 0
    assert peak_memory() > 20
