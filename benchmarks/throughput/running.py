"""Alternating runs of engines, each in its own process after a warm-up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from pocket.errors import PocketError

#: environment variables for one thread, since events per second and core are compared
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM")
}


class EngineError(PocketError):
    """An engine failed."""


@dataclass(frozen=True)
class Pass:
    """One pass over the files.

    Args:
        wall: seconds of wall time.
        cpu: seconds of CPU time of all threads.
        peak: peak memory of the process until the end of the pass in MB.
    """

    wall: float
    cpu: float
    peak: float


class Engine:
    """The process of one engine, which makes a pass on request.

    Args:
        name: name of the engine.
        command: command to run; the path of the request is appended.
        request: input of the driver: files, parameters and output path.
        folder: an existing folder for request, log and templates.
        python_path: folders of modules.

    Raises:
        EngineError: if it fails, now or later, with the end of its output.
    """

    def __init__(
        self, name: str, command: Sequence[str], request: Mapping[str, Any], folder: Path, python_path: Sequence[Path]
    ) -> None:
        self.name = name
        self.templates_path = folder / f"{name}.npz"
        self._log = folder / f"{name}.log"
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**request, "output": str(self.templates_path), "folder": str(folder)}))
        environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(map(str, python_path))}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=folder,
            )
        self._answer()

    def run(self) -> Pass:
        """Return the times of one pass."""
        return Pass(**self._ask("pass"))

    def templates(self) -> dict[str, Any]:
        """Return the templates of the last pass, see ``drivers/templates.py``."""
        self._ask("write")
        with np.load(self.templates_path) as found:
            return dict(found)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, order: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            last = "\n".join(self._log.read_text().strip().splitlines()[-15:])
            raise EngineError(f"{self.name} failed:\n{last}")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


def alternate(engines: Sequence[Engine], repeat: int) -> dict[str, list[Pass]]:
    """Let each engine make a pass in turn, so that a temporary disturbance of the machine affects all of them.

    Each makes two passes in a row, and the second one counts: while the other engines ran, its data were evicted from
    the CPU caches, and often from memory.

    Args:
        engines: the engines.
        repeat: number of rounds.

    Returns:
        Name of the engine → its passes.
    """
    passes: dict[str, list[Pass]] = {engine.name: [] for engine in engines}
    for _ in range(repeat):
        for engine in engines:
            engine.run()
            passes[engine.name].append(engine.run())
    return passes
