"""Single events in the chunks that the engine processes, compared with the same events alone.

What a function makes of an event must not depend on the others in its chunk. The engine is watched while it processes a
chunk: which events it selects, with which weights, and what some events add to the histograms. A difference names the
event, and the cut, weight or histogram.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

from pocket.base.typing import Floats, Indices, Mask
from pocket.calibrators.base import NOMINAL
from pocket.engine import chunk, coffea_processor, weighting
from pocket.engine.filling import HistogramFiller
from pocket.engine.layout import Layout
from pocket.engine.masks import CategoryMasks
from pocket.engine.values import axis_values, entries
from pocket.engine.weighting import ChunkWeights
from pocket.histograms.axes import build_axis
from pocket.histograms.raw import RAW
from pocket.histograms.sums import sums_of
from pocket.interactive.single_event import Outcome, Variation, compute_event, find_bin, make_axis
from pocket.io.nanoaod.events import Chunk
from pocket.io.remote.client import is_remote
from pocket.io.store.packing import contents_of_output
from pocket.outputs.agreement import ROUNDING, distance, leaves, parts

#: Largest relative difference of weights: functions in single precision round differently for many events at once.
TOLERANCE = 1e-5
#: Most sentences about one kind of difference.
_MOST = 3


class _Schema(NanoAODSchema):  # type: ignore[misc]
    """coffea's own schema, without warnings about branches that are missing."""

    warn_missing_crossrefs = False
    event_ids = ()


@dataclass
class _Chunk:
    """What the engine made of a chunk, with positions of events in it.

    ``factors`` are the weights as they were computed for the preselected events, until the histograms are filled, and
    ``of_variation`` the same by variation. ``without`` has the histograms without the chosen events, ``refilled`` the
    nominal sums of all by histogram, sample and category, in the bins of boost-histogram.
    """

    cfg: Any
    metadata: Mapping[str, Any]
    size: int
    chosen: set[int] = field(default_factory=set)
    skimmed: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    layout: Layout | None = None
    passed: dict[str, Indices] = field(default_factory=dict)
    masks: dict[str, Mapping[str, CategoryMasks]] = field(default_factory=dict)
    weights: dict[str, Mapping[str, ChunkWeights]] = field(default_factory=dict)
    factors: dict[str, dict[str, Floats]] = field(default_factory=dict)
    of_variation: dict[str, dict[str, dict[str, Floats]]] = field(default_factory=dict)
    without: HistogramFiller | None = None
    refilled: dict[tuple[str, str, str], Floats] = field(default_factory=dict)


