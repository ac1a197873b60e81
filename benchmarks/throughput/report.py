"""The benchmark's results as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.throughput.commands import LABELS as COMMANDS
from benchmarks.throughput.engines import BARE, LABELS
from benchmarks.throughput.results import EngineResult, Measured
from benchmarks.throughput.stages import RULES
from pocket.io.nanoaod.baskets import liblzma_version

Data = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, with the first column aligned to the left and the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rate(events: float) -> str:
    """Return events per second in thousands, to three digits."""
    thousands = events / 1000
    return f"{thousands:,.0f}k" if thousands >= 100 else f"{thousands:.3g}k"


def speedup(value: float, engine: str) -> str:
    """Return the ratio of the rates: as a percentage of the bare read, else as a factor."""
    return f"{100 * value:.0f} %" if engine == BARE else f"{value:.1f}×" if value < 10 else f"{value:.0f}×"


def spread(measured: Measured) -> str:
    """Return half of the range, relative to the median."""
    return f"±{50 * (measured.high - measured.low) / measured.median:.0f} %"


def throughput(data: Data) -> str:
    """Return the short table, with one row per flow, and the long one."""
    flows = {
        flow["label"]: {name: EngineResult.of_json(content) for name, content in flow["engines"].items()}
        for flow in data["flows"].values()
    }
    names = [name for name in LABELS if any(name in results for results in flows.values())]
    short = [
        [label, *(_cell(name, results.get(name), data["reference"]) for name in names)]
        for label, results in flows.items()
    ]
    detailed = [
        [
            label,
            LABELS[name],
            rate(results[name].rate.median),
            spread(results[name].rate),
            rate(results[name].wall_rate.median),
            speedup(results[name].speedup.median, name),
            f"{speedup(results[name].speedup.low, name)}–{speedup(results[name].speedup.high, name)}",
            f"{results[name].peak:.0f}",
        ]
        for label, results in flows.items()
        for name in names
        if name in results
    ]
    head = ["", "engine", "events/s/core", "spread", "events/s", "ratio", "range", "memory [MB]"]
    notes = [f"{LABELS[name]} could not be run: {why}" for name, why in data["missing"].items()]
    return "\n\n".join(
        [table(["", *(LABELS[name] for name in names)], short), *notes, table(head, detailed), _agreement(data)]
    )


def _cell(name: str, result: EngineResult | None, reference: str) -> str:
    if result is None:
        return "–"
    text = rate(result.rate.median)
    return text if name == reference else f"{text} ({speedup(result.speedup.median, name)})"


def _agreement(data: Data) -> str:
    lines = []
    for flow in data["flows"].values():
        for name, found in flow["agreement"].items():
            moved = f", {found['moved']} of them in their sums" if found["moved"] else ""
            lines.append(f"- {flow['label']}, {LABELS[name]}: {found['compared']} arrays agree{moved}.")
    return "\n".join(lines)


def growth(data: Data) -> str:
    """Return a table for each quantity: seconds, and both relative to the smallest."""
    sections = []
    for what, points in data["seconds"].items():
        first = next(iter(points))
        rows = [
            [
                f"{int(number):,}",
                f"{point['median']:.2f}",
                spread(Measured(point["median"], point["low"], point["high"])),
                f"×{int(number) / int(first):.3g}",
                f"×{point['median'] / points[first]['median']:.2f}",
                f"{point['peak']:.0f}",
            ]
            for number, point in points.items()
        ]
        sections.append(table([what, "time [s]", "spread", "number", "time", "memory [MB]"], rows))
    return "\n\n".join(sections)


def workers(data: Data) -> str:
    """Return the table of the gain of a second process."""
    rows = [
        [flow["label"], rate(flow["wall_rate"]["median"]), f"{flow['gain']['median']:.2f}×", _range(flow["gain"])]
        for flow in data["flows"].values()
    ]
    return table(["", "events/s of two", "over one", "range"], rows)


def _range(measured: Data) -> str:
    return f"{measured['low']:.2f}–{measured['high']:.2f}"


def stages(data: Data) -> str:
    """Return the table of our engine's time by stage."""
    rows = []
    for flow in data["flows"].values():
        total = sum(stage["median"] for stage in flow["seconds"].values())
        parts = (flow["seconds"][stage]["median"] for stage in RULES)
        rows.append([flow["label"], *(f"{part:.2f} s ({100 * part / total:.0f} %)" for part in parts)])
    return table(["", *RULES], rows)


