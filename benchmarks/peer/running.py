"""Running of flows on both sides, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peer.flows import load_config
from benchmarks.peer.toys import Toys, toy_fileset
from pocket.engine.resources import Resources, with_paths
from pocket.errors import PocketError
from pocket.histograms.files import read_output
from pocket.parameters.defaults import project_root

PEER_DRIVER = Path(__file__).with_name("pocketcoffea") / "driver.py"


class DriverError(PocketError):
    """One of the sides failed."""


@dataclass(frozen=True)
class Side:
    """Output of one side for a flow.

    Args:
        output: histograms and sums in PocketCoffea's layout, normalised.
        columns: ``sample/dataset/category/variation/column`` → values.
        timing: ``start_up`` and ``warm_up`` in seconds of wall time, and ``passes`` with ``wall`` and ``cpu`` of each
            pass.
    """

    output: Mapping[str, Any]
    columns: Mapping[str, npt.NDArray[Any]]
    timing: Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """Settings of the runs.

    Args:
        chunk_size: largest number of events processed at once.
        repeats: number of passes over the files, for their time.
        warm_up: number of events of each dataset that are processed before the timing starts.
        at_once: whether both sides run at the same time, if their timing doesn't matter.
    """

    chunk_size: int = 100_000
    repeats: int = 1
    warm_up: int = 2000
    at_once: bool = False


def run_flows(
    flows: Sequence[str], toys: Toys, peer: Path, folder: Path, settings: Settings
) -> dict[str, tuple[Side, Side]]:
    """Run flows on both sides, with one process for each side.

    Args:
        flows: names of the flows.
        toys: the toy files.
        peer: Python executable of PocketCoffea's environment.
        folder: folder for requests and results.
        settings: settings of the runs.

    Returns:
        Flow → our side and PocketCoffea's.

    Raises:
        DriverError: if a side fails, with the end of its output.
    """
    described = [_describe(flow, toys) for flow in flows]
    request = {"corrections": str(toys.corrections), **asdict(settings)}
    commands = {
        "ours": ([sys.executable, "-m", "benchmarks.peer.our_driver"], str(project_root())),
        "theirs": ([str(peer), str(PEER_DRIVER)], ""),
    }

    def run(side: str) -> None:
        asked = [{**flow, "output": str(folder / flow["name"] / side)} for flow in described]
        _run(commands[side][0], {**request, "flows": asked}, folder / f"{side}.json", commands[side][1])

    with ThreadPoolExecutor(len(commands) if settings.at_once else 1) as pool:
        list(pool.map(run, commands))
    return {flow: (read_side(folder / flow / "ours"), read_side(folder / flow / "theirs")) for flow in flows}


def _describe(flow: str, toys: Toys) -> dict[str, Any]:
    config = load_config(flow)
    parameters = with_paths(config.plain_parameters(), Resources(toys=str(toys.corrections)))
    return {"name": flow, "fileset": toy_fileset(config, toys), "parameters": parameters}


def _run(command: list[str], request: Mapping[str, Any], path: Path, python_path: str) -> None:
    for flow in request["flows"]:
        Path(flow["output"]).mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**request, "started": time.time()}))
    # Each side uses one thread, since events per second and core are compared.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": python_path}
    result = subprocess.run([*command, str(path)], capture_output=True, text=True, env=environment, cwd=path.parent)
    path.with_suffix(".log").write_text(result.stdout + result.stderr)
    if result.returncode:
        last = "\n".join((result.stderr or result.stdout).strip().splitlines()[-15:])
        raise DriverError(f"{' '.join(command)} {path} failed:\n{last}")


def read_side(folder: Path) -> Side:
    """Return the output that a driver wrote."""
    columns = dict(np.load(folder / "columns.npz"))
    return Side(read_output(folder), columns, json.loads((folder / "timing.json").read_text()))
