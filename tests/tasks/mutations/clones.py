"""Copies of the checkout at other places, and what their tasks say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.law_runner import ROOT
from tests.tasks.mutations import directories

PARTS = ("analysis", "datasets", "params", "pocket", "tasks", "law.cfg", "pyproject.toml")


@dataclass(frozen=True)
class Clone:
    """A copy of the checkout, and whoever runs it.

    Args:
        folder: the copy.
        store: the store.
        python: the interpreter.
        wrapper: command in front of it.
        variables: further environment variables.
    """

    folder: Path
    store: Path
    python: str = sys.executable
    wrapper: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, store: Path, **settings: Any) -> Clone:
        """Copy what the tasks need into a new folder."""
        folder.mkdir(parents=True)
        for part in PARTS:
            if (ROOT / part).is_dir():
                # with what Python and the fingerprints keep beside code, as if it had been used before
                shutil.copytree(ROOT / part, folder / part)
            else:
                shutil.copy(ROOT / part, folder / part)
        # where other users can read it
        shutil.copy(directories.__file__, folder)
        return cls(folder, store, **settings)

    @property
    def environment(self) -> dict[str, str]:
        """What setup.sh sets, for this copy."""
        return {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            # a process with threads can't be forked
            "OPENBLAS_NUM_THREADS": "1",
            "POCKET_ROOT": str(self.folder),
            "POCKET_STORE": str(self.store),
            "LAW_HOME": str(self.store / ".law"),
            "LAW_CONFIG_FILE": str(self.folder / "law.cfg"),
            **self.variables,
        }

    @contextmanager
    def asked(self) -> Iterator[Questions]:
        """Run the process that answers questions."""
        command = [*self.wrapper, self.python, "-P", str(self.folder / Path(directories.__file__).name)]
        process = subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            yield Questions(process)
            assert process.stdin is not None
            process.stdin.close()


@dataclass(frozen=True)
class Questions:
    """The process that answers questions about a clone."""

    process: subprocess.Popen[str]

    def ask(self, *analyses: str, incomplete: bool = False) -> dict[str, dict[str, str]]:
        """Return analysis → task → folder below the store; of tasks that aren't complete alone, if that is asked."""
        self.send(*analyses, incomplete=incomplete)
        return self.answer()

    def send(self, *analyses: str, incomplete: bool = False) -> None:
        """Ask, without waiting for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps({'analyses': analyses, 'incomplete': incomplete})}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, dict[str, str]]:
        """Wait for the answer, see :meth:`ask`."""
        assert self.process.stdout is not None
        answer: dict[str, dict[str, str]] | None = json.loads(self.process.stdout.readline() or "null")
        assert answer is not None, "no answer; its error is above"
        return answer
