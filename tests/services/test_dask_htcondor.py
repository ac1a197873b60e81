"""The executor on Dask with workers that are HTCondor jobs of an ordinary user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pocket.outputs import read_templates
from tests.law_runner import ROOT
from tests.services.conftest import User

#: of a checkout, what running needs
PARTS = ("analysis", "datasets", "params", "pocket", "tasks", "law.cfg")
SMALL = ROOT / "tests" / "tasks" / "small"


@dataclass(frozen=True)
class Home:
    """A checkout, an environment and the small analysis of a user."""

    user: User
    folder: Path

    def call(self, *command: str, seconds: float = 300) -> tuple[int, str]:
        """Run a command as the user; return its exit code and what it prints."""
        variables = {
            "PATH": f"{self.folder}/venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "POCKET_ROOT": str(self.folder),
            "POCKET_STORE": f"{self.folder}/store",
            "LAW_HOME": f"{self.folder}/law",
            "LAW_CONFIG_FILE": f"{self.folder}/law.cfg",
        }
        assignments = [f"{name}={value}" for name, value in variables.items()]
        result = subprocess.run(
            self.user.command("env", *assignments, *command),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        return result.returncode, result.stdout

    def merge(self, *options: str) -> tuple[int, str]:
        """Run the chain to the templates of the main configuration, in branches of 1000 events."""
        chain = ["MergeOutputs", "--version", "v1", "--analysis", f"{self.folder}/small", "--config", "main"]
        return self.call("law", "run", *chain, "--events-per-branch", "1000", *options)

    def outputs(self, task: str) -> list[Path]:
        """Return the outputs of a task."""
        found = (self.folder / "store" / "small" / task / "main").rglob("manifest.json")
        return sorted(manifest.parent for manifest in found)

    def templates(self) -> dict[str, bytes]:
        """Return the templates, bit by bit."""
        (merged,) = self.outputs("MergeOutputs")
        return {name: found.view(flow=True).tobytes() for name, found in read_templates(merged, "muon_pt").items()}

    def forget(self) -> None:
        """Remove the outputs of branches, and what is made of them."""
        for task in ("RunProcessor", "MergeOutputs"):
            for path in self.outputs(task):
                shutil.rmtree(path)


@pytest.fixture(scope="module")
def home(htcondor_pool: list[str], user: User) -> Home:
    """The user's checkout; the Python of the tests may be one that only root can read."""
    assert htcondor_pool
    folder = user.folder / "dask"
    folder.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    shutil.copytree(SMALL, folder / "small", ignore=shutil.ignore_patterns("__pycache__"))
    same = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    subprocess.run(
        ["uv", "venv", "-q", "--python", same if same.exists() else "/usr/bin/python3", "venv"], cwd=folder, check=True
    )
    install = ["uv", "pip", "sync", "-q", "--python", "venv/bin/python", "--require-hashes", ROOT / "requirements.lock"]
    subprocess.run(install, cwd=folder, check=True)
    subprocess.run(["chown", "-R", f"{user.uid}:{user.gid}", folder], check=True)
    home = Home(user, folder)
    assert home.call("law", "index", "-q")[0] == 0
    code, text = home.merge("--cores", "1")
    assert code == 0, text
    return home


OPTIONS = ("--executor", "dask", "--cluster", "htcondor", "--workers-max", "2", "--worker-memory", "500MB")


@pytest.mark.htcondor
def test_templates_are_the_same(home: Home) -> None:
    before = home.templates()
    home.forget()
    code, text = home.merge(*OPTIONS, "--executor-options", "host=127.0.0.1,disk=100MB")
    assert code == 0, text
    assert home.templates() == before
    # the workers wrote logs, and nothing that lets anybody in is left
    (logs,) = (home.folder / "store" / "small" / "RunProcessor").rglob(".dask")
    assert list(logs.glob("worker-*.err"))
    assert not [path for path in logs.rglob("*") if path.is_dir()]
    assert logs.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE KEY" not in "".join(path.read_text() for path in logs.iterdir())
    assert workers(home) == []


@pytest.mark.htcondor
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("worker_timeout=5,directive.requirements=False", r"came within \d+ s; see"),
        ("directive.hold=True", r"came within \d+ s; held: submitted on hold at user's request; see"),
    ],
)
def test_workers_that_never_start(home: Home, options: str, reason: str) -> None:
    home.forget()
    code, text = home.merge(*OPTIONS, "--executor-options", f"host=127.0.0.1,disk=100MB,{options}")
    assert code == 30
    (error,) = re.findall(r"^error: (.*)$", text, re.MULTILINE)
    assert re.match(rf"no worker of the Dask cluster \(htcondor\) {reason} the logs in /\S+/\.dask$", error)
    assert home.outputs("RunProcessor") == []
    assert workers(home) == []


def workers(home: Home) -> list[str]:
    """Return the workers that are in the queue."""
    code, text = home.call(
        "condor_q", "-constraint", "DaskWorkerName isnt undefined && JobStatus != 3", "-af", "ClusterId"
    )
    assert code == 0, text
    return text.split()
