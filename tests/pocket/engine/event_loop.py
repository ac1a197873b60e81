"""Loop over events in plain Python, which the engine must agree with for generated configurations.

Nothing here comes from awkward, NumPy or pocket, but for the declared axes and options, which are read as data.
"""

from __future__ import annotations

import copy
import itertools
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pocket.histograms.config import Axis, HistConf
from tests.pocket.engine.declarations import (
    COLUMNS,
    FIXED,
    JES,
    PT_MIN,
    SHAPES,
    SHIFT,
    WEIGHTS,
    Block,
    CutOn,
    Declaration,
    Event,
)


@dataclass
class Sums:
    """Sums under tuples that say what they are; 0 where there is none.

    Args:
        counts: ``("initial",)``, ``("presel", variation)``, ``("cutflow" | "sumw" | "sumw2", category, sample,
            variation)``, ….
        bins: ``(histogram, sample, category, variation, bins)`` → sum of weights and of their squares.
        rows: ``(sample, category, variation)`` → exported events.
    """

    counts: dict[Any, float] = field(default_factory=lambda: defaultdict(float))
    bins: dict[Any, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    rows: dict[Any, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


class EventLoop:
    """One configuration, applied event by event."""

    def __init__(self, declared: Declaration) -> None:
        self.declared = declared
        self.is_mc = declared.sample != "DATA"
        self.categories = _all_categories(declared)
        subsamples = {f"{declared.sample}__{name}": cuts for name, cuts in declared.subsamples.items()}
        #: sample and subsamples → cuts; what has histograms and columns
        self.counted: dict[str, Sequence[CutOn]] = {declared.sample: (), **subsamples}
        self.stored = list(subsamples) or [declared.sample]
        shapes = {
            name for sample in self.counted for category in self.categories for name in self.shapes(sample, category)
        }
        self.processed = ["nominal", *(name for names in SHAPES.values() for name in names if name in shapes)]

    def weights(self, sample: str, category: str) -> list[str]:
        """Weights of a sample in a category; data have one."""
        names = _chosen(self.declared.weights, sample, category)
        return [name for name in names if self.is_mc or name == "wn"]

    def weight_variations(self, sample: str, category: str) -> list[str]:
        """Variations of weights in a category."""
        varied = _chosen(self.declared.varied, sample, category)
        return [variation for name in self.weights(sample, category) if name in varied for variation in WEIGHTS[name]]

    def shapes(self, sample: str, category: str) -> list[str]:
        """Shape variations in a category."""
        names = _chosen(self.declared.shapes, sample, category) if self.is_mc else []
        return [variation for name in names for variation in SHAPES[name]]

    def variations(self, sample: str) -> set[str]:
        """All variations that any category of a sample has."""
        each = [(*self.weight_variations(sample, name), *self.shapes(sample, name)) for name in self.categories]
        return {"nominal"}.union(*each)

    def filled(self, conf: HistConf) -> tuple[list[str], list[str]]:
        """Samples and categories of a histogram."""
        names = {sample: {sample, self.declared.sample} for sample in self.stored}
        samples = [sample for sample in self.stored if _asked(names[sample], conf.only_samples, conf.exclude_samples)]
        categories = [name for name in self.categories if _asked({name}, conf.only_categories, conf.exclude_categories)]
        return samples, categories

    def filled_variations(self, conf: HistConf, sample: str) -> set[str]:
        """Variations of a histogram; those of data have no axis for them."""
        others = self.variations(sample) if conf.variations and self.is_mc else set()
        if conf.only_variations is not None:
            others = others & set(conf.only_variations)
        return {"nominal", *others}

    def run(self, events: Sequence[Event]) -> Sums:
        """Process events."""
        sums = Sums()
        for event in events:
            sums.counts["initial",] += 1
            sums.counts["genweights",] += event["genWeight"]
            sums.counts["signs",] += (event["genWeight"] > 0) - (event["genWeight"] < 0)
            if not all(_passes(event, cut) for cut in self.declared.skim):
                continue
            sums.counts["skim",] += 1
            for variation in self.processed:
                self._process(_with_objects(event, variation, self.is_mc), variation, sums)
        return sums

    def _process(self, event: Event, variation: str, sums: Sums) -> None:
        if not all(_passes(event, cut) for cut in self.declared.preselections):
            return
        sums.counts["presel", variation] += 1
        if variation == "nominal":
            inside = [name for name, cuts in self.categories.items() if _selected_jets(event, list(cuts)) is not None]
            for pair in itertools.combinations(inside, 2):
                sums.counts["shared", *pair] += 1
        for sample, subsample in self.counted.items():
            for category, cuts in self.categories.items():
                jets = _selected_jets(event, [*cuts, *subsample])
                if jets is None:
                    continue
                weight = self._weight(event, sample, category, "nominal")
                sums.counts["cutflow", category, sample, variation] += 1
                sums.counts["sumw", category, sample, variation] += weight
                sums.counts["sumw2", category, sample, variation] += weight**2
                if sample in self.stored:
                    of_jets = any(cut.collection != "events" for cut in [*cuts, *subsample])
                    chosen = Chosen(event, sample, category, variation, jets, of_jets)
                    self._fill(chosen, sums)
                    self._export(chosen, sums)

    def _weight(self, event: Event, sample: str, category: str, variation: str) -> float:
        n = len(event["JetGood"] or [])
        values = {"genWeight": event["genWeight"], "fixed": FIXED, "wk": event["k"], "wn": 1 + 0.5 * n}
        varied = {
            "wkUp": event["k"] + 1,
            "wkDown": 0.0,
            "wn_statUp": 1.0 + n,
            "wn_statDown": 0.5,
            "wn_systUp": 0.25 * n,
            "wn_systDown": -1.0,
        }
        weight = 1.0
        for name in self.weights(sample, category):
            replaced = variation in WEIGHTS[name] and variation in self.weight_variations(sample, category)
            weight *= varied[variation] if replaced else values[name]
        return weight

    def _fill(self, chosen: Chosen, sums: Sums) -> None:
        for name, conf in self.declared.histograms.items():
            samples, categories = self.filled(conf)
            if chosen.sample not in samples or chosen.category not in categories:
                continue
            shapes = self.shapes(chosen.sample, chosen.category)
            for target in self.filled_variations(conf, chosen.sample):
                is_shape = any(target in names for names in SHAPES.values())
                # a shape that the category lacks is the nominal one
                if chosen.variation != (target if is_shape and target in shapes else "nominal"):
                    continue
                weight = self._weight(chosen.event, chosen.sample, chosen.category, "nominal" if is_shape else target)
                for bins in _entries(chosen, conf, self.declared.sample):
                    cell = sums.bins[name, chosen.sample, chosen.category, target, bins]
                    cell[0] += 1.0 if conf.no_weights else weight
                    cell[1] += 1.0 if conf.no_weights else weight**2

    def _export(self, chosen: Chosen, sums: Sums) -> None:
        event, sample, category, variation = chosen.event, chosen.sample, chosen.category, chosen.variation
        names = list(dict.fromkeys(_chosen(self.declared.columns, sample, category)))
        if not names or variation not in ("nominal", *self.shapes(sample, category)):
            return
        row = {"run": 1, "luminosityBlock": 1, "event": event["event"]}
        row["weight"] = self._weight(event, sample, category, "nominal")
        if variation == "nominal":
            varied = {name for other in self.categories for name in self.weight_variations(sample, other)}
            row |= {f"weight_variation_{name}": self._weight(event, sample, category, name) for name in varied}
        for name in names:
            out = COLUMNS[name]
            if out.depends_on and variation not in ("nominal", *SHAPES["jes"]):
                continue
            if name == "event":
                row |= {f"events_{column}": _or_default(event[column]) for column in out.columns}
                continue
            objects = event[out.collection] or []
            if out.collection == "JetGood" and chosen.of_jets:
                objects = [objects[number] for number in chosen.jets]
            objects = objects[out.pos_start : out.pos_end]
            for column in out.columns:
                values = [item[column] for item in objects]
                row[f"{out.collection}_{column}"] = list(map(_or_default, values)) if out.fill_none else values
            if out.store_size:
                row[f"{out.collection}_N"] = len(objects)
        sums.rows[sample, category, variation].append(row)


@dataclass(frozen=True)
class Chosen:
    """An event in a category, with the positions of its jets there."""

    event: Event
    sample: str
    category: str
    variation: str
    jets: Sequence[int]
    of_jets: bool


def _all_categories(declared: Declaration) -> dict[str, Sequence[CutOn]]:
    combinations: dict[str, list[CutOn]] = {"": []} if declared.binnings else {}
    for number, binning in enumerate(declared.binnings):
        longer = {}
        for name, cuts in combinations.items():
            for position, cut in enumerate(binning):
                longer[f"{name}_m{number}b{position}" if name else f"m{number}b{position}"] = [*cuts, cut]
        combinations = longer
    return {**declared.common, **combinations}


def _chosen(block: Block, sample: str, category: str) -> list[str]:
    owner, parts = sample.split("__")[0], [block["common"]]
    parts += [block["bysample"].get(name, {}) for name in ([owner, sample] if sample != owner else [owner])]
    return [
        name for part in parts for name in [*part.get("inclusive", []), *part.get("bycategory", {}).get(category, [])]
    ]


def _asked(names: set[str], only: Sequence[str] | None, exclude: Sequence[str] | None) -> bool:
    return not names.isdisjoint(only) if only is not None else names.isdisjoint(exclude or ())


def _with_objects(event: Event, variation: str, is_mc: bool) -> Event:
    """Return the event with calibrated and selected objects."""
    event = copy.deepcopy(event)
    for jet in event["Jet"]:
        jet["pt"] *= JES.get(variation, 1.0) if is_mc else 1.0
    if event["x"] is not None:
        event["x"] += 0.5 * len([jet for jet in event["Jet"] if jet["pt"] > 2]) + SHIFT.get(variation, 0.0)
    good = [jet for jet in event["Jet"] if jet["pt"] >= PT_MIN]
    event["JetGood"] = None if event["hidden"] else good
    event["nJetGood"] = None if event["hidden"] else len(good)
    return event


def _passes(record: Mapping[str, Any], cut: CutOn) -> bool:
    value = record[cut.field]
    return value is not None and value >= cut.minimum


def _selected_jets(event: Event, cuts: Sequence[CutOn]) -> list[int] | None:
    """Return the positions of the jets in a category, ``None`` if the event isn't in it."""
    if not all(_passes(event, cut) for cut in cuts if cut.collection == "events"):
        return None
    of_jets = [cut for cut in cuts if cut.collection != "events"]
    jets = [n for n, jet in enumerate(event["JetGood"] or []) if all(_passes(jet, cut) for cut in of_jets)]
    return None if of_jets and not jets else jets


def _entries(chosen: Chosen, conf: HistConf, sample: str) -> Iterator[tuple[int, ...]]:
    """Yield the bins of each entry of an event."""
    columns = [_values(chosen.event, axis, sample) for axis in conf.axes]
    lengths = [len(column) for column in columns if isinstance(column, list)]
    everything = len(chosen.jets) == len(chosen.event["JetGood"] or [])
    if lengths:
        positions = [n for n in range(lengths[0]) if not chosen.of_jets or n in chosen.jets]
        rows = [[column[n] if isinstance(column, list) else column for column in columns] for n in positions]
    elif chosen.of_jets and conf.collapse_2D_masks_mode == "AND" and not everything:
        rows = []
    else:
        rows = [columns]
    for row in rows:
        if None not in row:
            bins = tuple(_bin(axis, value) for axis, value in zip(conf.axes, row, strict=True))
            if -1 not in bins:
                yield bins


def _values(event: Event, axis: Axis, sample: str) -> Any:
    """Return what fills an axis: a list with one entry per object, or one value."""
    if axis.coll == "metadata":
        return sample
    jets = event["JetGood"]
    if axis.coll == "custom":
        if axis.field == "twice":
            return [2 * jet["pt"] for jet in jets or []]
        return None if jets is None else math.fsum(jet["pt"] for jet in jets)
    if axis.coll == "events":
        return event[axis.field]
    values = [item[axis.field] for item in event[axis.coll] or []]
    if axis.pos is None:
        return values
    return values[axis.pos] if axis.pos < len(values) else None


def _bin(axis: Axis, value: Any) -> int:
    """Return the bin, those below and above included; -1 where the axis has none."""
    if axis.type == "strcat":
        return axis.bins.index(value) if value in axis.bins else len(axis.bins)
    edges = list(range(axis.start, axis.stop + 1)) if axis.type == "integer" else list(axis.bins)
    position = bisect_right(edges, value)
    if position == len(edges) and not axis.overflow:
        # without overflow the last bin holds its upper edge too
        if value > edges[-1]:
            return -1
        position -= 1
    return position if axis.underflow else position - 1


def _or_default(value: Any) -> Any:
    return -999 if value is None else value
