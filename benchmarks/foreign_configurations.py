"""Trial of other people's PocketCoffea configurations, in PocketCoffea and here.

``python -m benchmarks.foreign_configurations FOLDER…`` finds the configuration files in folders of repositories, tries
each on both sides, and prints how many load, why the others don't, and the comparison of the numbers of those that run
on both sides. It is run by hand. The outcome of PocketCoffea is kept in ``--cache``, outside the repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.foreign.differences import MISTAKEN_DEFAULTS, upstream_luminosities
from benchmarks.foreign.discovery import find_configurations
from benchmarks.foreign.files import make_files
from benchmarks.foreign.report import Trial, text
from benchmarks.foreign.running import our_side, try_configuration, upstream_side


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="repositories, or a folder of them")
    parser.add_argument("--upstream", type=Path, required=True, help="Python executable of PocketCoffea's environment")
    parser.add_argument(
        "--corrections",
        type=Path,
        required=True,
        help="folder with POG/{group}/{era}; foreign/upstream/stand_in_corrections.py adds what is missing there",
    )
    parser.add_argument("--files", type=Path, required=True, help="folder with mc_run2.root, data_run2.root, …")
    parser.add_argument(
        "--donors", type=Path, nargs="*", default=(), help="real NanoAOD files to make those that aren't there"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder of all output")
    parser.add_argument("--only", default="", help="part of the names of the configurations to try")
    parser.add_argument("--side", choices=("both", "upstream", "ours"), default="both")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one configuration on one side")
    options = parser.parse_args(arguments)
    if options.donors:
        make_files(options.files, options.donors)
    trials = []
    for trial in run(options):
        trials.append(trial)
        print(trial.lines(), flush=True)
    print(text(trials))
    return 0


def run(options: argparse.Namespace) -> Iterator[Trial]:
    """Yield the trials of all configurations, one after the other."""
    request = {
        "corrections": str(options.corrections.resolve()),
        "datasets": {"mc": 2, "data": 1},
        "files": {path.stem: str(path.resolve()) for path in sorted(options.files.glob("*.root"))},
        "chunk_size": 1000,
    }
    luminosities = upstream_luminosities(options.upstream)
    theirs, ours = upstream_side(options.upstream), our_side(options.corrections)
    for configuration in find_configurations(options.folders):
        if options.only not in configuration.name:
            continue
        upstream = here = None
        if options.side != "ours":
            upstream = try_configuration(theirs, configuration, request, options.cache, options.timeout)
        if options.side == "ours" or (options.side == "both" and upstream and upstream.passed("load")):
            asked = {**request, "params": MISTAKEN_DEFAULTS}
            asked["processed"] = upstream.details.get("processed", {}) if upstream else {}
            here = try_configuration(ours, configuration, asked, options.cache, options.timeout)
        yield Trial(configuration.name, upstream, here, luminosities)


if __name__ == "__main__":
    sys.exit(main())
