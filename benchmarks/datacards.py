"""Costs of datacards of large models: ``python -m benchmarks.datacards [regions bins]``.

``regions`` has 40 regions of 20 bins with 8 processes and 60 nuisances: cards, treatment, checks and workspace must
take less than 30 s of CPU time and 1 GB. ``bins`` has ten regions of 5,000 bins with a signal and a background, 100
stored variations of both, and must take less than 2 GB; columnflow takes 5.5 minutes for ten categories
(https://github.com/columnflow/columnflow/issues/728). Otherwise, the exit code is 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pocket.errors import check_known
from pocket.statistics import (
    LogNormal,
    McStat,
    Process,
    Region,
    RegionTemplates,
    StatisticalModel,
    Stored,
    build_model,
    write_treatment,
)
from pocket.statistics.regions import Contents
from tasks.statistics.datacards import write_model

#: the argument with which a process makes datacards itself
MAKE = "--make"


@dataclass(frozen=True)
class Size:
    """Size of a model.

    Args:
        regions, bins, processes: their numbers, bins of each region.
        shapes, norms: number of stored variations, and of factors.
    """

    regions: int
    bins: int
    processes: int
    shapes: int
    norms: int


@dataclass(frozen=True)
class Bar:
    """Largest costs: seconds of CPU time, and GB of memory."""

    cpu: float
    memory: float


CHECKS = {
    "regions": (Size(40, 20, 8, 40, 20), Bar(30.0, 1.0)),
    "bins": (Size(10, 5000, 2, 100, 1), Bar(330.0, 2.0)),
}


@dataclass(frozen=True)
class FallingTemplates(Mapping[str, RegionTemplates]):
    """Templates of regions, which are made when they are asked for, as merged ones are read."""

    size: Size

    def __getitem__(self, name: str) -> RegionTemplates:
        rng = np.random.default_rng(int(name.removeprefix("region")))
        x = np.linspace(0, 1, self.size.bins)
        contents = {}
        for number in range(self.size.processes):
            template = np.exp(-rng.uniform(0, 3) * x)
            nominal = np.pad(template / template.mean() * rng.uniform(5, 50), 1)
            slopes = rng.normal(0, 0.04, (self.size.shapes, 1)) * (1 + np.pad(x, 1))
            varied = {f"shape{row}": (nominal * (1 + one), nominal * (1 - one)) for row, one in enumerate(slopes)}
            contents[f"p{number}"] = {"2018": Contents(nominal, nominal * 0.1, varied)}
        data = np.pad(rng.poisson(20.0, self.size.bins), 1).astype(float)
        return RegionTemplates(np.linspace(0, 1, self.size.bins + 1), contents, data)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __iter__(self) -> Iterator[str]:
        return (f"region{number}" for number in range(self.size.regions))

    def __len__(self) -> int:
        return self.size.regions


def declaration(size: Size) -> StatisticalModel:
    """Return the declaration of a model."""
    return StatisticalModel(
        regions={name: Region("main", name, "x") for name in FallingTemplates(size)},
        processes={f"p{number}": Process(f"p{number}", signal=not number) for number in range(size.processes)},
        data=("data",),
        nuisances=[Stored("*"), *(LogNormal(f"norm{number}", 1.05) for number in range(size.norms))],
        mc_stat=McStat(threshold=10),
    )


def make(size: Size) -> None:
    """Make the datacards of a model, and all that belongs to them, in a folder that is removed."""
    built = build_model(declaration(size), FallingTemplates(size))
    with TemporaryDirectory() as folder:
        write_model(Path(folder), built, partial(write_treatment, built.treatment))


def passes(name: str, size: Size, bar: Bar) -> bool:
    """Print what the datacards of a model cost in a process of their own; return whether they pass the bar."""
    with TemporaryDirectory() as folder:
        result, start = Path(folder, "costs.json"), time.monotonic()
        command = [sys.executable, "-m", "benchmarks.datacards", MAKE, *map(str, astuple(size))]
        subprocess.run([sys.executable, "-m", "tests.measured", str(result), *command], check=True)
        costs, wall = json.loads(result.read_text(encoding="utf-8")), time.monotonic() - start
    memory = costs["peak"] / 1e9
    bars = f"the bars are {bar.cpu:.0f} s and {bar.memory:.0f} GB"
    print(f"{name}: {costs['cpu']:.1f} s of CPU time, {wall:.0f} s, {memory:.2f} GB; {bars}", flush=True)
    return bool(costs["cpu"] <= bar.cpu and memory <= bar.memory)


def main(arguments: Sequence[str]) -> int:
    """Print the costs of all models, or of the named ones; return the exit code."""
    if arguments[:1] == [MAKE]:
        make(Size(*map(int, arguments[1:])))
        return 0
    names = arguments or tuple(CHECKS)
    check_known("check", names, CHECKS, "the arguments")
    passed = [passes(name, *CHECKS[name]) for name in names]
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
