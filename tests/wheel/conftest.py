"""The wheel, and the repository of an analysis in an environment of its own, with the wheel alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.law_runner import ROOT, Run

#: of the environment, what an installation needs: where packages are, and how they are reached
_KEPT = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PIP_", "REQUESTS_", "SSL_", "UV_")
#: parts of the analysis in the repository, which takes no skim to save time
PARTS = "columns,scale-factor,shape-variation"


@dataclass(frozen=True)
class Repository:
    """The repository of an analysis.

    Args:
        folder: the repository.
        home: the home directory of who works in it.
    """

    folder: Path
    home: Path

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "store"

    def run(self, script: str, timeout: float = 600) -> Run:
        """Source setup.sh in a shell that knows nothing of this checkout, and run a line of bash."""
        kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_KEPT)}
        environment = {
            **kept,
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "POCKET_PYTHON": str(Path(sys.executable).resolve()),
            "UV_CACHE_DIR": output("uv", "cache", "dir"),
        }
        result = subprocess.run(
            ["bash", "-c", f"source setup.sh && {script}"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return Run(result.returncode, result.stdout)

    def law(self, task: str, *options: str) -> Run:
        """Run a task on few toys to its end; it must succeed."""
        always = ("--version", "v1", "--params", "toys.scale=0.1", "--cores", "2")
        run = self.run(" ".join(["law", "run", task, *always, *options]))
        assert run.code == 0, run.text
        return run


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    if not shutil.which("uv") and not os.environ.get("CI"):
        pytest.skip("uv is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        ["uv", "build", "--wheel", "--out-dir", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert build.returncode == 0, build.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def repository(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository with the wheel, in a folder whose path has a space; its environment takes a minute."""
    folder = tmp_path_factory.mktemp("home") / "a folder"
    folder.mkdir()
    command = [sys.executable, "-P", "-m", "tasks.command", "new", "muons", "--with", PARTS, "--source", str(wheel)]
    made = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    yield Repository(folder / "muons", folder.parent)
    shutil.rmtree(folder / "muons" / ".venv", ignore_errors=True)
