"""Trials of configurations on one side, each in a process of its own, with a cache of their results."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.foreign.discovery import Configuration
from pocket.parameters.defaults import project_root

UPSTREAM = Path(__file__).parent / "upstream" / "try_configuration.py"
#: Stages of a trial in their order.
STAGES = ("import", "load", "process")
#: Files that decide what a configuration does.
_SUFFIXES = {".py", ".yaml", ".yml", ".json"}


@dataclass(frozen=True)
class Outcome:
    """Result of a trial.

    Args:
        folder: folder with the output.
        stages: the stages that were passed.
        error: error of the next one, empty if there is none.
        traceback: its traceback.
        details: all that the trial wrote.
    """

    folder: Path
    stages: tuple[str, ...]
    error: str = ""
    traceback: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def passed(self, stage: str) -> bool:
        """Tell whether a stage was passed."""
        return stage in self.stages


@dataclass(frozen=True)
class Side:
    """How configurations are tried on one side.

    Args:
        name: name of its folders.
        command: the command, which gets the request as its last argument.
        environment: variables to add to those of this process.
        version: version of what decides the result besides the configuration; results of another one are not used.
            None are if it is empty.
        needs_root: whether the repository must be on the path, as if it were installed, behind what is there.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    version: str = ""
    needs_root: bool = False


def upstream_side(python: Path) -> Side:
    """Return PocketCoffea's side, in the environment of a Python executable.

    Its PocketCoffea goes before one that a repository has itself, as forks of it do.
    """
    command = [str(python), "-c", "import pocket_coffea; print(pocket_coffea.__file__)"]
    module = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    environment = {"PYTHONPATH": str(module.parents[1])}
    return Side("upstream", (str(python), str(UPSTREAM)), environment, "1", needs_root=True)


def our_side(corrections: Path) -> Side:
    """Return our side, which isn't cached: it is what one works on. Packages of ``$PYTHONPATH`` stay importable."""
    command = (sys.executable, "-m", "benchmarks.foreign.try_configuration")
    path = os.pathsep.join(filter(None, (str(project_root()), os.environ.get("PYTHONPATH", ""))))
    return Side("ours", command, {"PYTHONPATH": path, "POCKET_CORRECTIONS": str(corrections.resolve())})


def try_configuration(
    side: Side, configuration: Configuration, request: Mapping[str, Any], folder: Path, timeout: float
) -> Outcome:
    """Return the outcome of a configuration on one side.

    Args:
        side: the side.
        configuration: the configuration.
        request: the request without its paths.
        folder: folder for the output of all trials.
        timeout: seconds after which the trial is stopped.
    """
    output = folder / side.name / hashlib.sha256(configuration.name.encode()).hexdigest()[:16]
    asked = {**request, "path": str(configuration.path), "folder": str(_working_folder(configuration))}
    asked["name"], asked["output"] = configuration.name, str(output)
    key = _key(asked, configuration, side)
    stamp = output / "key"
    if not (side.version and stamp.exists() and stamp.read_text() == key):
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        (output / "request.json").write_text(json.dumps(asked))
        _run(side, configuration, output, timeout)
        stamp.write_text(key)
    result = json.loads((output / "result.json").read_text())
    return Outcome(output, tuple(result["stages"]), result.get("error", ""), result.get("traceback", ""), result)


def _working_folder(configuration: Configuration) -> Path:
    """Return the folder that the configuration is run in: PocketCoffea's users run it in the configuration's own."""
    return configuration.path.parent


def _run(side: Side, configuration: Configuration, output: Path, timeout: float) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", **side.environment}
    if side.needs_root:
        path = (side.environment.get("PYTHONPATH"), str(configuration.repository))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    begin = time.perf_counter()
    with (output / "log").open("w") as log:
        process = subprocess.Popen(
            [*side.command, str(output / "request.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        try:
            process.wait(timeout)
            ended = f"ended with {process.returncode} and no result"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ended = f"took longer than {timeout:g} s"
    result = output / "result.json"
    content = json.loads(result.read_text()) if result.exists() else {"stages": []}
    if "error" not in content and content["stages"][-1:] != [STAGES[-1]]:
        content["error"] = ended
    result.write_text(json.dumps({**content, "wall": time.perf_counter() - begin}))


def _key(request: Mapping[str, Any], configuration: Configuration, side: Side) -> str:
    digest = hashlib.sha256(json.dumps([side.version, request], sort_keys=True).encode())
    files = [path for path in configuration.path.parent.rglob("*") if path.suffix in _SUFFIXES and path.is_file()]
    for path in sorted(files):
        digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()
