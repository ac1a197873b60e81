"""Thousands of real jobs, some of which fail: ``python -m benchmarks.soak --jobs 2000 --faults 0.05 --kills 2``.

The tests' small analysis is processed on this machine first. Then an ordinary user's jobs do the same in a separate
HTCondor pool (root needs such a user, made by ``.ci/user NAME``). Randomly chosen jobs are struck once: killed, held,
removed, sent away, or made to fail with an error. The submitter is killed at random moments, and restarted with the
same command. The soak prints a table of retries with their causes, and everything that is wrong: outputs and events are
counted, templates compared bit by bit, and nothing may be left in the queue, on the node or in the store.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.soak.faults import Faults, prepare
from benchmarks.soak.pool import Pool, running_pool
from benchmarks.soak.report import ASKED, attempts, complaints, table
from pocket.base.runtime.file_state import file_checksum
from pocket.io.store import manifest_of
from tests.law_runner import ROOT
from tests.services.checkout import Analysis, copy_analysis, copy_project, make_folder
from tests.services.conftest import ORDINARY_USER, User
from tests.tasks.small_chain import unfinished

EVENTS_PER_BRANCH = 20
#: path of the folder with the environment in the user's home, without the end of its name
ENVIRONMENT = ".cache/pocketlaw-soak"
#: number of events of the small analysis' toys at their full size
ALL_EVENTS = 632_000
#: longest time in s between a kill of the submitter and its restart
LONGEST_PAUSE = 60.0
#: requests of a job, which are sufficient unless a fault makes it need more
NEEDS = ("--memory", "1000MB", "--runtime", "4min")
QUICK = ("--workflow", "htcondor", "--poll-interval", "10s", "--retry-delay", "5")


@dataclass(frozen=True)
class Submitter:
    """The command that submits the jobs and watches them.

    Args:
        analysis: analysis that it runs.
        options: of law.
        log: file for the output of all of its calls.
    """

    analysis: Analysis
    options: tuple[str, ...]
    log: Path

    def start(self) -> subprocess.Popen[bytes]:
        """Start the command in its own process group."""
        command = self.analysis.checkout.command(self.analysis.law("MergeOutputs", *self.options))
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )


def branch_outputs(analysis: Analysis) -> list[Path]:
    """Return the outputs of finished branches."""
    return list((analysis.checkout.store / "small" / "RunProcessor" / "main" / "v1").glob("*/[!.]*/[!.]*.zip"))


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all processes that it has started, unless it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_to_its_end(submitter: Submitter, branches: int, kills: int, chance: random.Random) -> int:
    """Run the submitter, kill and restart it at random moments, and return its exit code.

    Args:
        submitter: the command.
        branches: number of all branches.
        kills: number of kills.
        chance: random numbers for the moments, given as numbers of finished branches, and for the pauses.
    """
    moments = sorted(chance.randrange(branches) for _ in range(kills))
    process = submitter.start()
    begin = said = time.monotonic()
    try:
        while process.poll() is None:
            time.sleep(3)
            done = len(branch_outputs(submitter.analysis))
            if time.monotonic() - said > 60:
                said = time.monotonic()
                say(f"{done} of {branches} branches done after {(said - begin) / 60:.0f} min")
            if moments and done >= moments[0]:
                moments.pop(0)
                kill(process)
                pause = chance.uniform(0, LONGEST_PAUSE)
                say(f"the submitter was killed when {done} branches were done; it is started again in {pause:.0f} s")
                time.sleep(pause)
                process = submitter.start()
    finally:
        kill(process)
    return process.returncode


def events(outputs: list[Path]) -> tuple[int, int]:
    """Return the numbers of events that the branches should have processed, and that they processed."""
    counts = Counter[str]()
    for output in outputs:
        if manifest := manifest_of(output):
            counts.update(manifest.info["reading"]["events"])
    return counts["expected"], counts["processed"]


def merged(analysis: Analysis) -> dict[str, bytes]:
    """Return file name → content of the merged output's templates, cutflow and sums."""
    (folder,) = (analysis.checkout.store / "small" / "MergeOutputs" / "main" / "v1").iterdir()
    return {name: (folder / name).read_bytes() for name in ("histograms.h5", "sums.json")}


def differences(analysis: Analysis, local: Analysis, branches: int) -> list[str]:
    """Return sentences about wrong outputs, compared with those of the local workflow."""
    problems = []
    manifests, expected = branch_outputs(analysis), branch_outputs(local)
    if len(manifests) != branches:
        problems.append(f"{len(manifests)} branches are complete, but there are {branches}")
    if events(manifests) != events(expected) or len(set(events(manifests))) > 1:
        problems.append(f"events expected and processed: {events(manifests)}, by the local workflow {events(expected)}")
    found, wanted = merged(analysis), merged(local)
    problems += [
        f"{name} isn't that of the local workflow, to the byte" for name in wanted if found[name] != wanted[name]
    ]
    control = analysis.control("htcondor")
    left = [path for path in unfinished(analysis.checkout.store) if control not in (path, *path.parents)]
    left += [path for path in control.iterdir() if path.is_dir()]
    problems += [f"{path} is left over" for path in left]
    return problems