def files(data: Data) -> str:
    """Return the table of the times for other files, relative to those of one usual file."""
    rows = []
    for flow in data["flows"].values():
        for label, content in flow["engines"].items():
            result = EngineResult.of_json(content)
            # The speed of the usual file over that of this one is the time of this one over that of the usual one.
            times = [f"{result.speedup.median:.2f}×", _range(vars(result.speedup))]
            rows.append([flow["label"], label, rate(result.rate.median), *times])
    return table(["", "files", "events/s/core", "time", "range"], rows)


def skim(data: Data) -> str:
    """Return the table of the gain of templates from a skim."""
    rows = []
    for flow in data["flows"].values():
        results = {name: EngineResult.of_json(content) for name, content in flow["engines"].items()}
        gain = results["original"].speedup
        rates = [rate(results[name].rate.median) for name in ("original", "skim")]
        rows.append([flow["label"], f"{100 * flow['kept']:.1f} %", *rates, f"{gain.median:.1f}×", _range(vars(gain))])
    return table(["", "events kept", "from original files", "from the skim", "ratio", "range"], rows)


def commands(data: Data) -> str:
    """Return a table of whole commands with many events, and one with few."""
    sections = []
    for size, events in (("many", data["events"]), ("few", data["few"])):
        rows = []
        for flow in data["flows"].values():
            for name, content in flow["commands"].items():
                times = content[size]
                row = [flow["label"], COMMANDS[name]]
                for time in ("cpu", "wall"):
                    ratio = times[f"{time}_ratio"]
                    row += [f"{times[time]['median']:.1f}", f"{ratio['median']:.1f}×", _range(ratio)]
                rows.append([*row, f"{content['cold']:.1f}" if size == "few" else f"{times['peak']:.0f}"])
        head = ["", f"{events:,} events", "CPU [s]", "ratio", "range", "wall [s]", "ratio", "range"]
        sections.append(table([*head, "CPU [s], caches empty" if size == "few" else "memory [MB]"], rows))
    notes = [f"{COMMANDS[name]} could not be run: {why}" for name, why in data["missing"].items()]
    lines = [
        f"- {flow['label']}, {COMMANDS[name]}: {compared} arrays agree."
        for flow in data["flows"].values()
        for name, compared in flow["agreement"].items()
    ]
    return "\n\n".join([*sections, *notes, "\n".join(lines)])


#: part → heading, explanation of the numbers, and function that makes the text
SECTIONS: dict[str, tuple[str, str, Callable[[Data], str]]] = {
    "throughput": (
        "Throughput",
        "Events per second of CPU time on one core, medians; in brackets our throughput over that of the engine. "
        "Spread: half the range. Memory: the largest of the process.",
        throughput,
    ),
    "growth": ("Growth", "Seconds of CPU time of our engine for tt̄ with more of one thing.", growth),
    "workers": ("Workers", "The same events in two processes at once, and in one: wall time.", workers),
    "stages": ("Stages", "CPU time of our engine.", stages),
    "files": ("Files", "CPU time of our engine, relative to one file of 245 branches.", files),
    "skim": (
        "From a skim",
        "Original events per second of CPU time, for the same templates from the original files and from a skim "
        "of the preselected events.",
        skim,
    ),
    "commands": (
        "Commands",
        "Time of a command and all its processes from its start to its end, medians; the ratio is that of the command "
        "over ours.",
        commands,
    ),
}


def report(results: Mapping[str, Data]) -> str:
    """Return all results as a section of a Markdown page.

    Args:
        results: part → its data.
    """
    lines = [f"Measured on {machine()}."]
    for part, (heading, explained, make) in SECTIONS.items():
        if part in results:
            lines += [f"### {heading}", f"{explained} {results[part]['events']:,} events.", make(results[part])]
    return "\n\n".join(lines) + "\n"


def machine() -> str:
    """Return the CPU model, the number of cores and the Python version."""
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    liblzma = liblzma_version() or "of Python"
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}, liblzma {liblzma}"
