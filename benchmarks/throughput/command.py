"""The command that times the engine and others that do the same physics on the same files.

``python -m benchmarks`` makes the files, builds the environments of PocketCoffea and ROOT, and measures everything;
``python -m benchmarks throughput --flows zmumu --engines ours bare`` measures a part. Each part writes its numbers as
JSON into the output folder, and ``report.md`` has those of all parts and flows there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.throughput import data, parts
from benchmarks.throughput.engines import LABELS
from benchmarks.throughput.flows import FLOWS
from benchmarks.throughput.publishing import publish
from benchmarks.throughput.report import SECTIONS, report
from pocket.errors import PocketError, check_known
from pocket.parameters.defaults import project_root

#: part → function that runs it, and its default flows
PARTS: dict[str, tuple[Callable[[parts.Options], parts.Data], tuple[str, ...]]] = {
    "throughput": (parts.throughput, tuple(FLOWS)),
    "growth": (parts.growth, ()),
    "workers": (parts.workers, ("ttbar_large", "zmumu")),
    "stages": (parts.stages, ("ttbar_large", "ttbar_medium", "ttbar_small", "zmumu")),
    "files": (parts.files, ("ttbar_small", "zmumu")),
    "skim": (parts.skim, ("ttbar_large",)),
    "commands": (parts.commands, ("ttbar_large", "zmumu")),
}
#: parts without measurements
MAKE_DATA, PUBLISH = "data", "publish"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    try:
        check_known("part", options.parts, (*PARTS, MAKE_DATA, PUBLISH), "benchmarks")
        check_known("flow", options.flows or (), FLOWS, "--flows")
        check_known("engine", options.engines, LABELS, "--engines")
        options.output.mkdir(parents=True, exist_ok=True)
        for part in options.parts:
            if part == PUBLISH:
                publish(write_report(options.output), project_root())
                continue
            if part == MAKE_DATA:
                for name in options.flows or FLOWS:
                    flow = FLOWS[name]
                    data.make_sample(options.data, flow.process, options.events, flow.compression)
                continue
            run, flows = PARTS[part]
            chosen = parts.Options(
                options.flows or flows,
                options.engines,
                options.events,
                options.repeat,
                options.chunk_size,
                options.data,
            )
            store(options.output / f"{part}.json", run(chosen))
            text = write_report(options.output)
    except PocketError as error:
        print(error, file=sys.stderr)
        return 1
    if set(options.parts) & PARTS.keys():
        print(text)
    return 0


def store(path: Path, result: Mapping[str, Any]) -> None:
    """Write the numbers of a part; flows that weren't measured now keep earlier numbers for as many events."""
    if "flows" in result and path.exists():
        before = json.loads(path.read_text())
        if before["events"] == result["events"]:
            known = {**before["flows"], **result["flows"]}
            result = {**result, "flows": {name: known[name] for name in FLOWS if name in known}}
    path.write_text(json.dumps(result, indent=1) + "\n")


def write_report(folder: Path) -> str:
    """Write ``report.md`` and the plots of the results in a folder, and return the report."""
    from benchmarks.throughput.plots import PLOTS

    results = {part: json.loads(path.read_text()) for part in SECTIONS if (path := folder / f"{part}.json").exists()}
    text = report(results)
    (folder / "report.md").write_text(text)
    for part, draw in PLOTS.items():
        if part in results:
            draw(results[part], folder / f"{part}.png")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ", ".join((*PARTS, MAKE_DATA, PUBLISH))
    parser.add_argument(
        "parts", nargs="*", default=list(PARTS), metavar="PART", help=f"of {known}; default: all that measure"
    )
    parser.add_argument("--flows", nargs="+", metavar="FLOW", help=f"of {', '.join(FLOWS)}")
    parser.add_argument("--engines", nargs="+", default=list(LABELS), metavar="ENGINE", help=f"of {', '.join(LABELS)}")
    parser.add_argument("--events", type=int, default=data.EVENTS, help="events of a pass")
    parser.add_argument("--repeat", type=int, default=5, help="passes of each engine")
    parser.add_argument("--chunk-size", type=int, default=400_000, help="largest number of events processed at once")
    parser.add_argument("--data", type=Path, default=data.default_folder(), help="folder of the files, which are kept")
    parser.add_argument(
        "--output", type=Path, default=data.default_folder() / "results", help="folder of numbers, report and plots"
    )
    return parser
