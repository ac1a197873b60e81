"""The engines, and the requests to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peer.environment import POCKETCOFFEA, ROOT, PeerUnavailableError, default_location, peer_python
from benchmarks.throughput.data import Sample, sample_fileset
from benchmarks.throughput.flows import Flow
from benchmarks.throughput.running import Engine, EngineError
from pocket.configuration.configurator import Configurator
from pocket.engine.resources import Resources, with_paths
from pocket.histograms.config import Axis
from pocket.parameters.defaults import project_root

DRIVERS = Path(__file__).with_name("drivers")
OURS = "ours"
BARE = "bare"
#: suffix of engines that run with their default size of chunks
AS_IT_IS = "-default"
#: engine → its default, from PocketCoffea's executor_options_defaults.yaml and coffea's Runner
DEFAULT_CHUNKS = {f"pocketcoffea{AS_IT_IS}": 150_000, f"coffea{AS_IT_IS}": 100_000}
#: labels for tables, in their order
LABELS = {
    OURS: "Pocketlaw",
    f"pocketcoffea{AS_IT_IS}": "PocketCoffea, default chunks",
    "pocketcoffea": "PocketCoffea",
    f"coffea{AS_IT_IS}": "hand-written coffea, default chunks",
    "coffea": "hand-written coffea",
    "rdataframe": "RDataFrame",
    BARE: "bare read",
}
#: modules that both engines with coffea's runner share with the comparison of physics
PEER = project_root() / "benchmarks" / "peer" / "pocketcoffea"
#: engine → folders of further modules that it needs
MODULES = {"pocketcoffea": (PEER,), "coffea": (PEER,)}
ENVIRONMENTS = {"pocketcoffea": POCKETCOFFEA, "rdataframe": ROOT}


@dataclass(frozen=True)
class Settings:
    """Settings of engines.

    Args:
        events: number of events of a pass.
        chunk_size: largest number of events processed at once.
        warm_up: number of events before the first pass.
    """

    events: int
    chunk_size: int = 400_000
    warm_up: int = 5_000


def request(name: str, flow: Flow, sample: Sample, settings: Settings) -> dict[str, Any]:
    """Return the request to a driver.

    Args:
        name: name of the flow.
        flow: the flow.
        sample: files of the flow.
        settings: settings of engines.
    """
    config = flow.configuration()
    return {
        "flow": name,
        "config": flow.config,
        "fileset": sample_fileset(config, sample),
        "corrections": str(sample.corrections),
        "parameters": with_paths(config.plain_parameters(), Resources(toys=str(sample.corrections))),
        "axes": {name: [axis.bins, axis.start, axis.stop] for name, axis in _axes(config)},
        "events": settings.events,
        "part": [0, 1],
        "chunk_size": settings.chunk_size,
        "warm_up": settings.warm_up,
    }


def pythons(names: Sequence[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the environments of engines, which are built if they don't exist.

    Returns:
        Engine → its Python executable, and engine → reason if its environment can't be built.
    """
    found, missing = {}, {}
    for name in names:
        environment = ENVIRONMENTS.get(name.removesuffix(AS_IT_IS))
        if environment is None:
            found[name] = Path(sys.executable)
            continue
        try:
            found[name] = peer_python(default_location(environment), environment)
        except PeerUnavailableError as error:
            missing[name] = str(error)
    return found, missing


def start(name: str, python: Path, asked: Mapping[str, Any], folder: Path, label: str | None = None) -> Engine:
    """Return a started engine that is warmed up.

    Args:
        name: name in :data:`LABELS`.
        python: its Python executable.
        asked: request, see :func:`request`.
        folder: an existing folder.
        label: name of this process, if an engine runs more than once.
    """
    asked = {**asked, "chunk_size": DEFAULT_CHUNKS.get(name, asked["chunk_size"])}
    driver = name.removesuffix(AS_IT_IS)
    if name == OURS:
        command, path = [str(python), "-m", "benchmarks.throughput.ours"], [project_root()]
    else:
        command, path = [str(python), str(DRIVERS / f"{driver}_driver.py")], [DRIVERS, *MODULES.get(driver, ())]
    return Engine(label or name, command, asked, folder, path)


def start_ours(requests: Mapping[str, Mapping[str, Any]], folder: Path, stack: ExitStack) -> list[Engine]:
    """Return our engine, started once for each request (label → request), and let the stack close them."""
    python = Path(sys.executable)
    return [stack.enter_context(start(OURS, python, asked, folder, label)) for label, asked in requests.items()]


def _axes(config: Configurator) -> Iterator[tuple[str, Axis]]:
    for name, conf in config.variables.items():
        (axis,) = conf.axes
        if axis.type != "regular":
            raise EngineError(f"histogram {name!r} of the benchmark must have bins of one width")
        yield name, axis
