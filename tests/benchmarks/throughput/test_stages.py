from __future__ import annotations

import sys
import time
from types import FrameType, ModuleType
from typing import Any

import pytest

from benchmarks.throughput.stages import RULES, sampled, stage_of


def frame_in(calls: list[tuple[str, str]]) -> FrameType:
    """Return the frame of the last of functions (module, name) that call each other."""
    found: list[FrameType] = []
    chain: Any = lambda: found.append(sys._getframe().f_back)  # noqa: E731
    for module, name in reversed(calls):
        names = {"__name__": module, "inner": chain}
        exec(f"def {name}():\n    inner()", names)
        chain = names[name]
    chain()
    return found[0]


@pytest.mark.parametrize(
    ("stage", "calls"),
    [
        ("skim", [("pocket.engine.chunk", "process_chunk"), ("pocket.engine.chunk", "skim")]),
        ("read", [("pocket.engine.chunk", "skim"), ("awkward.contents", "f"), ("uproot.reading", "g")]),
        ("rest", [("pocket.engine.reading", "read_segment"), ("pocket.engine.chunk", "process_chunk")]),
        ("objects", [("pocket.engine.chunk", "preselect"), ("analysis.ttbar.workflow", "f"), ("numpy", "g")]),
        ("weights", [("pocket.engine.chunk", "process_chunk"), ("pocket.weights.btag", "compute")]),
        ("fill", [("pocket.engine.filling", "fill"), ("awkward", "f")]),
        ("rest", [("somewhere", "f")]),
    ],
)
def test_innermost_place_that_is_known_decides(stage: str, calls: list[tuple[str, str]]) -> None:
    assert stage_of(frame_in(calls)) == stage


def test_places_exist() -> None:
    import importlib

    for places in RULES.values():
        for place in places:
            module, _, function = place.partition(":")
            found = importlib.import_module(module)
            assert isinstance(found, ModuleType)
            assert not function or callable(getattr(found, function))


def busy(seconds: float) -> None:
    """Use processor time."""
    stop = time.process_time() + seconds
    while time.process_time() < stop:
        pass


def other(seconds: float) -> None:
    """Use processor time under another name."""
    busy(seconds)


def test_time_is_divided_by_stage() -> None:
    def classify(frame: FrameType | None) -> str:
        while frame is not None:
            if frame.f_code is other.__code__:
                return "other"
            frame = frame.f_back
        return "rest"

    with sampled(classify) as spent:
        busy(0.1)
        other(0.3)
    assert spent["other"] == pytest.approx(0.3, abs=0.05)
    assert spent["rest"] == pytest.approx(0.1, abs=0.05)
