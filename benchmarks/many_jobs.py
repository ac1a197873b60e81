"""CPU time for the submission of thousands of batch jobs: ``python -m benchmarks.many_jobs [branches …]``.

One branch of the tests' small analysis is processed. The jobs of all branches write copies of its files, each with its
own manifest. The jobs are in a simulated schedd, which starts a tenth of them at each look at the queue. ``law run
RunProcessor --workflow htcondor`` submits them and looks until all are done. The benchmark prints its CPU time without
the commands that it calls (the simulated schedd), its memory, and its number of calls of the schedd.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.law_runner import ROOT

# law reads its configuration when it is imported.
os.environ.setdefault("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))

from pocket.io.store.manifest import NAME
from pocket.io.store.output import receive_output
from pocket.io.store.packing import contents_of_output
from tasks.batch.queues import QueueManager
from tasks.batch.submission import BatchProxy
from tasks.chain.processing import RunProcessor
from tests.tasks.batch.schedd import Schedd, take_over
from tests.tasks.small_chain import Chain

SIZES = (2500, 5000, 10_000)
#: largest CPU time in s for submission and all looks with the largest number of jobs
BAR = 10.0
EVENTS_PER_BRANCH = 2
#: number of events of the small analysis' toys at their full size
ALL_EVENTS = 632_000
#: number of looks at the queue at which jobs begin
TURNS = 10


@dataclass(frozen=True)
class Costs:
    """CPU times in s of a process that submits jobs.

    Args:
        submission: time until the first look at the queue, including the search for jobs of an earlier submission.
        looks: time of each look at the queue, with all that follows from it.
        total: time of the process from its start to its end.
        commands: time of the commands that it called.
        memory: peak memory in MB.
        calls: number of function calls in submission and looks, 0 if they weren't counted.
    """

    submission: float
    looks: tuple[float, ...]
    total: float
    commands: float
    memory: float
    calls: int

    @property
    def jobs(self) -> float:
        """CPU time of submission and looks."""
        return self.submission + sum(self.looks)


@dataclass(frozen=True)
class Submission:
    """Branches that wait to be submitted.

    Args:
        chain: the small analysis, with existing datasets.
        schedd: schedd of the jobs.
        options: options of law.
    """

    chain: Chain
    schedd: Schedd
    options: tuple[str, ...]

    @classmethod
    def prepare(cls, branches: int, folder: Path, patch: pytest.MonkeyPatch) -> Submission:
        """Return a submission with about as many branches, whose outputs the schedd holds back until jobs are done."""
        scale = f"toys.scale={branches * EVENTS_PER_BRANCH / ALL_EVENTS:.6f}"
        options = ("--config", "main", "--params", scale, "--events-per-branch", str(EVENTS_PER_BRANCH))
        chain = Chain.make(folder)
        patch.setenv("POCKET_STORE", str(chain.store))
        run = chain.run("RunProcessor", *options, "--branch", "0")
        assert run.code == 0, run.text
        params: dict[str, Any] = {"events_per_branch": EVENTS_PER_BRANCH, "params": (scale,)}
        copy_outputs(chain.task(RunProcessor, config="main", **params))
        schedd = take_over(chain, folder / "schedd", patch, **params)
        schedd.plan({}, slots=branches // TURNS + 1)
        return cls(chain, schedd, options)

    def run(self, count_calls: bool = False, profile: str = "") -> Costs:
        """Submit the branches, wait for them and return the costs."""
        result = self.chain.folder / "costs.json"
        own = [*(["--calls"] if count_calls else []), *(["--profile", profile] if profile else [])]
        options = [*self.options, "--workflow", "htcondor", "--poll-interval", "0.1s"]
        command = [sys.executable, "-m", "benchmarks.many_jobs", *own, "--watch", str(result), "law", "run"]
        environment = {**self.chain.law.environment, "POCKET_SNAPSHOT": "0"}
        done = subprocess.run(
            [*command, *self.chain.arguments("RunProcessor", *options)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        found = json.loads(result.read_text())
        return Costs(**{**found, "looks": tuple(found["looks"])})


def copy_outputs(task: RunProcessor) -> None:
    """Give all branches the files of the first one, each with its own manifest."""
    first, *others = task.get_branch_tasks().values()
    contents = contents_of_output(first.output().directory)
    manifest = first.output().manifest
    assert manifest is not None
    for branch in others:
        own = replace(manifest, inputs=branch.input_ids()).to_json().encode()
        receive_output(branch.output().directory, {**contents, NAME: own})


def watch(result: Path, arguments: Sequence[str], profile: str, count_calls: bool) -> None:
    """Run law in this process, and write its costs."""
    import law.cli

    run_jobs, look = BatchProxy.run, QueueManager.query_batch
    profiler = cProfile.Profile()
    moments: list[float] = []

    def watched_run(proxy: Any) -> Any:
        moments.append(time.process_time())
        if profile or count_calls:
            profiler.enable()
        try:
            return run_jobs(proxy)
        finally:
            profiler.disable()
            moments.append(time.process_time())

    def watched_look(*arguments: Any, **options: Any) -> Any:
        moments.append(time.process_time())
        return look(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchProxy, "run", watched_run)
        patch.setattr(QueueManager, "query_batch", watched_look)
        patch.setattr(sys, "argv", list(arguments))
        with pytest.raises(SystemExit) as end:
            law.cli.run()
    if end.value.code:
        sys.exit(end.value.code)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total, commands = (used.ru_utime + used.ru_stime for used in usage)
    submission, *looks = (after - before for before, after in pairwise(moments))
    calls = pstats.Stats(profiler).total_calls if count_calls else 0
    if profile:
        profiler.dump_stats(profile)
    costs = Costs(submission, tuple(looks), total, commands, usage[0].ru_maxrss / 1024, calls)
    result.write_text(json.dumps(asdict(costs)))


def main(sizes: Sequence[int], profile: str = "") -> int:
    """Run the benchmark and print its results; return 1 if the largest number of jobs takes too long."""
    print("| jobs | submission | look | submission and looks | all | commands | memory | calls of commands |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    costs = None
    for branches in sizes:
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            submission = Submission.prepare(branches, Path(folder), patch)
            costs = submission.run(profile=profile)
            jobs, calls = len(submission.schedd.jobs), submission.schedd.calls
        looks = f"{sum(costs.looks) / len(costs.looks):.2f} s ({len(costs.looks)})"
        values = [f"{value:.1f} s" for value in (costs.submission, costs.jobs, costs.total, costs.commands)]
        values.insert(1, looks)
        called = ", ".join(f"{number} {name}" for name, number in calls.items())
        print("|", " | ".join([str(jobs), *values, f"{costs.memory:.0f} MB", called]), "|", flush=True)
    return int(costs is not None and costs.jobs > BAR)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("branches", nargs="*", type=int, default=SIZES)
    parser.add_argument("--profile", default="", help="file for the profile of the process that submits")
    parser.add_argument("--calls", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--watch", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.watch:
        watch(Path(given.watch[0]), given.watch[1:], given.profile, given.calls)
    else:
        sys.exit(main(given.branches, given.profile))
