"""The engines, and what each is asked to do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.throughput.data import Sample, sample_fileset
from benchmarks.throughput.flows import FLOWS
from benchmarks.throughput.running import Engine
from pocket.engine.resources import Resources, resolve_parameters
from pocket.parameters.defaults import project_root, to_plain

DRIVERS = Path(__file__).with_name("drivers")
#: labels for tables, in their order
LABELS = {
    "ours": "Pocketlaw",
    "pocketcoffea": "PocketCoffea",
    "coffea": "hand-written coffea",
    "rdataframe": "RDataFrame",
    "bare": "bare read",
}


@dataclass(frozen=True)
class Settings:
    """How engines run.

    Args:
        events: number of events of a pass.
        chunk_size: largest number of events processed at once.
        warm_up: number of events before time is taken.
    """

    events: int
    chunk_size: int = 100_000
    warm_up: int = 5_000


def request(name: str, sample: Sample, settings: Settings) -> dict[str, Any]:
    """Return what a driver is told."""
    config = FLOWS[name].configuration()
    return {
        "flow": name,
        "fileset": sample_fileset(config, sample),
        "corrections": str(sample.corrections),
        "parameters": to_plain(resolve_parameters(config, Resources(toys=str(sample.corrections)))),
        "events": settings.events,
        "chunk_size": settings.chunk_size,
        "warm_up": settings.warm_up,
    }


def start(
    names: Sequence[str], pythons: Mapping[str, Path], asked: Mapping[str, Any], folder: Path, stack: ExitStack
) -> list[Engine]:
    """Start engines, one after the other, each of which warms up.

    Args:
        names: of :data:`LABELS`.
        pythons: Python of those with an environment of their own.
        asked: see :func:`request`.
        folder: an existing folder.
        stack: closes them.
    """
    engines = []
    for name in names:
        if name == "ours":
            command, path = [sys.executable, "-m", "benchmarks.throughput.ours"], [project_root()]
        else:
            driver = DRIVERS / f"{name}_driver.py"
            command, path = [str(pythons.get(name, sys.executable)), str(driver)], []
        engines.append(stack.enter_context(Engine(name, command, asked, folder, path)))
    return engines
