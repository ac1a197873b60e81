"""The project as an ordinary user has it, in a folder that batch jobs see, and a small analysis to run in it."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocket.histograms.files import read_templates
from tests.law_runner import ROOT, Run
from tests.walk import copy_files

if TYPE_CHECKING:
    from tests.services.conftest import User

#: what belongs to the environment of whoever runs the tests
_OWN = (
    "VIRTUAL_ENV", "PYTHONPATH", "LAW_HOME", "LAW_CONFIG_FILE", "POCKET_ROOT", "POCKET_STORE", "HOME",
    "XDG_CACHE_HOME", "PIP_CACHE_DIR",
)  # fmt: skip
_CUT = "    # without a muon there is no value, which counts as not passed\n"


@dataclass(frozen=True)
class Checkout:
    """A checkout with its environment.

    Args:
        user: whose it is.
        folder: the checkout.
        store: the store.
    """

    user: User
    folder: Path
    store: Path

    def command(self, script: str) -> list[str]:
        """Return the command line that runs a line of bash in the environment, as the user."""
        plain = [f"{name}={value}" for name, value in os.environ.items() if name not in _OWN]
        # the environment of the tests may be in a folder that only root reads
        path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        variables = [
            f"HOME={self.user.folder}",
            f"UV_CACHE_DIR={self.user.folder.parent / '.cache' / 'uv'}",
            f"PATH={path}",
            "POCKET_PYTHON=/usr/bin/python3",
            f"POCKET_STORE={self.store}",
        ]
        line = f"cd {shlex.quote(str(self.folder))} && source setup.sh && {script}"
        return self.user.command("env", *plain, *variables, "bash", "-c", line)

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a line of bash in a process group of its own, and return at once."""
        return subprocess.Popen(
            self.command(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str, timeout: float = 900) -> Run:
        """Run a line of bash to its end."""
        process = self.start(script)
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            text, _ = process.communicate()
            raise AssertionError(f"{script} took longer than {timeout} s:\n{text}") from None
        return Run(process.returncode, text)


@dataclass(frozen=True)
class Analysis:
    """The small analysis in a folder of the user, in which cuts may fail.

    Args:
        checkout: where it runs.
        folder: the analysis.
    """

    checkout: Checkout
    folder: Path

    def law(self, task: str, *options: str) -> str:
        """Return the command that runs a task."""
        analysis = shlex.quote(str(self.folder))
        always = ["--version", "v1", "--analysis", analysis, "--config", "main", "--cores", "1"]
        return " ".join(["law", "run", task, *always, *options])

    def run(self, task: str, *options: str) -> Run:
        """Run a task to its end."""
        return self.checkout.run(self.law(task, *options))

    @property
    def attempts(self) -> Path:
        """Folder with a file for each time that the cut was called."""
        return self.folder / "attempts"

    @property
    def _go(self) -> Path:
        # Not below the analysis, of which nothing may change.
        return self.folder.with_name("go")

    def go_on(self) -> None:
        """Let calls of the cut go on that are held."""
        self._go.touch()

    def fault(self, action: str) -> None:
        """Let the cut do something first.

        Args:
            action: a statement. ``number`` is how often the cut was called before, in any job; ``hold()`` waits until
                :meth:`go_on` is called, or the analysis is removed.
        """
        self._go.unlink(missing_ok=True)
        self.attempts.mkdir()
        own(self.attempts, self.checkout.user)
        path = self.folder / "cuts.py"
        code = [
            "    import os, signal, sys, time",
            "    def hold():",
            f"        while os.access({str(self.attempts)!r}, os.F_OK) and not os.access({str(self._go)!r}, os.F_OK):",
            "            time.sleep(0.1)",
            "    number = 0",
            "    while True:",
            "        try:",
            f"            open(f'{self.attempts}/{{number}}', 'x').close()",
            "            break",
            "        except FileExistsError:",
            "            number += 1",
            f"    {action}",
        ]
        text = path.read_text()
        assert _CUT in text
        path.write_text(text.replace(_CUT, "\n".join(code) + "\n" + _CUT))

    def control(self, batch: str) -> Path:
        """Return the folder with the record of the jobs."""
        (found,) = (self.checkout.store / "small" / "RunProcessor" / "main" / "v1").glob(f"*/.{batch}")
        return found

    def templates(self) -> dict[str, np.ndarray]:
        """Return the merged templates."""
        (folder,) = (self.checkout.store / "small" / "MergeOutputs" / "main" / "v1").iterdir()
        return {
            f"{variable}/{sample}": histogram.view(flow=True)
            for variable in ("muon_pt", "npvs")
            for sample, histogram in read_templates(folder, variable).items()
        }


def site_settings(section: Mapping[str, str]) -> str:
    """Return the variables of a shell that give the site ``local`` options, in front of a command."""
    return " ".join(f"LAW__site_local__{name}={shlex.quote(value)}" for name, value in section.items())


def copy_project(user: User, folder: Path | None = None, like: Checkout | None = None) -> Checkout:
    """Copy the project's files as they are now, by default below the user's folder.

    Its environment is made, or is the one of the checkout that it is ``like``.
    """
    folder = folder or user.folder / "checkout"
    copy_files(folder)
    if like is not None:
        (folder / ".venv").symlink_to(like.folder / ".venv")
    own(folder, user)
    made = Checkout(user, folder, make_folder(user, user.folder / "outputs"))
    run = made.run("law --version", timeout=600)
    assert run.code == 0, run.text
    return made


def copy_analysis(checkout: Checkout, parent: Path | None = None) -> Analysis:
    """Copy the small analysis, in the place of the last copy: filesets hold paths."""
    folder = (parent or checkout.user.folder) / "analysis"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "tests" / "tasks" / "small", folder, ignore=shutil.ignore_patterns("__pycache__"))
    own(folder, checkout.user)
    return Analysis(checkout, folder)


def make_folder(user: User, folder: Path) -> Path:
    """Return a folder in the user's home, made as that user.

    Its parents too: made by root, one such as ``~/.cache`` would be a folder in which the user can make nothing. One
    that root has made there before is given to the user.
    """
    for parent in folder.parents:
        if parent.is_dir() and parent.owner() == "root" and Path(pwd.getpwuid(user.uid).pw_dir) in parent.parents:
            os.chown(parent, user.uid, user.gid, follow_symlinks=False)
    subprocess.run(user.command("mkdir", "--parents", str(folder)), check=True)
    return folder


def own(folder: Path, user: User) -> Path:
    """Give a file, or a folder with all that is in it, to the user, and return it."""
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user.uid, user.gid)
    return folder


def remove_outputs(checkout: Checkout) -> None:
    """Leave of the small analysis what it reads alone."""
    for task in ("RunProcessor", "MergeBranches", "MergeOutputs"):
        shutil.rmtree(checkout.store / "small" / task, ignore_errors=True)


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    """Whether templates are the same, bit by bit."""
    return found.keys() == expected.keys() and all(
        found[name].tobytes() == expected[name].tobytes() for name in expected
    )


def submitted(text: str) -> list[int]:
    """Return the numbers of jobs that law says it submitted, one per submission."""
    return [int(number) for number in re.findall(r"^\w+ [^:]*: submitted (\d+) \w+ job", text, re.MULTILINE)]
