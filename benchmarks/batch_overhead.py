"""What thousands of batch jobs cost the one who submits: ``python -m benchmarks.batch_overhead [branches]``.

The small analysis of the tests is processed on this machine first. Then one command submits all branches again, to a
simulated schedd whose jobs put these outputs in place, watches them and merges. Printed are its CPU time, its memory
and how often it called the batch system.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.law_runner import ROOT

# law reads its configuration when it is imported
os.environ.setdefault("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))

from tests.tasks.batch.schedd import take_over
from tests.tasks.chain import Chain

EVENTS_PER_BRANCH = 2
#: events of the small analysis' toys at their full size
ALL_EVENTS = 632_000


def main(branches: int) -> None:
    """Run the benchmark and print what it measured."""
    scale = f"toys.scale={branches * EVENTS_PER_BRANCH / ALL_EVENTS:.5f}"
    options = ("--config", "main", "--params", scale, "--events-per-branch", str(EVENTS_PER_BRANCH))
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        chain = Chain.make(folder)
        patch.setenv("POCKET_STORE", str(chain.store))
        run = chain.law.run(*chain.arguments("MergeOutputs", "--cores", "0", *options), timeout=3600)
        assert run.code == 0, run.text
        schedd = take_over(chain, folder / "schedd", patch, events_per_branch=EVENTS_PER_BRANCH, params=(scale,))

        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        arguments = chain.arguments("MergeOutputs", "--cores", "1", *options, "--workflow", "htcondor")
        run = chain.law.run(*arguments, "--poll-interval", "1s", timeout=3600)
        after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begin
        assert run.code == 0, run.text
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        # of the largest of all processes, the workers that processed included
        print(f"{len(schedd.jobs)} jobs: {cpu:.1f} s CPU, {seconds:.1f} s, at most {after.ru_maxrss / 1024:.0f} MB")
        print(f"calls: {dict(schedd.calls)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
