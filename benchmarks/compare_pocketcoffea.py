"""Comparison with PocketCoffea: equal numbers for the same physics, and the speed of both.

``python -m benchmarks.compare_pocketcoffea`` makes toys, builds PocketCoffea's environment, runs each flow on both
sides and compares every bin, cutflow and column. The exit code is 1 if a difference is neither below 1e-6 nor explained
by a listed bug of PocketCoffea.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peer.environment import default_location, peer_python
from benchmarks.peer.flows import FLOWS
from benchmarks.peer.report import FlowReport, agreement, speed, text
from benchmarks.peer.running import Settings, run_flows
from benchmarks.peer.toys import Toys, make_toys
from pocket.errors import PocketError, check_known
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.toys.config import PROCESSES


def compare(flows: Sequence[str], toys: Toys, peer: Path, folder: Path, settings: Settings) -> list[FlowReport]:
    """Return the comparison of flows that run on both sides.

    Args:
        flows: names of the flows.
        toys: the toy files.
        peer: Python executable of PocketCoffea's environment.
        folder: folder for requests and results.
        settings: settings of the runs.
    """
    reports = []
    for flow, (ours, theirs) in run_flows(flows, toys, peer, folder, settings).items():
        events = sum(ours.output["cutflow"]["initial"].values())
        found = agreement(ours, theirs)
        reports.append(FlowReport(flow, events, found, speed(ours.timing, events), speed(theirs.timing, events)))
    return reports


def toys_for(process: str, folder: Path, events: int) -> Toys:
    """Return toys made with the shipped parameters.

    Args:
        process: the process with most of the events.
        folder: folder of the files.
        events: number of events of that process; each other process, and data, has a tenth of it.
    """
    numbers = {name: events if name == process else -(-events // 10) for name in PROCESSES}
    return make_toys(folder / f"toys_{process}", to_plain(get_default_parameters())["toys"], numbers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", nargs="+", default=list(FLOWS), metavar="FLOW", help=f"of {', '.join(FLOWS)}")
    parser.add_argument("--events", type=int, default=200_000, help="events of a flow's main process, see toys_for")
    parser.add_argument("--chunk-size", type=int, default=100_000, help="largest number of events processed at once")
    parser.add_argument("--repeats", type=int, default=3, help="passes over the files, of which the fastest counts")
    parser.add_argument("--folder", type=Path, help="keeps toys and results; default: a temporary one")
    parser.add_argument("--environment", type=Path, default=default_location(), help="of PocketCoffea")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        try:
            check_known("flow", options.flows, FLOWS, "--flows")
            peer = peer_python(options.environment)
            reports = []
            for flow in options.flows:
                print(f"running {flow}", file=sys.stderr)
                toys = toys_for(FLOWS[flow].process, folder, options.events)
                reports += compare([flow], toys, peer, folder, Settings(options.chunk_size, options.repeats))
        except PocketError as error:
            print(error, file=sys.stderr)
            return 1
    print(text(reports))
    if options.json:
        options.json.write_text(json.dumps([report.as_json() for report in reports], indent=1) + "\n")
    return 1 if any(report.agreement.unexplained for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
