"""The parts of the benchmark, which return plain data for the report."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.throughput import data
from benchmarks.throughput.agreement import compare
from benchmarks.throughput.commands import LABELS as COMMANDS
from benchmarks.throughput.commands import LARGE, Command, empty_caches, make_commands, read_files
from benchmarks.throughput.engines import BARE, LABELS, OURS, Settings, pythons, request, start, start_ours
from benchmarks.throughput.flows import find
from benchmarks.throughput.grown import GROWN
from benchmarks.throughput.ours import part_of, process
from benchmarks.throughput.results import Measured, command_times, engine_results
from benchmarks.throughput.running import EngineError, Pass, alternate
from benchmarks.throughput.skimmed import skim_request
from benchmarks.throughput.stages import RULES, sampled
from pocket.engine.resources import Resources

Data = dict[str, Any]
#: divisors of the number of events, for the growth with events
EVENT_STEPS = (16, 4, 1)
#: other files of the same events: label → options of :func:`benchmarks.throughput.data.make_sample`, given the events
FILES: dict[str, Callable[[int], dict[str, int]]] = {
    "one file of 245 branches": lambda events: {},
    "1,600 branches": lambda events: {"branches": 1600},
    "2,656 branches": lambda events: {"branches": 2656},
    "16 files": lambda events: {"events_per_file": -(-events // 16)},
}
#: factor on the number of events and files for workers, skims and commands
MANY = 4
#: number of events with which a command takes what it takes however few events there are
FEW = 1000


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Args:
        flows: names of the flows.
        engines: names of the engines.
        events: number of events of a pass.
        repeat: number of passes of each engine.
        chunk_size: largest number of events processed at once.
        data: folder of the files.
    """

    flows: Sequence[str]
    engines: Sequence[str]
    events: int
    repeat: int
    chunk_size: int
    data: Path

    def request(self, name: str, **kind: int) -> dict[str, Any]:
        """Return the request for a flow, with another kind of files if asked for; missing files are made."""
        flow = find(name)
        sample = data.make_sample(self.data, flow.process, self.events, flow.compression, **kind)
        return request(name, flow, sample, Settings(self.events, self.chunk_size))

    def of_many_events(self) -> Options:
        """Return the same options for :data:`MANY` times as many events."""
        return replace(self, events=MANY * self.events)


def throughput(options: Options) -> Data:
    """Return the results of every flow with every engine.

    All engines make one complete pass first, and their templates are compared with ours.

    Raises:
        EngineError: if the templates of an engine differ.
    """
    found, missing = pythons(options.engines)
    flows = {}
    for name in options.flows:
        say(f"throughput of {name}")
        asked = options.request(name)
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            engines = [
                stack.enter_context(start(engine, python, asked, Path(folder))) for engine, python in found.items()
            ]
            alternate(engines, 1)
            templates = {engine.name: engine.templates() for engine in engines if engine.name != BARE}
            agreed = {}
            for engine in templates.keys() - {OURS} if OURS in templates else ():
                agreement = compare(templates[OURS], templates[engine])
                if agreement.different:
                    raise EngineError(
                        f"{name}: {LABELS[engine]} has other templates, so its time means nothing: "
                        + "; ".join(agreement.different[:5])
                    )
                agreed[engine] = {"compared": agreement.compared, "moved": agreement.moved}
            passes = alternate(engines, options.repeat)
        reference = OURS if OURS in passes else next(iter(passes))
        results = engine_results(passes, options.events, reference)
        flows[name] = {
            "label": find(name).label,
            "engines": {engine: result.as_json() for engine, result in results.items()},
            "agreement": agreed,
        }
    return {"events": options.events, "reference": reference, "missing": missing, "flows": flows}


def growth(options: Options) -> Data:
    """Return times of our engine for growing numbers of events, variations, categories and histograms."""
    found = {"events": _growth_in_events(options)}
    for what, numbers in GROWN.items():
        say(f"growth with {what}")
        requests = {str(number): options.request(f"{what}:{number}") for number in numbers}
        found[what] = _seconds(requests, options.repeat)
    return {"events": options.events, "seconds": found}


