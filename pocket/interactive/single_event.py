"""One event, as a loop over single events in plain Python would select, weigh and fill it.

Cuts, calibrators, weights and the workflow are called with an array of one event. Calibrators are applied in turn,
masks are combined, weights are multiplied and bins are found here once more, without the engine's code for many events.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import awkward as ak
import boost_histogram as bh
import numpy as np

from pocket.base.arrays.fields import collection, read_field
from pocket.calibrators.base import NOMINAL, Calibrator, requested_variations
from pocket.cuts.cut import Cut
from pocket.engine.chunk import chunk_layout
from pocket.engine.layout import Layout
from pocket.histograms.config import Axis, HistConf
from pocket.models.delayed_columns import DelayedColumns

#: Objects of a category that are selected, ``None`` for a category of events.
Selected = tuple[bool, list[bool] | None]


@dataclass
class Variation:
    """An event that passes the preselection of a variation.

    Args:
        selected: sample or subsample → category → whether the event is in it, and which of its objects.
        factors: weight → name of a variation, or ``nominal`` → its value.
        weights: sample or subsample → category → variation → the product of weights.
        entries: histogram, sample, category → bins of each entry, as positions in arrays with flow bins.
    """

    selected: dict[str, dict[str, Selected]] = field(default_factory=dict)
    factors: dict[str, dict[str, float]] = field(default_factory=dict)
    weights: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    entries: dict[tuple[str, str, str], list[tuple[int, ...]]] = field(default_factory=dict)


@dataclass
class Outcome:
    """What becomes of an event: whether it passes the skim, and the variations whose preselection it passes."""

    skimmed: bool
    variations: dict[str, Variation] = field(default_factory=dict)


def compute_event(workflow: Any, event: Any, metadata: Mapping[str, Any]) -> Outcome:
    """Return what becomes of one event in a new instance of the workflow."""
    cfg = workflow.cfg
    workflow.start_chunk(event, metadata)
    workflow.process_extra_before_skim()
    if not _passes_all(cfg.skim, workflow):
        return Outcome(skimmed=False)
    workflow.nEvents_after_skim = 1
    outcome = Outcome(skimmed=True)
    layout = chunk_layout(workflow, metadata)
    delayed = DelayedColumns(cfg.delayed_columns)
    skimmed = workflow.events
    for variation in layout.processed:
        workflow.start_variation(_calibrate(layout.sequence.calibrators, skimmed, variation))
        workflow.process_extra_after_calibrators(variation)
        workflow.apply_object_preselection(variation)
        workflow.count_objects(variation)
        workflow.define_common_variables_before_presel(variation)
        workflow.process_extra_before_presel(variation)
        if not _passes_all(cfg.preselections, workflow):
            continue
        workflow.nEvents_after_presel = 1
        delayed.fill(workflow.events, np.zeros(1, dtype=np.int64), workflow.params)
        workflow.define_common_variables_after_presel(variation)
        workflow.process_extra_after_presel(variation)
        outcome.variations[variation] = _variation(workflow, layout, variation)
    return outcome


def _calibrate(calibrators: Sequence[Calibrator], event: Any, variation: str) -> Any:
    """Return the event after all calibrators; the variation is for the one that has it, and its readers."""
    event = copy.copy(event)
    original: dict[str, Any] = {}
    changed: set[str] = set()
    for number, calibrator in enumerate(calibrators):
        names = (*(calibrator.inputs or ()), *calibrator.calibrated_collections)
        reads = changed if calibrator.inputs is None else {key for key in changed if _overlaps(key, names)}
        is_varied = variation in requested_variations(calibrator) or bool(reads)
        earlier = [each.name for each in calibrators[:number]]
        result = calibrator.calibrate(copy.copy(event), dict(original), variation if is_varied else NOMINAL, earlier)
        changed |= set(result) if is_varied else set()
        for key, values in result.items():
            name, _, field_ = key.partition(".")
            if key not in original and name in event.fields and (not field_ or field_ in event[name].fields):
                original[key] = event[tuple(key.split("."))]
            event[tuple(key.split("."))] = values
    return event


def _overlaps(key: str, names: Sequence[str]) -> bool:
    """Tell whether a collection or field is one of some others, or a part of one, or has one."""
    return any(f"{key}.".startswith(f"{name}.") or f"{name}.".startswith(f"{key}.") for name in names)


def _variation(workflow: Any, layout: Layout, name: str) -> Variation:
    cfg, found = workflow.cfg, Variation()
    sample, *subsamples = layout.counted
    cuts_of: dict[str, Sequence[Cut]] = {sample: ()}
    if subsamples:
        cuts_of |= dict(zip(subsamples, cfg.subsamples[sample].categories.values(), strict=True))
    for counted, inside in cuts_of.items():
        found.selected[counted] = {
            category: _selected([*cfg.categories.categories[category], *inside], workflow)
            for category in cfg.categories.names
        }
    followed = _weigh(workflow, layout, name, found)
    for counted in layout.counted:
        plan = cfg.weights.samples[counted]
        variations = layout.variations[counted].weights if name == NOMINAL else (NOMINAL,)
        found.weights[counted] = {
            category: {
                varied: _product(found.factors, followed, plan.weights[category], plan.variations[category], varied)
                for varied in variations
            }
            for category in cfg.categories.names
        }
    for histogram, conf in cfg.variables.items():
        samples = [stored for stored in layout.stored if conf.fills_sample(stored)]
        categories = [category for category in cfg.categories.names if conf.fills_category(category)]
        if not (samples and categories and conf.fills_variation(name)):
            continue
        entries = list(_entries(conf, workflow))
        for stored in samples:
            for category in categories:
                if name == NOMINAL or name in layout.variations[stored].shapes[category]:
                    inside_of = found.selected[stored][category]
                    found.entries[histogram, stored, category] = list(_filled(conf, entries, inside_of))
    return found


def _passes(cut: Cut, workflow: Any) -> list[bool]:
    """Return whether the event passes a cut, or each of its objects."""
    known = workflow.metadata
    year, sample, is_mc = str(known["year"]), str(known["sample"]), bool(known["isMC"])
    mask = cut.get_mask(workflow.events, workflow.params, metadata=known, year=year, sample=sample, isMC=is_mc)
    passed: list[bool] = mask.tolist()
    return passed


def _passes_all(cuts: Sequence[Cut], workflow: Any) -> bool:
    return all(_passes(cut, workflow)[0] for cut in cuts)


def _selected(cuts: Sequence[Cut], workflow: Any) -> Selected:
    is_in = _passes_all([cut for cut in cuts if not cut.per_object], workflow)
    of_objects = [_passes(cut, workflow) for cut in cuts if cut.per_object]
    if not of_objects:
        return is_in, None
    objects = [is_in and all(passed) for passed in zip(*of_objects, strict=True)]
    return any(objects), objects


def _weigh(workflow: Any, layout: Layout, name: str, found: Variation) -> dict[str, str]:
    """Compute each weight, and return those that follow another one with its name."""
    cfg, metadata = workflow.cfg, workflow.metadata
    plans = [cfg.weights.samples[counted] for counted in layout.counted]
    followed: dict[str, str] = {}
    for weight in dict.fromkeys(weight for plan in plans for weight in plan.names):
        made = cfg.weights.classes[weight](workflow.params, metadata)
        varied = {each for plan in plans for names in plan.variations.values() for each in names}
        made.store_variations(weight in varied and not metadata.get("varies"))
        nominal, variations = made.evaluate(workflow.events, 1, name)
        if made.follows is not None:
            followed[weight] = made.follows
            if name == NOMINAL and made.follows in varied:
                leader = cfg.weights.classes[made.follows](workflow.params, metadata)
                variations = variations | made.evaluate_following(workflow.events, 1, leader.variation_names())
        found.factors[weight] = {NOMINAL: float(nominal[0]), **{key: float(v[0]) for key, v in variations.items()}}
    return followed


def _product(
    factors: Mapping[str, Mapping[str, float]],
    followed: Mapping[str, str],
    applied: Sequence[str],
    varied: Sequence[str],
    variation: str,
) -> float:
    """Return the product of weights, with the values of one of them and its followers in a variation."""
    owner = next((name for name in varied if name in applied and variation in factors[name]), None)
    replaced = {name for name in applied if owner and followed.get(name, name) == followed.get(owner, owner)}
    values = (factors[name].get(variation if name in replaced else NOMINAL, factors[name][NOMINAL]) for name in applied)
    return math.prod(values)


def _entries(conf: HistConf, workflow: Any) -> Iterator[tuple[int | None, tuple[int, ...] | None]]:
    """Yield the object of each entry of a histogram, and its bins; no bins for one in a flow bin that there isn't."""
    columns = [_values(axis, workflow) for axis in conf.axes]
    lists = [column for column in columns if isinstance(column, list)]
    size = len(lists[0]) if lists else 1
    axes = [make_axis(axis) for axis in conf.axes]
    for number in range(size):
        values = [column[number] if isinstance(column, list) else column for column in columns]
        if None in values:
            continue
        bins = [find_bin(*one) for one in zip(conf.axes, axes, values, strict=True)]
        yield (number if lists else None), (None if None in bins else tuple(bin_ for bin_ in bins if bin_ is not None))


