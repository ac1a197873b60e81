"""Whole commands on the same files: ``law run MergeOutputs`` and ``pocket-coffea run``, each from its start to its end.

Each command is a process of its own, and its CPU time is that of all processes that it starts. With few events it is
what doesn't depend on their number: start, imports, the configuration, and the writing of the templates.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.throughput.drivers.templates import from_output
from benchmarks.throughput.engines import AS_IT_IS, BARE, DRIVERS, OURS, PEER
from benchmarks.throughput.flows import find
from benchmarks.throughput.given_files import CONFIG, NAME, VARIABLE, correction_files, definitions_of
from benchmarks.throughput.running import ONE_THREAD, EngineError, Pass
from pocket.histograms.files import read_output
from pocket.parameters.defaults import project_root
from pocket.parameters.plain import to_plain
from tests.law_runner import Law

#: suffix of commands with chunks as large as all engines have in the other parts
LARGE = "-large"
#: engine → the command, with its own chunks unless its label says otherwise
LABELS = {
    OURS: "`law run MergeOutputs`",
    f"{OURS}{LARGE}": "`law run MergeOutputs`, large chunks",
    f"pocketcoffea{AS_IT_IS}": "`pocket-coffea run`",
    "pocketcoffea": "`pocket-coffea run`, large chunks",
    BARE: "imports of libraries and bare read",
}
#: options that all of our tasks have
ANALYSIS = ("--version", "v1", "--analysis", "benchmarks.throughput.command_analysis")
#: tasks of our command, whose outputs are removed before it runs again
TASKS = ("RunProcessor", "MergeOutputs")
#: module of ``pocket-coffea run``; the command imports all others too, and some of them need another version of NumPy
RUNNER = "pocket_coffea.scripts.runner"
#: program that runs a command and waits for all of its processes
WATCH = project_root() / "tests" / "measured.py"


class Command:
    """A command that makes the templates of all files.

    Args:
        request: its input, see :func:`benchmarks.throughput.engines.request`.
        folder: a folder for request, log and outputs, which is made.
    """

    def __init__(self, request: Mapping[str, Any], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.request_path = folder / "request.json"
        self.request_path.write_text(json.dumps(self.content(request)))

    def content(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the command reads."""
        return {**request, "output": str(self.folder)}

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables."""
        raise NotImplementedError

    def arguments(self) -> Sequence[str]:
        """Remove the outputs of an earlier run, and return the command."""
        raise NotImplementedError

    def templates(self) -> dict[str, Any]:
        """Return the templates that it made, see ``drivers/templates.py``; empty if it makes none."""
        raise NotImplementedError

    def run(self, **environment: str) -> Pass:
        """Run the command to the end of all of its processes, and return the times.

        Args:
            **environment: further environment variables.

        Raises:
            EngineError: if it fails, with the end of its output.
        """
        usage, log = self.folder / "usage.json", self.folder / "log.txt"
        command = [sys.executable, str(WATCH), str(usage), *self.arguments()]
        begin = time.perf_counter()
        with log.open("w") as text:
            code = subprocess.call(
                command,
                env={**self.environment, **ONE_THREAD, VARIABLE: str(self.request_path), **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=text,
                stderr=subprocess.STDOUT,
            )
        wall = time.perf_counter() - begin
        if code:
            last = "\n".join(log.read_text().strip().splitlines()[-15:])
            raise EngineError(f"{' '.join(command[3:6])} failed:\n{last}")
        used = json.loads(usage.read_text())
        return Pass(wall, used["cpu"], used["peak"] / 2**20)


class LawCommand(Command):
    """``law run MergeOutputs``, which processes and merges with one core.

    The fileset is built first, as PocketCoffea's is.

    Args:
        request: its input.
        folder: a folder for request, log and store, which is made.
        chunk_size: largest number of events in a branch and processed at once; by default those of law.

    Raises:
        EngineError: if the fileset can't be built.
    """

    def __init__(self, request: Mapping[str, Any], folder: Path, chunk_size: int | None = None) -> None:
        super().__init__(request, folder)
        self._chunk_size = chunk_size
        definitions = str(folder / "datasets.json")
        run = self.law.run("BuildDatasets", *ANALYSIS, "--definition", definitions, timeout=3600)
        if run.code:
            raise EngineError(f"law run BuildDatasets failed:\n{run.text[-2000:]}")

    def content(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration, the definition file and the files of corrections."""
        config = find(request["flow"]).configuration()
        definitions = self.folder / "datasets.json"
        definitions.write_text(json.dumps(definitions_of(config, request["fileset"]), indent=1))
        return {
            "config": request["config"],
            "definitions": str(definitions),
            "corrections": correction_files(to_plain(config.parameters), request["corrections"]),
        }

    @cached_property
    def law(self) -> Law:
        """The caller of law, with a store of its own."""
        return Law(self.folder, {VARIABLE: str(self.request_path)})

    @property
    def environment(self) -> dict[str, str]:
        """What setup.sh sets."""
        return self.law.environment

    def arguments(self) -> Sequence[str]:
        """Remove the outputs of an earlier run, and return the command."""
        for task in TASKS:
            shutil.rmtree(self.law.store / NAME / task, ignore_errors=True)
        size = str(self._chunk_size)
        chunks = ["--events-per-branch", size, "--chunk-size", size, "--chunk-memory", "0"] if self._chunk_size else []
        return ["law", "run", "MergeOutputs", *ANALYSIS, "--config", CONFIG, "--cores", "1", *chunks]

    def templates(self) -> dict[str, Any]:
        """Return the merged templates."""
        (output,) = self.law.outputs("MergeOutputs", NAME)
        templates: dict[str, Any] = from_output(read_output(output))
        return templates


