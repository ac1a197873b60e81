"""Filling of all histograms of a chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import offsets_of
from pocket.base.typing import Floats, Indices
from pocket.calibrators.base import NOMINAL
from pocket.engine.category_patterns import Patterns, joined
from pocket.engine.compiled import add_once, add_weights
from pocket.engine.masks import CategoryMasks
from pocket.engine.values import Entries, axis_values, entries
from pocket.engine.weighting import ChunkWeights
from pocket.errors import HistogramError
from pocket.histograms.axes import build_axis, category_axis, flat_bins, set_sums
from pocket.histograms.config import HistConf
from pocket.plan.processing import ProcessingPlan


@dataclass(frozen=True)
class StoredVariations:
    """Variations of the histograms of a sample: of weights, ``nominal`` first, and category → shape variations."""

    weights: tuple[str, ...]
    shapes: Mapping[str, tuple[str, ...]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All variations: nominal, weight variations, shape variations."""
        return (*self.weights, *dict.fromkeys(name for names in self.shapes.values() for name in names))


@dataclass
class _Sums:
    """Sums of one histogram of one stored sample; zero until something is filled."""

    conf: HistConf
    axes: list[Any]
    categories: tuple[str, ...]
    variations: tuple[str, ...]
    is_mc: bool
    sumw: Floats | None = None
    sumw2: Floats | None = None

    def arrays(self) -> tuple[Floats, Floats]:
        """Return sums of shape (n categories, n bins, n variations)."""
        if self.sumw is None or self.sumw2 is None:
            bins = int(np.prod([axis.extent for axis in self.axes]))
            self.sumw = np.zeros((len(self.categories), bins, len(self.variations)))
            self.sumw2 = np.zeros_like(self.sumw)
        return self.sumw, self.sumw2

    def histogram(self, shapes: Mapping[str, tuple[str, ...]]) -> Any:
        outer: list[Any] = [category_axis("cat", self.categories)]
        if self.is_mc:
            outer.append(category_axis("variation", self.variations))
        histogram: Any = hist.Hist(*outer, *self.axes, storage=self.conf.storage)
        if self.sumw is None or self.sumw2 is None:
            return histogram
        all_shapes = {name for names in shapes.values() for name in names}
        for slot, category in enumerate(self.categories):
            for position, name in enumerate(self.variations):
                # A category without the variation keeps its nominal values in it, as for a weight.
                if name in all_shapes and name not in shapes[category]:
                    self.sumw[slot, :, position] = self.sumw[slot, :, 0]
                    self.sumw2[slot, :, position] = self.sumw2[slot, :, 0]
        shape = (len(self.categories), *(axis.extent for axis in self.axes), len(self.variations))
        sums = [np.moveaxis(array.reshape(shape), -1, 1) for array in (self.sumw, self.sumw2)]
        set_sums(histogram, *(array if self.is_mc else array[:, 0] for array in sums))
        return histogram


@dataclass(frozen=True, eq=False)
class _Target:
    """Histogram of a stored sample, and the entries that it takes.

    ``row`` has each entry's row in the patterns; ``numbers`` are those of the histogram's categories in the patterns,
    -1 to leave one out.
    """

    sums: _Sums
    patterns: Patterns
    row: Indices
    numbers: Indices
    weights: ChunkWeights