def _values(axis: Axis, workflow: Any) -> Any:
    """Return the value of an event on an axis, or a list with those of its objects; ``None`` if there is none."""
    if axis.coll == "metadata":
        return str(workflow.metadata[axis.field])
    if axis.coll == "custom":
        values = ak.Array(workflow.custom_histogram_fields[axis.field])
    else:
        events = workflow.events
        values = read_field(events if axis.coll == "events" else collection(events, axis.coll), axis.field)
    (value,) = ak.to_list(values)
    if axis.pos is None:
        return value
    return value[axis.pos] if value is not None and axis.pos < len(value) else None


def _filled(
    conf: HistConf, entries: Sequence[tuple[int | None, tuple[int, ...] | None]], selected: Selected
) -> Iterator[tuple[int, ...]]:
    """Yield the bins of those entries that are in a category."""
    is_in, objects = selected
    for number, bins in entries:
        if objects is None:
            inside = is_in
        elif number is None:
            inside = all(objects) and bool(objects) if conf.collapse_2D_masks_mode == "AND" else any(objects)
        else:
            inside = objects[number]
        if inside and bins is not None:
            yield bins


def make_axis(axis: Axis) -> Any:
    """Return an axis of boost-histogram, ``None`` for categories, whose positions are those in the declaration.

    Example:
        >>> make_axis(Axis("pt", bins=2, start=0, stop=10)).index(7.0)
        1
    """
    if axis.type in ("intcat", "strcat"):
        return None
    bins: Any = axis.bins
    start: Any = axis.start
    stop: Any = axis.stop
    if axis.type == "integer":
        return bh.axis.Integer(int(start), int(stop))
    # Without overflow, the last bin has its upper edge, too.
    if axis.type == "variable":
        return bh.axis.Variable(bins, overflow=axis.overflow)
    transform = getattr(bh.axis.transform, axis.transform) if axis.transform else None
    return bh.axis.Regular(bins, start, stop, overflow=axis.overflow, transform=transform)


def find_bin(declared: Axis, axis: Any, value: Any) -> int | None:
    """Return the position of a value's bin in an array with the flow bins that an axis has, ``None`` outside of it.

    Example:
        >>> declared = Axis("pt", bins=2, start=0, stop=10, underflow=False)
        >>> [find_bin(declared, make_axis(declared), value) for value in (-1.0, 0.0, 7.0, 10.0)]
        [None, 0, 1, 2]
    """
    if axis is None:
        categories: Any = declared.bins
        known = list(categories)
        index = known.index(value) if value in known else len(known)
        return index if index < len(known) or declared.overflow else None
    if declared.type == "integer":
        # Beyond 32 bits, boost-histogram takes no integers.
        index = int(axis.index(min(max(int(value), axis.edges[0] - 1), axis.edges[-1])))
    elif declared.transform and value < 0:
        index = -1
    else:
        index = int(axis.index(float(value)))
    if (index < 0 and not declared.underflow) or (index >= axis.size and not declared.overflow):
        return None
    return index + int(declared.underflow)
