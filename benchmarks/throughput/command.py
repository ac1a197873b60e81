"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.throughput import data
from benchmarks.throughput.engines import LABELS, Settings, request, start
from benchmarks.throughput.flows import FLOWS
from benchmarks.throughput.ours import first_events, process
from benchmarks.throughput.running import alternate
from benchmarks.throughput.stages import sampled
from pocket.engine.resources import Resources


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=("throughput", "stages"))
    parser.add_argument("--flows", nargs="+", default=list(FLOWS))
    parser.add_argument("--engines", nargs="+", default=list(LABELS))
    parser.add_argument("--events", type=int, default=data.EVENTS)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path, default=data.default_folder())
    options = parser.parse_args(arguments)
    settings = Settings(options.events)
    for name in options.flows:
        flow = FLOWS[name]
        sample = data.make_sample(options.data, flow.process, options.events, flow.compression)
        asked = request(name, sample, settings)
        if options.what == "throughput":
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                engines = start(options.engines, {}, asked, Path(folder), stack)
                for engine, passes in alternate(engines, options.repeat).items():
                    rates = [settings.events / one.cpu for one in passes]
                    print(name, engine, round(statistics.median(rates)), [round(rate) for rate in rates])
        else:
            config, fileset = flow.configuration(), asked["fileset"]
            resources = Resources(toys=asked["corrections"])
            process(config, first_events(fileset, settings.warm_up), fileset, resources, settings.chunk_size)
            process(config, first_events(fileset, 50_000), fileset, resources, settings.chunk_size)
            for _ in range(options.repeat):
                with sampled() as spent:
                    process(config, first_events(fileset, settings.events), fileset, resources, settings.chunk_size)
                print(name, {stage: round(seconds, 3) for stage, seconds in spent.items()}, sum(spent.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