def _growth_in_events(options: Options) -> Data:
    say("growth with events")
    asked = options.request("ttbar_large")
    steps = [options.events // step for step in EVENT_STEPS]
    return _seconds({str(events): {**asked, "events": events} for events in steps}, options.repeat)


def _seconds(requests: dict[str, dict[str, Any]], repeat: int) -> Data:
    """Return label → seconds of CPU time and peak memory of our engine."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        engines = start_ours(requests, Path(folder), stack)
        alternate(engines, 1)
        passes = alternate(engines, repeat)
    return {
        label: {**vars(Measured.of([one.cpu for one in own])), "peak": max(one.peak for one in own)}
        for label, own in passes.items()
    }


def workers(options: Options) -> Data:
    """Return the gain of two processes that share the events of a flow, compared with the wall time of one."""
    options = options.of_many_events()
    flows = {}
    for name in options.flows:
        say(f"workers of {name}")
        asked = options.request(name)
        requests = {"one": asked, **{f"half {part}": {**asked, "part": [part, 2]} for part in (0, 1)}}
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, ThreadPoolExecutor(2) as pool:
            one, *halves = start_ours(requests, Path(folder), stack)
            alternate([one, *halves], 1)
            gains, both = [], []
            for _ in range(options.repeat):
                # Only the second of two passes counts, as in alternate.
                for _ in range(2):
                    alone = one.run().wall
                for _ in range(2):
                    slower = max(done.wall for done in pool.map(lambda engine: engine.run(), halves))
                both.append(slower)
                gains.append(alone / slower)
        flows[name] = {
            "label": find(name).label,
            "gain": vars(Measured.of(gains)),
            "wall_rate": vars(Measured.of([options.events / wall for wall in both])),
        }
    return {"events": options.events, "flows": flows}


def stages(options: Options) -> Data:
    """Return the times of the stages of our engine."""
    flows = {}
    for name in options.flows:
        say(f"stages of {name}")
        asked, config = options.request(name), find(name).configuration()
        fileset, resources = asked["fileset"], Resources(toys=asked["corrections"])
        branch = part_of(fileset, options.events)
        process(config, branch, fileset, resources, options.chunk_size)
        passes = []
        for _ in range(options.repeat):
            with sampled() as spent:
                process(config, branch, fileset, resources, options.chunk_size)
            passes.append(spent)
        flows[name] = {
            "label": find(name).label,
            "seconds": {stage: vars(Measured.of([one[stage] for one in passes])) for stage in RULES},
        }
    return {"events": options.events, "flows": flows}


def files(options: Options) -> Data:
    """Return the times of our engine for the same events in wide files and in small ones."""
    flows = {}
    for name in options.flows:
        say(f"files of {name}")
        requests = {label: options.request(name, **kind(options.events)) for label, kind in FILES.items()}
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            engines = start_ours(requests, Path(folder), stack)
            alternate(engines, 1)
            usual, *others = (engine.templates() for engine in engines)
            for label, templates in zip(list(FILES)[1:], others, strict=True):
                if different := compare(usual, templates).different:
                    raise EngineError(f"{name}: other templates of {label}: {'; '.join(different[:5])}")
            passes = alternate(engines, options.repeat)
        results = engine_results(passes, options.events, next(iter(FILES)))
        flows[name] = {
            "label": find(name).label,
            "engines": {label: result.as_json() for label, result in results.items()},
        }
    return {"events": options.events, "flows": flows}


def skim(options: Options) -> Data:
    """Return the times of templates from a skim of the preselected events, and from the original files."""
    options = options.of_many_events()
    flows = {}
    for name in options.flows:
        say(f"skim of {name}")
        asked = options.request(name)
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            skimmed = skim_request(find(name).configuration(), asked, Path(folder))
            engines = start_ours({"original": asked, "skim": skimmed}, Path(folder), stack)
            alternate(engines, 1)
            original, again = (engine.templates() for engine in engines)
            agreement = compare(original, again)
            if agreement.different:
                raise EngineError(f"{name}: other templates from the skim: {'; '.join(agreement.different[:5])}")
            passes = alternate(engines, options.repeat)
        results = engine_results(passes, options.events, "skim")
        ((_, dataset),) = skimmed["fileset"].items()
        flows[name] = {
            "label": find(name).label,
            "kept": dataset["metadata"]["nevents"] / options.events,
            "engines": {engine: result.as_json() for engine, result in results.items()},
        }
    return {"events": options.events, "flows": flows}


def commands(options: Options) -> Data:
    """Return the times of whole commands with many events and with few.

    The commands take turns, each with few events and with many. Their caches are as they write them themselves; with
    few events each runs once more without any.

    Raises:
        EngineError: if a command fails, or its templates differ from ours.
    """
    options, few = options.of_many_events(), replace(options, events=min(FEW, options.events))
    found, missing = pythons([name for name in COMMANDS if name.removesuffix(LARGE) in options.engines])
    flows = {}
    for name in options.flows:
        say(f"commands of {name}")
        asked = {"many": options.request(name), "few": few.request(name)}
        read_files(asked["many"]["fileset"])
        with tempfile.TemporaryDirectory() as folder:
            made = {size: make_commands(found, request, Path(folder, size)) for size, request in asked.items()}
            for command in made["few"].values():
                command.run()
            passes: dict[str, dict[str, list[Pass]]] = {size: {one: [] for one in found} for size in made}
            for number in range(options.repeat):
                for one in found:
                    for size, by_name in made.items():
                        passes[size][one].append(by_name[one].run())
                if number == 0:
                    agreed = _agreement(name, made["many"])
            cold = {one: _run_cold(command) for one, command in made["few"].items()}
        reference = OURS if OURS in found else next(iter(found))
        flows[name] = {
            "label": find(name).label,
            "commands": {
                one: {
                    **{size: command_times(of_size, one, reference) for size, of_size in passes.items()},
                    "cold": cold[one].cpu,
                }
                for one in found
            },
            "agreement": agreed,
        }
    return {"events": options.events, "few": few.events, "missing": missing, "flows": flows}


def _agreement(flow: str, commands: Mapping[str, Command]) -> dict[str, int]:
    """Return name → number of arrays that agree with those of our command."""
    if OURS not in commands:
        return {}
    ours = commands[OURS].templates()
    agreed = {}
    for name, command in commands.items():
        if name != OURS and (theirs := command.templates()):
            found = compare(ours, theirs)
            if found.different:
                raise EngineError(f"{flow}: {COMMANDS[name]} has other templates: {'; '.join(found.different[:5])}")
            agreed[name] = found.compared
    return agreed


def _run_cold(command: Command) -> Pass:
    with empty_caches() as environment:
        return command.run(**environment)


def say(text: str) -> None:
    """Print the current step to standard error."""
    print(text, file=sys.stderr, flush=True)
