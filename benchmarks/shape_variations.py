"""Time of 28 shape variations of a lepton + jets configuration of 2022, here and in PocketCoffea.

``python -m benchmarks.shape_variations --upstream PYTHON --corrections FOLDER --donor FILE`` runs one configuration in
PocketCoffea's idiom (``foreign/lepton_jets``) with nominal events only and with the variations, in turn on both sides:
the same events as one chunk, one core, one process each, after a warm-up. It prints the four times, their ratios, and
whether the numbers agree. The exit code is 1 if they don't.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.foreign.differences import upstream_luminosities
from benchmarks.foreign.discovery import Configuration
from benchmarks.foreign.files import repeat
from benchmarks.foreign.report import Trial
from benchmarks.foreign.running import Outcome, Side, our_side, try_configuration, upstream_side
from benchmarks.peer.running import read_side
from pocket.errors import PocketError

FOLDER = Path(__file__).parent / "foreign" / "lepton_jets"
CONFIGURATIONS = {name: Configuration(FOLDER, FOLDER / f"{name}.py") for name in ("nominal", "shapes")}
PEER, HERE = "PocketCoffea", "Pocketlaw"
CLOCKS = ("cpu", "wall")

#: (side, configuration) → seconds
Times = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Round:
    """Outcomes of one turn through both sides and configurations.

    Args:
        outcomes: (side, configuration) → outcome, all of which passed.
    """

    outcomes: Mapping[tuple[str, str], Outcome]

    def times(self, clock: str) -> dict[tuple[str, str], float]:
        """Return the median time in seconds of the passes of each process.

        Args:
            clock: ``cpu`` or ``wall``.
        """
        return {key: median_pass(outcome.folder, clock) for key, outcome in self.outcomes.items()}


def median_pass(folder: Path, clock: str) -> float:
    """Return the median time in seconds of the passes whose times a trial wrote into its folder."""
    passes = json.loads((folder / "timing.json").read_text())["passes"]
    return statistics.median(single[clock] for single in passes)


def ratios(times: Times) -> dict[str, float]:
    """Return what is compared: PocketCoffea with us in each configuration, and all variations with nominal events.

    Args:
        times: times of one round.

    Examples:
        >>> ratios({("PocketCoffea", "nominal"): 2.0, ("PocketCoffea", "shapes"): 30.0,
        ...         ("Pocketlaw", "nominal"): 0.5, ("Pocketlaw", "shapes"): 3.0})
        {'nominal': 4.0, 'shapes': 10.0, 'PocketCoffea': 15.0, 'Pocketlaw': 6.0}
    """
    of_configurations = {name: times[PEER, name] / times[HERE, name] for name in CONFIGURATIONS}
    return of_configurations | {side: times[side, "shapes"] / times[side, "nominal"] for side in (PEER, HERE)}


def run_round(sides: Mapping[str, Side], request: Mapping[str, Any], folder: Path, timeout: float) -> Round:
    """Return the outcomes of one turn.

    Args:
        sides: name of a side → how it is run.
        request: what is asked of each.
        folder: folder of the outputs.
        timeout: seconds after which a process is stopped.

    Raises:
        PocketError: if a configuration doesn't run.
    """
    outcomes = {}
    for name, configuration in CONFIGURATIONS.items():
        for side, how in sides.items():
            outcome = try_configuration(how, configuration, request, folder, timeout)
            if not outcome.passed("process"):
                raise PocketError(f"{name} doesn't run in {side}: {outcome.error}")
            outcomes[side, name] = outcome
    return Round(outcomes)


def shape_variations(folder: Path) -> int:
    """Return the number of shape variations in the cutflow of an output."""
    cutflow = read_side(folder).output["cutflow"]["inclusive"]
    return len({name for by_sample in cutflow.values() for each in by_sample.values() for name in each} - {"nominal"})


def text(rounds: Sequence[Mapping[str, Times]], events: int) -> str:
    """Return the table of times and ratios: medians of the rounds, and the range of the ratios.

    Args:
        rounds: clock → times, of each round.
        events: number of events of a pass.
    """
    lines = [f"{events} events in one chunk, medians of {len(rounds)} rounds, in s"]
    for clock in CLOCKS:
        taken = [times[clock] for times in rounds]
        lines.append(f"{clock:<16}{'nominal':>10}{'28 shapes':>12}{'ratio':>22}")
        found = [ratios(times) for times in taken]
        for side in (PEER, HERE):
            medians = [statistics.median(times[side, name] for times in taken) for name in CONFIGURATIONS]
            lines.append(f"  {side:<14}{medians[0]:>10.3f}{medians[1]:>12.3f}{_range(found, side):>22}")
        lines.append(f"  {'ratio':<14}{_range(found, 'nominal')} nominal, {_range(found, 'shapes')} with shapes")
    return "\n".join(lines)


def _range(found: Sequence[Mapping[str, float]], name: str) -> str:
    values = [each[name] for each in found]
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def disagreements(rounds: Sequence[Round], luminosities: Mapping[str, float]) -> list[str]:
    """Return lines that say how the numbers of both sides agree, those that no known difference explains first.

    Args:
        rounds: the rounds, of which the last counts.
        luminosities: year → luminosity of PocketCoffea's parameters.
    """
    lines = []
    for name in CONFIGURATIONS:
        outcomes = rounds[-1].outcomes
        found = Trial(name, outcomes[PEER, name], outcomes[HERE, name], luminosities).agreement
        assert found is not None
        lines += [f"UNEXPLAINED {name}: {line}" for line in found.unexplained]
        lines += [f"{name}: {number} arrays differ, explained: {why}" for why, number in found.explained.items()]
        largest = max(found.largest.values(), default=0.0)
        numbers = {side: shape_variations(outcomes[side, name].folder) for side in (PEER, HERE)}
        if len(set(numbers.values())) > 1:
            lines.append(f"UNEXPLAINED {name}: numbers of shape variations: {numbers}")
        lines.append(
            f"{name}: {sum(found.compared.values())} arrays compared, with {numbers[HERE]} shape variations; largest "
            f"difference of those that are equal: {largest:.1e}"
        )
    return sorted(lines, key=lambda line: not line.startswith("UNEXPLAINED"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", type=Path, required=True, help="Python executable of PocketCoffea's environment")
    parser.add_argument(
        "--corrections", type=Path, required=True, help="what foreign/upstream/stand_in_corrections.py wrote"
    )
    parser.add_argument("--donor", type=Path, required=True, help="real NanoAODv12 of simulation, which is repeated")
    parser.add_argument("--times", type=int, default=100, help="how often each event of it is there")
    parser.add_argument("--passes", type=int, default=3, help="timed passes of each process, after a first one")
    parser.add_argument("--rounds", type=int, default=3, help="turns through both sides and configurations")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one process")
    parser.add_argument("--folder", type=Path, help="keeps the file and the results; default: a temporary one")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        file = folder / f"lepton_jets_{options.times}.root"
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            repeat(options.donor, file, options.times)
        request = {
            "corrections": str(options.corrections.resolve()),
            "datasets": {"mc": 1, "data": 0},
            "files": {"mc_run3": str(file)},
            "chunk_size": 1_000_000,
            "passes": options.passes,
        }
        # Times aren't taken from earlier runs.
        sides = {PEER: replace(upstream_side(options.upstream), version=""), HERE: our_side(options.corrections)}
        rounds: list[Round] = []
        taken: list[dict[str, Times]] = []
        try:
            for _ in range(options.rounds):
                rounds.append(run_round(sides, request, folder, options.timeout))
                taken.append({clock: rounds[-1].times(clock) for clock in CLOCKS})
                print(f"round {len(rounds)}: {taken[-1]}", file=sys.stderr)
        except PocketError as error:
            print(error, file=sys.stderr)
            return 1
        cutflow = read_side(rounds[-1].outcomes[HERE, "nominal"].folder).output["cutflow"]
        print(text(taken, sum(cutflow["initial"].values())))
        agreement = disagreements(rounds, upstream_luminosities(options.upstream))
        print("\n".join(agreement))
    return 1 if any(line.startswith("UNEXPLAINED") for line in agreement) else 0


if __name__ == "__main__":
    sys.exit(main())