def failures_of(analysis: Analysis) -> dict[int, list[tuple[str, str]]]:
    """Return branch → cause and message of each failed attempt, from the record of the jobs."""
    (path,) = analysis.control("htcondor").glob("htcondor_jobs*.json")
    record = json.loads(path.read_bytes())
    # A job has one branch, and the first job has the number 1.
    return {int(number) - 1: [(cause, words) for cause, words in found] for number, found in record["failures"].items()}


def say(sentence: str) -> None:
    """Print a sentence with the time."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


@contextlib.contextmanager
def acting(faults: Faults, pool: Pool) -> Iterator[None]:
    """Strike jobs during the block."""
    stop = threading.Event()
    thread = threading.Thread(target=faults.keep_acting, args=(pool, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def soak(user: User, options: argparse.Namespace) -> list[str]:
    """Run the soak, print the findings, and return sentences about everything that is wrong."""
    chance = random.Random(options.seed)
    # The environment is kept for the next soak. Its name depends on the lock, since another soak may need other
    # packages.
    kept = f"{ENVIRONMENT}-{file_checksum(ROOT / 'requirements.lock')[:12]}"
    project = copy_project(user, like=copy_project(user, make_folder(user, user.folder.parent / kept)))
    analysis = copy_analysis(project)
    folder = prepare(analysis)
    scale = f"toys.scale={(options.jobs + 1) * EVENTS_PER_BRANCH / ALL_EVENTS:.7f}"
    what = ("--params", scale, "--events-per-branch", str(EVENTS_PER_BRANCH))

    local = Analysis(replace(project, store=make_folder(user, user.folder / "local")), analysis.folder)
    say("the local workflow begins")
    run = local.checkout.run(local.law("MergeOutputs", *what, "--cores", str(os.cpu_count())), timeout=3600)
    if run.code:
        return [f"the local workflow failed: {run.text}"]
    branches = len(branch_outputs(local))
    faults = Faults.plan(folder, branches, options.faults, chance)
    say(
        f"{branches} branches; {len(faults.planned)} of their jobs are struck: {dict(Counter(faults.planned.values()))}"
    )

    log = Path(options.log).absolute()
    with running_pool(user, user.folder / "pool", options.slots, options.niceness) as pool, acting(faults, pool):
        begin = time.monotonic()
        code = run_to_its_end(Submitter(analysis, (*QUICK, *NEEDS, *what), log), branches, options.kills, chance)
        minutes = (time.monotonic() - begin) / 60
        say(f"the submitter ended with exit code {code} after {minutes:.0f} min; its output is in {log}")
        problems = [f"the submitter ended with exit code {code}"] if code else []
        queue, history = pool.jobs("condor_q", ASKED), pool.jobs("condor_history", ASKED)
        problems += [f"job {job['ClusterId']}.{job['ProcId']} is left in the queue" for job in queue]
        problems += [f"{path} is left on the node" for path in pool.leftovers]
    found = attempts(history, failures_of(analysis), faults.struck)
    print(f"\n{len(history)} jobs for {branches} branches\n\n{table(found, faults.planned)}\n", flush=True)
    problems += complaints(found, branches, faults.planned)
    return problems if code else problems + differences(analysis, local, branches)


def main() -> int:
    """Run the soak; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2000, help="least number of branches; default: 2000")
    parser.add_argument("--faults", type=float, default=0.05, help="share of jobs that are struck; default: 0.05")
    parser.add_argument("--kills", type=int, default=2, help="how often the submitter is killed; default: 2")
    parser.add_argument("--seed", type=int, default=1, help="of what is chosen by chance; default: 1")
    parser.add_argument("--slots", type=int, default=6, help="jobs at the same time; default: 6")
    parser.add_argument("--niceness", type=int, default=19, help="of jobs; default: 19")
    parser.add_argument("--user", default=ORDINARY_USER, help="who it is for root; default: %(default)s")
    parser.add_argument("--log", default="soak.log", help="file for what the submitter prints; default: soak.log")
    parser.add_argument("--keep", action="store_true", help="keep all files")
    options = parser.parse_args()
    # SIGTERM must also end the pool, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    entry = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam(options.user)
    # The folder must not be below /tmp, which pools hide from jobs.
    folder = Path(tempfile.mkdtemp(dir=entry.pw_dir, prefix="pocketlaw-soak-"))
    shutil.chown(folder, entry.pw_uid, entry.pw_gid)
    try:
        problems = soak(User(entry.pw_uid, entry.pw_gid, folder), options)
    finally:
        if options.keep:
            say(f"all files are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print(f"not right: {problem}")
    print("all is right" if not problems else f"{len(problems)} things aren't right")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
