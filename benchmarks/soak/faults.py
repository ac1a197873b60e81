"""Faults from outside: the plan of faults for jobs, and their execution while jobs run."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.pool import Pool
from tasks.batch.htcondor import BRANCHES
from tests.services.checkout import Analysis, make_folder, own

#: kind → effect on the job, and expected cause of its failure; empty if HTCondor runs the job again by itself
KINDS: Mapping[str, tuple[str, str]] = {
    "kill": ("its Python is killed (SIGKILL)", "needed more memory"),
    "memory": ("takes more memory than it asked for, and is held", "needed more memory"),
    "time": ("hangs, and is held when its time is up", "ran too long"),
    "disk": ("takes more disk than the pool allows, and is held", "was held"),
    "remove": ("removed from the queue (condor_rm)", "was removed"),
    "error": ("raises an error, the same in all jobs", "failed"),
    "vacate": ("sent away from its node (condor_vacate_job)", ""),
    "starter": ("its condor_starter is killed (SIGKILL)", ""),
}
#: first line of the small analysis' cut, after which the call is inserted
_CUT = '    """Require a muon above a threshold."""\n'


@dataclass
class Faults:
    """The plan of faults, and those that have happened.

    Args:
        folder: folder with a file for each job of the plan.
        planned: branch → kind.
        struck: branch → kind, for faults that have happened.
    """

    folder: Path
    planned: Mapping[int, str]
    struck: dict[int, str] = field(default_factory=dict)

    @classmethod
    def plan(cls, folder: Path, branches: int, share: float, chance: random.Random) -> Faults:
        """Return a plan with random jobs, in which all kinds are equally frequent.

        Args:
            folder: folder made by :func:`prepare`.
            branches: number of all jobs.
            share: share of the jobs that are struck.
            chance: random numbers.
        """
        chosen = chance.sample(range(branches), round(share * branches))
        planned = {branch: list(KINDS)[i % len(KINDS)] for i, branch in enumerate(chosen)}
        for branch, kind in planned.items():
            (folder / "planned" / str(branch)).write_text(kind)
        return cls(folder, planned)

    def act(self, pool: Pool) -> None:
        """Strike the jobs that are waiting for it."""
        for file in (self.folder / "ready").iterdir():
            if file.suffix or int(file.name) in self.struck:
                continue
            branch, told = int(file.name), json.loads(file.read_text())
            if action := _ACTIONS.get(told["kind"]):
                action(pool, branch, told["pid"])
            self.struck[branch] = told["kind"]

    def keep_acting(self, pool: Pool, stop: threading.Event) -> None:
        """Strike jobs until ``stop`` is set."""
        while not stop.wait(1):
            # A busy schedd may not answer. The job waits for the next attempt.
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                self.act(pool)


def prepare(analysis: Analysis) -> Path:
    """Insert the call of the faults into the small analysis' cut, and return the folder for the plan.

    The folder isn't below the analysis, which must not change while it runs.
    """
    user = analysis.checkout.user
    folder = analysis.folder.with_name("faults")
    for name in ("planned", "struck", "ready"):
        make_folder(user, folder / name)
    (analysis.folder / "strike.py").write_text(Path(__file__).with_name("strike.py").read_text())
    cuts = analysis.folder / "cuts.py"
    text = cuts.read_text()
    assert _CUT in text
    text = text.replace(_CUT, f"{_CUT}    strike({str(folder)!r})\n")
    cuts.write_text(
        text.replace(
            "from pocket.cuts.cut import Cut\n", "from pocket.cuts.cut import Cut\n\nfrom .strike import strike\n"
        )
    )
    own(analysis.folder, user)
    return folder


def ancestors(pid: int) -> Iterator[tuple[int, str]]:
    """Yield the ancestors of a process with their names, starting with its parent."""
    while pid > 1:
        status = Path("/proc", str(pid), "status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        pid = int(fields["PPid"])
        if pid:
            yield pid, Path("/proc", str(pid), "comm").read_text().strip()


def _kill(pool: Pool, branch: int, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _kill_starter(pool: Pool, branch: int, pid: int) -> None:
    os.kill(next(pid for pid, name in ancestors(pid) if name == "condor_starter"), signal.SIGKILL)


def _remove(pool: Pool, branch: int, pid: int) -> None:
    pool.ask("condor_rm", "-constraint", _is_of(branch))


def _vacate(pool: Pool, branch: int, pid: int) -> None:
    pool.ask("condor_vacate_job", "-fast", "-constraint", _is_of(branch))


def _is_of(branch: int) -> str:
    return f'{BRANCHES} == "_{branch}To{branch + 1}"'


_ACTIONS: Mapping[str, Callable[[Pool, int, int], None]] = {
    "kill": _kill,
    "remove": _remove,
    "vacate": _vacate,
    "starter": _kill_starter,
}
