"""The default chain, run in several ways: ``python -m benchmarks.compare_workflows [way …]``.

Each way makes everything from the toys on, as a separate version in the store, and its merged outputs are compared with
those of the local workflow: counts must be equal, sums must agree to 1e-12. Batch systems and clusters must be running,
and accept jobs of the calling user.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pocket.histograms.files import read_output
from pocket.io.store.paths import store_root

LOCAL = "local"
#: way → options of law
WAYS = {
    LOCAL: (),
    "htcondor": ("--workflow", "htcondor", "--poll-interval", "5s"),
    "slurm": ("--workflow", "slurm", "--poll-interval", "5s"),
    "iterative": ("--executor", "iterative"),
    "futures": ("--executor", "futures"),
    "dask": ("--executor", "dask"),
    "dask-scheduler": ("--executor", "dask", "--scheduler"),
    "dask-htcondor": ("--executor", "dask", "--cluster", "htcondor", "--worker-memory", "1GB"),
    "dask-slurm": ("--executor", "dask", "--cluster", "slurm", "--worker-memory", "1GB"),
}
TOLERANCE = 1e-12


def numbers(output: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield place and value of all counts, sums and bins of a merged output."""
    for key, value in output.items():
        if key == "datasets_metadata":
            continue
        if isinstance(value, dict):
            yield from numbers(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value.view(flow=True) if hasattr(value, "view") else value


def difference(found: dict[str, Any], expected: dict[str, Any]) -> float:
    """Return the largest relative difference of sums, infinite if counts or the places of numbers differ."""
    here, there = dict(numbers(found)), dict(numbers(expected))
    if here.keys() != there.keys() or not here:
        return float("inf")
    largest = 0.0
    for place, value in there.items():
        if place[0] == "cutflow":
            largest = max(largest, 0.0 if here[place] == value else float("inf"))
            continue
        fields = value.dtype.names if isinstance(value, np.ndarray) and value.dtype.names else (None,)
        for field in fields:
            pair = [np.asarray(each if field is None else each[field], dtype=float) for each in (here[place], value)]
            scale = np.maximum(np.abs(pair[1]), np.finfo(float).tiny)
            largest = max(largest, float(np.max(np.abs(pair[0] - pair[1]) / scale, initial=0.0)))
    return largest


@contextlib.contextmanager
def existing_scheduler() -> Iterator[str]:
    """Run a Dask scheduler and two workers that know nothing of this package's executors; yield the address."""
    module = [sys.executable, "-m"]
    with tempfile.TemporaryDirectory(prefix="pocketlaw-dask-") as folder, contextlib.ExitStack() as stack:
        file = Path(folder) / "scheduler.json"

        def start(name: str, *arguments: str) -> None:
            command = [*module, f"distributed.cli.{name}", "--no-dashboard", "--scheduler-file", str(file), *arguments]
            process = stack.enter_context(subprocess.Popen(command, cwd=folder))
            stack.callback(process.terminate)

        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        start("dask_worker", "--nworkers", "2", "--nthreads", "1", "--local-directory", folder)
        while not file.exists():
            time.sleep(0.1)
        yield str(json.loads(file.read_text())["address"])


def merged(version: str) -> dict[str, Path]:
    """Return the merged outputs of a version by configuration."""
    folders = (store_root() / "zmumu" / "MergeOutputs").glob(f"*/{version}/*/")
    return {folder.parents[1].name: folder for folder in folders}


def main() -> int:
    """Run and compare; return 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", metavar="way", help=", ".join(WAYS))
    parser.add_argument("--executor-options", help="those of law for Dask on a batch system, e.g. host=127.0.0.1")
    options = parser.parse_args()
    code = 0
    for way in dict.fromkeys((LOCAL, *(options.ways or WAYS))):
        begin = time.monotonic()
        command = ["law", "run", "PlotTemplates", "--version", way, "--events-per-branch", "50000", *WAYS[way]]
        if "--cluster" in command and options.executor_options:
            command += ["--executor-options", options.executor_options]
        with contextlib.ExitStack() as stack:
            if command[-1] == "--scheduler":
                command.append(stack.enter_context(existing_scheduler()))
            subprocess.run(command, check=True)
        seconds = time.monotonic() - begin
        found, expected = merged(way), merged(LOCAL)
        largest = [difference(read_output(found[name]), read_output(expected[name])) for name in sorted(expected)]
        right = found.keys() == expected.keys() and max(largest) <= TOLERANCE
        code |= not right
        print(
            f"{way}: {len(found)} configurations in {seconds:.0f} s, largest difference {max(largest):.1e}", flush=True
        )
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
