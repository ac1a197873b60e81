"""Time to merge thousands of branches of the default analysis: ``python -m benchmarks.merging [branches …]``.

One branch of each file of ``zmumu``'s configuration ``nominal`` is processed. All other branches of the file get copies
of its output, each with its own manifest and number of events, as if they had been processed. Then ``law run
MergeOutputs`` merges them. The benchmark prints its time, its CPU time with all of its processes, its memory, the time
of ``law run MergeOutputs --print-status -1`` before it, and what a branch takes in the store.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from luigi.task_register import Register

from tests.law_runner import ROOT, Law

# law reads its configuration when it is imported.
os.environ.setdefault("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))

from pocket.histograms.raw import write_raw
from pocket.histograms.raw_sums import add_raw
from pocket.io.store import manifest_of, write_output
from tasks.chain.processing import RunProcessor

SIZES = (1000, 10_000)
CONFIG = "nominal"


@dataclass(frozen=True)
class Costs:
    """What a command took.

    Args:
        wall: time in s.
        cpu: CPU time in s of all its processes.
        memory: peak memory in MB of its largest process.
        executed: families of the tasks that ran.
    """

    wall: float
    cpu: float
    memory: float
    executed: list[str]


def measure(law: Law, *arguments: str) -> Costs:
    """Run a command of law and return its costs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run = law.run(*arguments)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.code == 0, run.text
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Costs(wall, cpu, after.ru_maxrss / 1024, run.executed)


def prepare(branches: int, law: Law) -> tuple[list[str], list[Path]]:
    """Make about as many branches, and return the options of their tasks and the branches' folders."""
    common = ["--version", "v1", "--config", CONFIG]
    run = law.run("RunProcessor", *common, "--branch", "0")
    assert run.code == 0, run.text
    # Tasks and branches of the size before this one are in another store.
    Register.clear_instance_cache()
    parameters = {"version": "v1", "config": CONFIG}
    whole = RunProcessor(**parameters)
    events = sum(dataset["metadata"]["nevents"] for dataset in whole.fileset.values())
    size = max(1, round(events / branches))
    options = [*common, "--events-per-branch", str(size)]
    task = RunProcessor(**parameters, events_per_branch=size)
    first: dict[tuple[str, ...], RunProcessor] = {}
    for branch in task.get_branch_tasks().values():
        first.setdefault(files_of(branch), branch)
    numbers = ",".join(str(branch.branch) for branch in first.values())
    run = law.run("RunProcessor", *options, "--branches", numbers)
    assert run.code == 0, run.text
    folders = []
    for branch in task.get_branch_tasks().values():
        folder, like = branch.output().directory, first[files_of(branch)].output().directory
        if folder != like:
            copy_branch(branch, like)
        folders.append(folder)
    return options, folders


def files_of(branch: RunProcessor) -> tuple[str, ...]:
    """Return the event files of a branch, which its manifest names."""
    return tuple(segment.path for segment in branch.branch_data.segments)


def copy_branch(branch: RunProcessor, like: Path) -> None:
    """Give a branch the output of another one, with its own manifest and number of events."""
    manifest = manifest_of(like)
    assert manifest is not None
    data = branch.branch_data
    output = add_raw([like])
    output["cutflow"]["initial"][data.dataset] = data.stop - data.start
    with write_output(**{**branch.write_info(), **manifest.info}) as folder:
        write_raw(folder, output)


def main(sizes: list[int], folder: Path | None = None) -> None:
    """Run the benchmark and print its results."""
    print("| branches | merge | CPU | memory | `--print-status -1` | inodes | bytes per branch |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for branches in sizes:
        with tempfile.TemporaryDirectory(dir=folder) as place, pytest.MonkeyPatch.context() as patch:
            law = Law(Path(place), {"POCKET_SNAPSHOT": "0"})
            for name, value in law.environment.items():
                patch.setenv(name, value)
            options, folders = prepare(branches, law)
            status = measure(law, "MergeOutputs", *options, "--print-status", "-1")
            merge = measure(law, "MergeOutputs", *options)
            assert merge.executed == ["MergeOutputs"]
            files = sum(1 + len(list(one.rglob("*"))) for one in folders) / len(folders)
            used = subprocess.run(["du", "-sb", *folders[:100]], stdout=subprocess.PIPE, text=True, check=True).stdout
            size = sum(int(line.split()[0]) for line in used.splitlines()) / len(folders[:100])
            values = [f"{merge.wall:.1f} s", f"{merge.cpu:.1f} s", f"{merge.memory:.0f} MB", f"{status.wall:.1f} s"]
            print("|", " | ".join([str(len(folders)), *values, f"{files:.1f}", f"{size:.0f}"]), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("branches", nargs="*", type=int, default=SIZES)
    parser.add_argument("--folder", type=Path, help="folder in which the branches are written, removed at the end")
    given = parser.parse_args()
    main(list(given.branches), given.folder)