class PocketCoffeaCommand(Command):
    """``pocket-coffea run`` with the iterative executor.

    Args:
        request: its input.
        folder: a folder for request, log and outputs, which is made.
        python: Python executable of PocketCoffea's environment.
        chunk_size: largest number of events processed at once; PocketCoffea's own by default.
    """

    def __init__(self, request: Mapping[str, Any], folder: Path, python: Path, chunk_size: int | None = None) -> None:
        super().__init__(request, folder)
        self._python, self._chunk_size = python, chunk_size

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with the folders of its configuration."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (DRIVERS, PEER)))}

    def arguments(self) -> Sequence[str]:
        """Remove the outputs of an earlier run, and return the command."""
        shutil.rmtree(self.folder / "output", ignore_errors=True)
        chunks = ["--chunksize", str(self._chunk_size)] if self._chunk_size else []
        return [
            *(str(self._python), "-m", RUNNER, "--cfg", str(DRIVERS / "pocketcoffea_config.py")),
            *("-o", str(self.folder / "output"), "--executor", "iterative", *chunks),
            # It asks for a proxy of the grid otherwise.
            "--ignore-grid-certificate",
        ]

    def templates(self) -> dict[str, Any]:
        """Return the templates in the output."""
        path = self.folder / "templates.npz"
        command = [
            str(self._python),
            str(DRIVERS / "read_coffea.py"),
            str(self.folder / "output" / "output_all.coffea"),
        ]
        subprocess.run([*command, str(path)], env=self.environment, check=True, capture_output=True)
        with np.load(path) as found:
            return dict(found)


class BareCommand(Command):
    """A command that only imports the libraries, loads numba and reads the columns: what no other can be below."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with the folder of its modules."""
        return {**os.environ, "PYTHONPATH": str(DRIVERS)}

    def arguments(self) -> Sequence[str]:
        """Return the command."""
        return [sys.executable, str(DRIVERS / "libraries.py")]

    def templates(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


def make_commands(found: Mapping[str, Path | None], request: Mapping[str, Any], folder: Path) -> dict[str, Command]:
    """Return name → command for a request.

    Args:
        found: name in :data:`LABELS` → its Python executable, see :func:`benchmarks.throughput.engines.pythons`.
        request: the request.
        folder: folder of the commands' files.
    """
    commands: dict[str, Command] = {}
    for name, python in found.items():
        if name in (OURS, f"{OURS}{LARGE}"):
            size = request["chunk_size"] if name.endswith(LARGE) else None
            commands[name] = LawCommand(request, folder / name, size)
        elif name == BARE:
            commands[name] = BareCommand(request, folder / name)
        else:
            size = None if name.endswith(AS_IT_IS) else request["chunk_size"]
            commands[name] = PocketCoffeaCommand(request, folder / name, python, size)
    return commands


@contextmanager
def empty_caches() -> Iterator[dict[str, str]]:
    """Return environment variables that name an empty folder for what Python, numba and matplotlib keep."""
    with tempfile.TemporaryDirectory() as folder:
        yield dict.fromkeys(("PYTHONPYCACHEPREFIX", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"), folder)


def read_files(fileset: Mapping[str, Any]) -> None:
    """Read all files once, so that they are in memory."""
    for dataset in fileset.values():
        for path in dataset["files"]:
            with Path(path).open("rb") as file:
                while file.read(1 << 24):
                    pass
