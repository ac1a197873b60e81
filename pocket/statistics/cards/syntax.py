"""The text of datacards, taken apart into lines of each kind.

Source: combine's documentation, "Preparing the datacard",
https://cms-analysis.github.io/HiggsAnalysis-CombinedLimit/part2/settinguptheanalysis/
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pocket.errors import StatisticsError

#: beginning of comments that the reader heeds: what combine takes on the command line, or needn't know
NOTE = "# pocketlaw:"


@dataclass(frozen=True)
class Column:
    """One process in one region.

    Args:
        number: the process's number, at most 0 for signals.
        rate: events, or −1 for those of the histogram.
    """

    region: str
    process: str
    number: int
    rate: float

    @property
    def place(self) -> tuple[str, str]:
        """Region and process."""
        return self.region, self.process


@dataclass(frozen=True)
class ShapeLine:
    """File and names of histograms, with ``$PROCESS`` and the like as in the card; ``FAKE`` if there are none."""

    file: str
    nominal: str
    varied: str
    line: int


@dataclass(frozen=True)
class Line:
    """A line below the rates: its number from 1, its first word, its second word, and the words after these."""

    number: int
    name: str
    kind: str
    words: tuple[str, ...]


@dataclass
class Card:
    """A datacard.

    Args:
        regions: names of regions, in order.
        observations: region → events, or −1 for those of the histogram; empty if the card has none.
        columns: processes in regions, in order.
        shapes: process and region, each maybe ``*`` → where histograms are.
        lines: lines below the rates.
        declared: line and number of systematic uncertainties after ``kmax``, or None for ``*``.
        notes: texts of comments that begin with :data:`NOTE`, with their lines.
    """

    name: str
    regions: list[str] = field(default_factory=list)
    observations: dict[str, float] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    shapes: dict[tuple[str, str], ShapeLine] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    declared: tuple[int, int] | None = None
    notes: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> NoReturn:
        """Raise the error of a line."""
        raise StatisticsError(f"line {line} of {self.name}: {reason}")

    def number(self, line: int, text: str) -> float:
        """Return the number that a word stands for."""
        try:
            return float(text)
        except ValueError:
            self.refuse(line, f"{text!r} isn't a number")

    def integer(self, line: int, text: str) -> int:
        """Return the integer that a word stands for."""
        try:
            return int(text)
        except ValueError:
            self.refuse(line, f"{text!r} isn't an integer")

    def shape_line(self, region: str, process: str) -> ShapeLine | None:
        """Return where the histograms of a process in a region are, or None if no line says so."""
        by_region = [(process, region), ("*", region), (process, "*"), ("*", "*")]
        return next((self.shapes[key] for key in by_region if key in self.shapes), None)


def parse_card(path: Path) -> Card:
    """Return the lines of a datacard."""
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        text = content.decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise StatisticsError(f"the datacard {path} can't be read: {error}") from None
    card = Card(name=path.name)
    lines = iter(enumerate(text.splitlines(), start=1))
    _parse_head(card, lines)
    _parse_lines(card, lines)
    return card


def fits(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern with ``*`` and ``?``."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


@dataclass
class _Head:
    """What is known before all columns are."""

    declared: dict[str, tuple[int, int]] = field(default_factory=dict)
    regions: list[str] | None = None  # of the line above the observations
    observed: tuple[int, list[float]] | None = None
    bins: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


def _parse_head(card: Card, lines: Iterator[tuple[int, str]]) -> None:
    head = _Head()
    for number, line in lines:
        _note(card, number, line)
        words = line.partition("#")[0].split()
        if not words:
            continue
        match words[0]:
            case "imax" | "jmax" | "kmax" if len(words) > 1:
                if words[1] != "*":
                    head.declared[words[0]] = number, card.integer(number, words[1])
            case "shapes":
                _parse_shape(card, number, words)
            case "observation" | "Observation":
                head.observed = number, [card.number(number, word) for word in words[1:]]
                if head.bins:
                    head.regions, head.bins = head.bins, []
            case "bin":
                head.bins = words[1:]
            case "process" if not head.processes:
                head.processes = words[1:]
            case "process":
                head.numbers = words[1:]
            case "rate":
                _set_columns(card, head, number, words[1:])
                _set_observations(card, head)
                _check_declared(card, head)
                return
    raise StatisticsError(f"{card.name} has no line 'rate', so it isn't a datacard")


def _note(card: Card, number: int, line: str) -> None:
    if line.startswith(NOTE):
        card.notes.append((number, line.removeprefix(NOTE).strip()))


def _parse_shape(card: Card, number: int, words: Sequence[str]) -> None:
    if len(words) < 4 or (len(words) == 4 and words[3] != "FAKE"):
        card.refuse(number, "a line 'shapes' names process, region, file and histogram, or process, region and FAKE")
    _, process, region, file, *names = words
    if (process, region) in card.shapes:
        before = card.shapes[process, region].line
        card.refuse(number, f"the shapes of process {process!r} in region {region!r} are in line {before} already")
    nominal, varied, *_ = [*names, "", ""]
    card.shapes[process, region] = ShapeLine(file, nominal, varied, number)


def _set_columns(card: Card, head: _Head, number: int, rates: Sequence[str]) -> None:
    count = len(head.bins)
    for what, found in (("process", head.processes), ("process with numbers", head.numbers), ("rate", rates)):
        if not found or len(found) != count:
            card.refuse(number, f"the line {what} has {len(found)} entries, but the line bin has {count}")
    names, numbers = head.processes, head.numbers
    if all(re.fullmatch(r"-?\d+", name) for name in names) and not re.fullmatch(r"-?\d+", numbers[0]):
        names, numbers = numbers, names
    signal: dict[str, bool] = {}
    places = set()
    for region, process, identity, rate in zip(head.bins, names, numbers, rates, strict=True):
        column = Column(region, process, card.integer(number, identity), card.number(number, rate))
        if column.place in places:
            card.refuse(number, f"the process {process!r} appears twice in region {region!r}")
        if signal.setdefault(process, column.number <= 0) != (column.number <= 0):
            card.refuse(number, f"the process {process!r} is a signal in one region and a background in another")
        places.add(column.place)
        card.columns.append(column)


def _set_observations(card: Card, head: _Head) -> None:
    order = list(dict.fromkeys(column.region for column in card.columns))
    card.regions = head.regions or order
    line = head.observed[0] if head.observed else 0
    missing = [name for name in order if name not in card.regions]
    if missing:
        card.refuse(line, f"the observations lack region {missing[0]!r}")
    empty = [name for name in card.regions if name not in order]
    if empty:
        card.refuse(line, f"the region {empty[0]!r} has an observation, but no process")
    if head.observed:
        if len(head.observed[1]) != len(card.regions):
            card.refuse(line, f"there are {len(head.observed[1])} observations for {len(card.regions)} regions")
        card.observations = dict(zip(card.regions, head.observed[1], strict=True))


def _check_declared(card: Card, head: _Head) -> None:
    found = {"imax": len(card.regions), "jmax": len({column.process for column in card.columns}) - 1}
    things = {"imax": "regions", "jmax": "processes minus 1"}
    for word, count in found.items():
        line, declared = head.declared.get(word, (0, count))
        if declared != count:
            card.refuse(line, f"{word} is {declared}, but the number of {things[word]} is {count}")
    card.declared = head.declared.get("kmax")


def _parse_lines(card: Card, lines: Iterator[tuple[int, str]]) -> None:
    for number, line in lines:
        _note(card, number, line)
        words = [] if line.startswith("--") else line.partition("#")[0].split()
        if len(words) > 1:
            card.lines.append(Line(number, words[0], words[1], tuple(words[2:])))