class HistogramFiller:
    """All histograms of a dataset, filled variation by variation."""

    def __init__(self, plan: ProcessingPlan, metadata: Mapping[str, Any], variations: Mapping[str, StoredVariations]):
        self._metadata = metadata
        self._variations = variations
        self._sums: dict[str, dict[str, _Sums]] = {}
        for name, conf in plan.variables.items():
            categories = tuple(category for category in plan.categories if conf.fills_category(category))
            samples = [sample for sample in variations if conf.fills_sample(sample)]
            if not (categories and samples):
                continue
            axes = [build_axis(axis) for axis in conf.axes]
            self._sums[name] = {
                sample: _Sums(
                    conf,
                    axes,
                    categories,
                    tuple(filter(conf.fills_variation, variations[sample].names)),
                    bool(metadata["isMC"]),
                )
                for sample in samples
            }

    def fill(
        self,
        events: Any,
        custom: Mapping[str, Any],
        masks: Mapping[str, CategoryMasks],
        weights: Mapping[str, ChunkWeights],
        variation: str = NOMINAL,
    ) -> None:
        """Fill the histograms with the preselected events of the nominal selection or of a shape variation.

        Masks and weights are by stored sample; with ``nominal`` all weight variations are filled.
        """
        joint: dict[tuple[Patterns, ...], Patterns] = {}
        for name, by_sample in self._sums.items():
            wanted = {sample: sums for sample, sums in by_sample.items() if variation in sums.variations}
            if not wanted:
                continue
            first = next(iter(wanted.values()))
            columns = [axis_values(axis, events, custom, self._metadata, name) for axis in first.conf.axes]
            entry = entries(columns, len(events), name)
            bins, _ = flat_bins(first.axes, entry.values, name, first.conf.nan)
            # Most subsamples have the weights of their sample, so that one pass over the entries is enough.
            groups: dict[Any, list[_Target]] = {}
            for sample, sums in wanted.items():
                shapes = self._variations[sample].shapes
                # A category without this variation is left out.
                numbers = [
                    masks[sample].names.index(category) if variation in (NOMINAL, *shapes[category]) else -1
                    for category in sums.categories
                ]
                patterns, row = _rows(name, sums, entry, masks[sample])
                target = _Target(sums, patterns, row, np.array(numbers, dtype=np.int64), weights[sample])
                groups.setdefault((id(row), id(weights[sample]), sums.variations), []).append(target)
            for targets in groups.values():
                key = tuple(target.patterns for target in targets)
                if key not in joint:
                    joint[key] = joined(key)
                _add(entry.event, bins, targets, joint[key], variation)

    def histograms(self) -> dict[str, dict[str, Any]]:
        """Return histogram name → stored sample → histogram with axes (cat, variation, …), for data (cat, …)."""
        return {
            name: {sample: sums.histogram(self._variations[sample].shapes) for sample, sums in by_sample.items()}
            for name, by_sample in self._sums.items()
        }


def _rows(name: str, sums: _Sums, entry: Entries, masks: CategoryMasks) -> tuple[Patterns, Indices]:
    """Return the combinations of categories of the events or objects, and the row of each entry in them."""
    conf = sums.conf
    if not masks.per_object.intersection(sums.categories):
        return masks.event_patterns, entry.event
    if entry.object is None or entry.counts is None:
        return masks.collapsed(conf.collapse_2D_masks_mode if conf.collapse_2D_masks else "", name), entry.event
    assert masks.counts is not None
    if not np.array_equal(entry.counts, masks.counts):
        raise HistogramError(
            f"histogram {name!r}: some of its categories select objects of {masks.collection!r}, of which there are "
            "other numbers than of its values; restrict its categories"
        )
    return masks.object_patterns, entry.object


def _add(event: Indices, bins: Indices, targets: Sequence[_Target], joint: Patterns, variation: str) -> None:
    """Add the weights of entries to histograms, see :func:`~pocket.engine.compiled.add_weights`.

    ``joint`` has the combinations of the targets' patterns that occur together.
    """
    row, sums, weights = targets[0].row, targets[0].sums, targets[0].weights
    classes = np.array([weights.class_of[category] for category in sums.categories])
    matrices, first = _matrices(sums, weights), sums.variations.index(variation)
    n_bins, n_variations = sums.arrays()[0].shape[1], matrices.shape[2]
    all_contained = [
        target.patterns.contain(target.numbers)[numbers] for target, numbers in zip(targets, joint.words.T, strict=True)
    ]
    if len(joint.words) * n_bins > len(event):
        for target, contained in zip(targets, all_contained, strict=True):
            slots = np.nonzero(contained)[1]
            starts = offsets_of(contained.sum(axis=1))
            add_weights(
                event, row, bins, joint.of_row, starts, slots, classes[slots], matrices, *target.sums.arrays(), first
            )
        return
    # Fill each combination once, and add it to its categories afterwards, if that is less work.
    for used in np.unique(classes):
        inside = [contained & (classes == used) for contained in all_contained]
        chosen = np.any([mask.any(axis=1) for mask in inside], axis=0)
        places = np.where(chosen, np.cumsum(chosen) - 1, -1)
        parts = np.zeros((2, chosen.sum(), n_bins, n_variations))
        add_once(event, row, bins, joint.of_row, places, matrices[used], *parts)
        for target, mask in zip(targets, inside, strict=True):
            for number, category in zip(*np.nonzero(mask[chosen]), strict=True):
                for total, part in zip(target.sums.arrays(), parts, strict=True):
                    total[category, :, first : first + n_variations] += part[number]


def _matrices(sums: _Sums, weights: ChunkWeights) -> npt.NDArray[np.float64]:
    """Return the weights to fill with, shape (n classes, n events, n variations)."""
    names = [name for name in weights.variations if name in sums.variations]
    matrices = weights.matrices
    if sums.conf.no_weights:
        return np.ones((*matrices.shape[:2], len(names)))
    if len(names) == len(weights.variations):
        return matrices
    return np.ascontiguousarray(matrices[:, :, [weights.variations.index(name) for name in names]])