class Watched:
    """The events that were compared, a number of all that the engine processes, and what differs."""

    def __init__(self, number: int, total: int, seed: int) -> None:
        self._share, self._total, self._size = number / max(total, 1), total, 0
        self._sums: dict[str, Floats] = {}
        self._random = np.random.default_rng(seed)
        self._chunk = _Chunk(None, {}, 0)
        self._found: dict[str, list[str]] = {}
        self.events = 0

    def findings(self) -> list[str]:
        """Return a sentence for each difference, only the first ones of each kind."""
        return [
            sentence if number + 1 < _MOST or len(found) <= _MOST else f"{sentence} (and {len(found) - _MOST} more)"
            for found in self._found.values()
            for number, sentence in enumerate(found[:_MOST])
        ]

    def process(self, original: Callable[..., Any], workflow: Any, events: Any, metadata: Mapping[str, Any]) -> Any:
        """Have the engine process a chunk, and compare some of its events."""
        size = len(events)
        wanted = min(size, max(1, round(self._share * size)))
        chosen = set(self._random.choice(size, wanted - wanted // 2, replace=False).tolist()) if size else set()
        self._chunk = current = _Chunk(workflow.cfg, metadata, size, chosen)
        output = original(workflow, events, metadata)
        expected = _Histograms(output, current)
        with contextlib.ExitStack() as files:
            read = functools.cache(lambda path: files.enter_context(uproot.open(path)))
            for position in sorted(current.chosen):
                label, event = _event(events, position, metadata, read)
                self.events += 1
                try:
                    outcome = compute_event(type(workflow)(workflow.cfg), event, metadata)
                except Exception as error:
                    self._note("failure", f"{label} can't be computed alone: {type(error).__name__}: {error}")
                    continue
                self._compare(position, label, outcome)
                expected.add(label, outcome)
        # Other selections and weights fill other bins, too.
        for sentence in () if self._found else expected.differences():
            self._note("histogram", sentence)
        for what, found, values in _summed(output, events, current):
            numbers = np.asarray(values, dtype=np.longdouble)
            if not abs(found - numbers.sum()) <= ROUNDING * np.abs(numbers).sum():
                self._note(
                    "sum",
                    f"{what} of {size} events of {metadata['dataset']} is {found:.10g}, and that of single events "
                    f"{float(numbers.sum()):.10g}; {_ENGINE}",
                )
        self._size += size
        for place, value in leaves({**sums_of(output), "variables": output["variables"]}):
            self._sums[place] = self._sums.get(place, 0.0) + np.asarray(value, dtype=np.float64)
        return output

    def compare_output(self, place: Path) -> None:
        """Compare the numbers that were written with the sums of those of the chunks."""
        # Chunks of files that couldn't be read are processed again, so they were added more than once.
        if self._size != self._total:
            return
        written = dict(parts(RAW, contents_of_output(place)[RAW]))
        for name, sums in self._sums.items():
            if distance(written.get(name), sums) > ROUNDING:
                self._note("output", f"{RAW} doesn't have the sum of all chunks in {name}; {_ENGINE}")

    def skim(self, original: Callable[[Any], Mask], workflow: Any) -> Mask:
        """Note which events pass the skim."""
        mask = original(workflow)
        if len(mask) == self._chunk.size:
            self._chunk.skimmed = np.flatnonzero(mask)
        return mask

    def preselect(self, original: Callable[..., Any], workflow: Any, layout: Any) -> Iterator[Any]:
        """Note which events pass the preselection, and choose some of them."""
        current = self._chunk
        current.layout = layout
        for selected in original(workflow, layout):
            if len(selected.mask) == len(current.skimmed):
                passed = current.passed[selected.variation] = current.skimmed[selected.mask]
                if selected.variation == NOMINAL and len(passed):
                    wanted = min(len(passed), round(self._share * current.size / 2))
                    current.chosen |= set(self._random.choice(passed, wanted, replace=False).tolist())
            yield selected

    def multiply(
        self, original: Callable[..., Any], plan: Any, names: Any, computed: Mapping[str, Any], size: int
    ) -> ChunkWeights:
        """Note the values of each weight."""
        self._chunk.factors = {name: {NOMINAL: one.nominal, **one.varied} for name, one in computed.items()}
        weights: ChunkWeights = original(plan, names, computed, size)
        return weights

    def fill(
        self,
        original: Callable[..., None],
        filler: HistogramFiller,
        events: Any,
        custom: Mapping[str, Any],
        masks: Mapping[str, CategoryMasks],
        weights: Mapping[str, ChunkWeights],
        variation: str = NOMINAL,
    ) -> None:
        """Fill the histograms, and those without the chosen events."""
        current = self._chunk
        original(filler, events, custom, masks, weights, variation)
        current.masks[variation], current.weights[variation] = masks, weights
        current.of_variation[variation], current.factors = current.factors, {}
        keep = ~np.isin(current.passed[variation], list(current.chosen))
        if current.without is None:
            assert current.layout is not None
            current.without = HistogramFiller(current.cfg, current.metadata, current.layout.stored_variations)
        left = {name: _kept(values, keep) for name, values in custom.items()}
        some = {sample: _masks_of(mask, keep) for sample, mask in masks.items()}
        weighted = {sample: replace(weight, matrices=weight.matrices[:, keep]) for sample, weight in weights.items()}
        original(current.without, events[keep], left, some, weighted, variation)
        if variation == NOMINAL:
            current.refilled = _refilled(current, events, custom, masks, weights)

    def _note(self, kind: str, sentence: str) -> None:
        self._found.setdefault(kind, []).append(sentence)

    def _compare(self, position: int, label: str, outcome: Outcome) -> None:
        current = self._chunk
        if outcome.skimmed != (position in current.skimmed):
            self._note("skim", f"{label}: the skim {_instead(not outcome.skimmed)}; {_OTHERS.format('a cut of it')}")
            return
        for variation, passed in current.passed.items():
            where = np.flatnonzero(passed == position)
            alone = outcome.variations.get(variation)
            if (alone is not None) != bool(len(where)):
                what = f"the preselection of {variation}"
                self._note("presel", f"{label}: {what} {_instead(alone is None)}; {_OTHERS.format('a cut of it')}")
            elif alone is not None:
                self._compare_variation(int(where[0]), f"{label}, variation {variation}", variation, alone)

    def _compare_variation(self, row: int, label: str, variation: str, alone: Variation) -> None:
        current = self._chunk
        wrong = set()
        for name, values in current.of_variation[variation].items():
            for varied, array in values.items():
                if name in alone.factors and not _equal(array[row], alone.factors[name].get(varied, np.nan)):
                    wrong.add(name)
                    kind = "" if varied == NOMINAL else f" ({varied})"
                    numbers = f"{array[row]:.8g} in its chunk, and {alone.factors[name].get(varied, np.nan):.8g} alone"
                    self._note(f"weight {name}", f"{label}: weight {name}{kind} is {numbers}; {_OTHERS.format('it')}")
        for sample, masks in current.masks[variation].items():
            for category, (is_in, objects) in alone.selected[sample].items():
                of_event = bool(masks.of(category)[row])
                if objects is not None and masks.counts is not None:
                    first = int(masks.counts[:row].sum())
                    of_objects = masks.objects(category)[first : first + int(masks.counts[row])].tolist()
                else:
                    of_objects = objects
                if (of_event, of_objects) != (is_in, objects):
                    what = f"category {category} of {sample} {_instead(not is_in)}"
                    self._note(f"category {category}", f"{label}: {what}; {_OTHERS.format('a cut of it')}")
            weights = current.weights[variation][sample]
            for category, by_variation in alone.weights[sample].items():
                for varied, value in by_variation.items():
                    found = weights.column(category, varied)[row]
                    if not wrong and not _equal(found, value):
                        what = f"the weight of {sample} in category {category}, {varied}, is {found:.8g} in its chunk"
                        self._note("product", f"{label}: {what}, and the product of its weights is {value:.8g}")


#: End of a sentence about what the engine does by itself.
_ENGINE = "the engine is wrong, so don't use its outputs"
#: End of a sentence about a function that needs other events.
_OTHERS = (
    "{} depends on other events of the chunk, or takes their values: make it a function of each event; if it is one, "
    "the engine is wrong"
)


def _instead(takes: bool) -> str:
    return "takes it in its chunk, but not alone" if takes else "takes it alone, but not in its chunk"


def _summed(output: Mapping[str, Any], events: Any, watched: _Chunk) -> Iterator[tuple[str, float, Any]]:
    """Yield the name of each sum of a chunk beside its histograms, its value, and the numbers that it is the sum of."""
    dataset, cutflow = watched.metadata["dataset"], output["cutflow"]
    yield "cutflow of all", cutflow["initial"][dataset], [watched.size]
    yield "cutflow of the skim", cutflow["skim"][dataset], [len(watched.skimmed)]
    if watched.metadata["isMC"] and not watched.metadata.get("isSkim") and "genWeight" in events.fields:
        weights = np.asarray(events.genWeight)
        yield "the sum of generator weights", output["sum_genweights"][dataset], weights
        signs = (weights > 0).astype(int) - (weights < 0)
        yield "the sum of signs of generator weights", output["sum_signOf_genweights"][dataset], signs
    for variation, passed in watched.passed.items():
        yield f"cutflow of the preselection, {variation},", cutflow["presel"][dataset][variation], [len(passed)]
        for sample, masks in watched.masks.get(variation, {}).items():
            for category in masks.names:
                weights = watched.weights[variation][sample].nominal(category)[masks.of(category)]
                for key, values in (
                    ("cutflow", np.ones(len(weights))),
                    ("sumw", weights),
                    ("sumw2", weights * weights),
                ):
                    found = output[key][category][dataset][sample][variation]
                    yield f"{key} of {sample} in category {category}, {variation},", found, values


class _Histograms:
    """What some events add to the histograms of a chunk: as the engine filled them, and as they are filled alone."""

    def __init__(self, output: Mapping[str, Any], watched: _Chunk) -> None:
        dataset = watched.metadata["dataset"]
        without = {} if watched.without is None else watched.without.histograms()
        self._engine = {
            (name, sample): (found[dataset], without.get(name, {}).get(sample))
            for name, samples in output["variables"].items()
            for sample, found in samples.items()
        }
        self._watched = watched
        self._alone = {key: _sums(whole, fill=0.0) for key, (whole, _) in self._engine.items()}
        self._labels: dict[Any, str] = {}

    def add(self, label: str, outcome: Outcome) -> None:
        """Fill an event as it is alone."""
        for shape, found in outcome.variations.items():
            for (name, sample, category), filled in found.entries.items():
                whole, _ = self._engine[name, sample]
                place = list(whole.axes["cat"]).index(category)
                # Histograms of data have nominal weights only, and no axis for variations.
                variations = list(whole.axes["variation"]) if "variation" in whole.axes.name else None
                for varied, weight in found.weights[sample][category].items():
                    column = varied if shape == NOMINAL else shape
                    if column not in (variations or [NOMINAL]):
                        continue
                    outer = (place, variations.index(column)) if variations else (place,)
                    counted = 1.0 if self._watched.cfg.variables[name].no_weights else weight
                    for bins in filled:
                        index = (*outer, *bins)
                        for power, sums in enumerate(self._alone[name, sample], 1):
                            sums[index] += counted**power
                        self._labels[name, sample, index] = label

    def differences(self) -> Iterator[str]:
        """Yield a sentence for each histogram of a sample that differs, with its first bin that does."""
        for (name, sample), (whole, without) in self._engine.items():
            alone = self._alone[name, sample]
            engine = _sums(whole)
            rest = _sums(without) if without is not None else [np.zeros_like(part) for part in engine]
            for what, all_of, left, own in zip(("", ", squares of weights"), engine, rest, alone, strict=False):
                allowed = 2 * TOLERANCE * np.abs(own) + ROUNDING * (np.abs(all_of) + np.abs(left).max(initial=0.0))
                wrong = ~(np.abs(all_of - left - own) <= allowed) & self._is_filled(whole, sample, own.shape)
                if not wrong.any():
                    continue
                index = tuple(map(int, np.argwhere(wrong)[0]))
                where = ", ".join(
                    f"{axis.name} {list(axis)[at]}" if axis.name in ("cat", "variation") else f"bin {at} of {axis.name}"
                    for axis, at in zip(whole.axes, index, strict=True)
                )
                event = self._labels.get((name, sample, index), f"one of {len(self._watched.chosen)} events")
                filled = all_of[index] - left[index]
                yield (
                    f"histogram {name} of {sample} ({where}{what}): the engine fills {filled:.8g}, and the same events "
                    f"alone give {own[index]:.8g}, e.g. {event}; {_ENGINE}"
                )
                break

        for (name, sample, category), sums in self._watched.refilled.items():
            whole, _ = self._engine[name, sample]
            place = list(whole.axes["cat"]).index(category)
            filled = _sums(whole)[0][(place, 0) if "variation" in whole.axes.name else place].ravel()
            if filled.shape != sums.shape or not np.allclose(filled, sums, rtol=1e-8, atol=1e-9 * np.abs(sums).max()):
                bin_ = int(np.argmax(np.abs(filled - sums))) if filled.shape == sums.shape else -1
                yield (
                    f"histogram {name} of {sample} (category {category}, nominal, flat bin {bin_}): the engine fills "
                    f"{filled[bin_]:.8g}, and boost-histogram {sums[bin_]:.8g} with all events of the chunk; {_ENGINE}"
                )

    def _is_filled(self, whole: Any, sample: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Return the bins except those of shape variations that a category lacks, where it keeps its nominal values."""
        filled = np.ones(shape, dtype=np.bool_)
        if "variation" not in whole.axes.name or self._watched.layout is None:
            return filled
        shapes = self._watched.layout.variations[sample].shapes
        all_shapes = {name for names in shapes.values() for name in names}
        for place, category in enumerate(whole.axes["cat"]):
            for number, variation in enumerate(whole.axes["variation"]):
                filled[place, number] = variation not in all_shapes or variation in shapes[category]
        return filled


def _refilled(
    current: _Chunk,
    events: Any,
    custom: Mapping[str, Any],
    masks: Mapping[str, CategoryMasks],
    weights: Mapping[str, ChunkWeights],
) -> dict[tuple[str, str, str], Floats]:
    """Return the nominal sums of all events in flat bins, found value by value by boost-histogram."""
    assert current.layout is not None
    found: dict[tuple[str, str, str], Floats] = {}
    for name, conf in current.cfg.variables.items():
        columns = [axis_values(axis, events, custom, current.metadata, name) for axis in conf.axes]
        entry = entries(columns, len(events), name)
        flat, size = np.zeros(len(entry.event), dtype=np.int64), 1
        for axis, values in zip(conf.axes, entry.values, strict=True):
            distinct, inverse = np.unique(values, return_inverse=True)
            made = make_axis(axis)
            bins = [find_bin(axis, made, value) for value in distinct.tolist()]
            places = np.array([-1 if one is None else one for one in bins], dtype=np.int64)[inverse]
            extent = build_axis(axis).extent
            flat, size = np.where((flat < 0) | (places < 0), -1, flat * extent + places), size * extent
        for sample in filter(conf.fills_sample, current.layout.stored):
            for category in filter(conf.fills_category, current.cfg.categories.names):
                if category in masks[sample].per_object:
                    # Single events are enough for categories of objects.
                    continue
                chosen = (flat >= 0) & masks[sample].of(category)[entry.event]
                weight = weights[sample].nominal(category)[entry.event[chosen]]
                counted = np.ones(len(weight)) if conf.no_weights else weight
                found[name, sample, category] = np.bincount(flat[chosen], counted, size).astype(np.float64)
    return found


def _sums(histogram: Any, fill: float | None = None) -> list[Floats]:
    """Return the sums of weights and of their squares, or arrays of their shape."""
    view = histogram.view(flow=True)
    parts = [view["value"], view["variance"]] if view.dtype.names else [view]
    return [np.full(view.shape, fill) if fill is not None else np.array(part, dtype=np.float64) for part in parts]


def _equal(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=TOLERANCE, atol=1e-12))


def _kept(values: Any, keep: Mask) -> Any:
    return values[keep] if hasattr(values, "__getitem__") and not isinstance(values, list) else np.asarray(values)[keep]


def _masks_of(masks: CategoryMasks, keep: Mask) -> CategoryMasks:
    """Return the categories of some of the events."""
    if masks.counts is None or masks.object_words is None:
        return replace(masks, event_words=masks.event_words[keep])
    objects = masks.object_words[np.repeat(keep, masks.counts)]
    return replace(masks, event_words=masks.event_words[keep], counts=masks.counts[keep], object_words=objects)


def _event(events: Any, position: int, metadata: Mapping[str, Any], read: Callable[[str], Any]) -> tuple[str, Any]:
    """Return the name of an event, and the event read again by itself, by coffea if the file is here."""
    chunk_of = events.attrs.get("@events_factory")
    if not isinstance(chunk_of, Chunk):
        return f"event {position} of the chunk", events[position : position + 1]
    pieces = iter(chunk_of.columns.pieces)
    nano, start, stop = next(pieces)
    while position >= stop - start:
        position -= stop - start
        nano, start, stop = next(pieces)
    entry = start + position
    label = f"event {entry} of {nano.file_path}"
    if is_remote(nano.file_path):
        return label, nano.events(entry, entry + 1)
    options = {"entry_start": entry, "entry_stop": entry + 1, "mode": "virtual", "metadata": dict(metadata)}
    tree = {"treepath": nano.partition[1].lstrip("/"), "schemaclass": _Schema}
    return label, NanoEventsFactory.from_root(read(nano.file_path), **tree, **options).events()


@contextlib.contextmanager
def watching(number: int, total: int, seed: int) -> Iterator[Watched]:
    """Compare some of the events that the engine processes in a block with the same events alone.

    Half of them are among those that pass the preselection.
    """
    watched = Watched(number, total, seed)
    places: list[tuple[Any, str, Callable[..., Any]]] = [
        (coffea_processor, "process_chunk", watched.process),
        (chunk, "skim", watched.skim),
        (chunk, "preselect", watched.preselect),
        (HistogramFiller, "fill", watched.fill),
        (weighting, "_sample_weights", watched.multiply),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for (owner, name, watch), (_, _, original) in zip(places, before, strict=True):
        setattr(owner, name, _wrapped(watch, original))
    try:
        yield watched
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


def _wrapped(watch: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        return watch(original, *arguments, **options)

    return wrapped
