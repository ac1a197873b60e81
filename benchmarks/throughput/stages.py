"""Stages of our engine's time: ``read``, ``skim``, ``objects``, ``weights``, ``fill`` and ``rest``.

The stack is sampled every millisecond of CPU time. The innermost frame with a rule determines the stage.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERVAL = 0.001

#: stage → modules with their submodules, or functions of modules
RULES: dict[str, tuple[str, ...]] = {
    "read": (
        "uproot",
        "coffea.nanoevents.mapping",
        "coffea.nanoevents.factory",
        "pocket.engine.reading",
        "pocket.io.nanoaod.events",
        "pocket.io.nanoaod.packing",
        "pocket.io.nanoaod.records",
        "pocket.io.nanoaod.selection",
        "pocket.io.remote",
    ),
    "skim": ("pocket.engine.chunk:skim",),
    "objects": ("pocket.engine.chunk:preselect",),
    "weights": ("pocket.engine.weighting", "pocket.weights", "pocket.corrections.files"),
    "fill": ("pocket.engine.filling", "pocket.engine.values", "pocket.engine.compiled", "pocket.histograms"),
    "rest": ("pocket.engine.chunk", "pocket.engine.run", "pocket.outputs.merging"),
}
_RANK = {place: stage for stage, places in RULES.items() for place in places}


def stage_of(frame: FrameType | None) -> str:
    """Return the stage of a stack, from its innermost frame."""
    while frame is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if (stage := _RANK.get(f"{module}:{function}")) is not None:
            return stage
        while module:
            if (stage := _RANK.get(module)) is not None:
                return stage
            module = module.rpartition(".")[0]
        frame = frame.f_back
    return "rest"


@contextmanager
def sampled(classify: Callable[[FrameType | None], str] = stage_of) -> Iterator[Counter[str]]:
    """Count the CPU time of the block by stage, in seconds.

    A signal arrives only between two Python instructions, so it is late after a long call into compiled code. The time
    since the previous signal is attributed to the stack that it finds, which is still in the function that made the
    call.
    """
    spent: Counter[str] = Counter()
    last = time.process_time()

    def look(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        spent[classify(frame)] += now - last
        last = now

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    try:
        yield spent
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
