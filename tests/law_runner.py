"""Runs law in a process of its own, as a user would, with a store of its own."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: line of a task that is done or has failed: its family, and the names of what it was done for
_LINE = re.compile(r"^[✓✗] (\w+) ?(.*?)(?:  .*)?$", re.MULTILINE)


@functools.cache
def index_of(settings: tuple[str, str]) -> bytes:
    """Return law's index of the tasks for a configuration file and a search path, which takes a second to make."""
    configuration, path = settings
    with tempfile.TemporaryDirectory() as home:
        own = {"LAW_HOME": home, "LAW_CONFIG_FILE": configuration, "PYTHONPATH": path}
        law = str(Path(sys.executable).with_name("law"))
        subprocess.run([law, "index", "-q"], env={**os.environ, **own}, check=True, timeout=60)
        return Path(home, "index").read_bytes()


@dataclass(frozen=True)
class Run:
    """What a call of law gave.

    Args:
        code: exit code.
        text: standard output and error, as they came.
    """

    code: int
    text: str

    @property
    def executed(self) -> list[str]:
        """Families of the tasks that ran, in order: those of a pass over events have one line."""
        families: list[str] = []
        for family, label in _LINE.findall(self.text):
            cut = re.search(r", … \((\d+)\)$", label)
            families += [family] * (int(cut[1]) if cut else label.count(", ") + 1)
        return families

    @property
    def errors(self) -> list[str]:
        """The sentences of the errors meant for people."""
        return re.findall(r"^error: (.*)$", self.text, re.MULTILINE)


def job_logs(control: Path) -> dict[str, str]:
    """Return the logs of a task's batch jobs: those in the archive, and those of jobs that aren't done."""
    found = {}
    if (control / "logs.zip").exists():
        with zipfile.ZipFile(control / "logs.zip") as archive:
            found = {name: archive.read(name).decode() for name in archive.namelist()}
    return found | {path.name: path.read_text() for path in control.glob("stdall_*.txt")}


@dataclass(frozen=True)
class Usage:
    """What all processes of a call used.

    Args:
        cpu: time of all of them together, in seconds.
        peak: largest resident set of any of them, in bytes.
    """

    cpu: float
    peak: float


@dataclass(frozen=True)
class Law:
    """Calls law with its own store and index below a folder.

    Args:
        folder: an existing folder.
        extra: more environment variables.
    """

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "store"

    @property
    def environment(self) -> dict[str, str]:
        """What setup.sh sets, for this checkout and store."""
        home = self.folder / "law"
        home.mkdir(exist_ok=True)
        scripts = (str(ROOT / "tasks" / "command" / "bin"), str(Path(sys.executable).parent))
        return {
            **os.environ,
            "PATH": os.pathsep.join([*scripts, os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "POCKET_ROOT": str(ROOT),
            "POCKET_STORE": str(self.store),
            "LAW_HOME": str(home),
            "LAW_CONFIG_FILE": str(ROOT / "law.cfg"),
            # It may say how wide the lines of pytest are, and would break those of commands.
            "COLUMNS": "",
            **self.extra,
        }

    def start(self, *arguments: str, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start ``law run …``, as arguments of the wrapper, in a process group of its own and return at once."""
        if not (index := self.folder / "law" / "index").exists():
            index.write_bytes(index_of(tuple(self.environment[name] for name in ("LAW_CONFIG_FILE", "PYTHONPATH"))))
        return subprocess.Popen(
            [*wrapper, "law", "run", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, timeout: float = 900) -> Run:
        """Run ``law run …`` to its end."""
        process = self.start(*arguments)
        text, _ = process.communicate(timeout=timeout)
        return Run(process.returncode, text)

    def measure(self, *arguments: str, timeout: float = 900) -> tuple[Run, Usage]:
        """Run ``law run …`` to the end of all processes that it started."""
        result = self.folder / "usage.json"
        process = self.start(*arguments, wrapper=(sys.executable, "-m", "tests.measured", str(result)))
        text, _ = process.communicate(timeout=timeout)
        return Run(process.returncode, text), Usage(**json.loads(result.read_text()))

    @property
    def last_log(self) -> str:
        """The log of the last command that ran something."""
        return max((self.store / ".logs").glob("*.log"), key=lambda path: path.stat().st_mtime_ns).read_text()

    def outputs(self, task: str, analysis: str = "zmumu") -> Iterator[Path]:
        """Return the folders with a manifest, and the containers, below a task's folder in the store."""
        found = []
        # Path.rglob stumbles over what vanishes meanwhile. Toys are those of all analyses.
        places = (self.store / part / task for part in (analysis, "shared"))
        for folder, folders, files in (found_there for place in places for found_there in os.walk(place)):
            folders[:] = [name for name in folders if not name.startswith(".")]
            if "manifest.json" in files:
                found.append(Path(folder))
            found += [Path(folder, name) for name in files if name.endswith(".zip") and "damaged-" not in name]
        yield from sorted(found)
