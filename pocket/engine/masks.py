"""Masks of cuts, each evaluated once per chunk, and categories as bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import collection
from pocket.base.arrays.jagged import reduce_lists
from pocket.base.runtime.user_code import UserCall
from pocket.base.typing import Indices, Mask
from pocket.cuts.categories import StandardSelection
from pocket.cuts.cut import Cut
from pocket.engine.category_patterns import Patterns, Words, bits_of, set_bits
from pocket.errors import HistogramError


class CutMasks:
    """Masks of cuts on one set of events, or of objects, so that a cut of several categories is evaluated once."""

    def __init__(self, evaluate: Callable[[Cut], Mask], size: int) -> None:
        self._evaluate = evaluate
        self.size = size
        self._masks: dict[int, tuple[Cut, Mask]] = {}

    def of(self, cut: Cut) -> Mask:
        """Return the mask of one cut."""
        # The key is the cut's id; the cut is stored with its mask, so that the id isn't used again.
        if id(cut) not in self._masks:
            self._masks[id(cut)] = (cut, self._evaluate(cut))
        return self._masks[id(cut)][1]

    def all_of(self, cuts: Sequence[Cut], size: int | None = None) -> Mask:
        """Return the logical AND of cuts on events, or of cuts on the ``size`` objects of a collection."""
        mask = np.ones(self.size if size is None else size, dtype=np.bool_)
        for cut in cuts:
            mask &= self.of(cut)
        return mask


@dataclass(frozen=True)
class CategoryMasks:
    """Categories of events and objects, as bits.

    Category k is bit k % 64 of word k // 64. An event is in a category per object if any of its objects is; all objects
    of an event are in the event's categories. Words have shape (n events, n words) and (n objects, n words), objects in
    the order of the events, with ``counts`` of them in each event. Without categories per object there is no
    collection.
    """

    names: tuple[str, ...]
    event_words: Words
    per_object: frozenset[str] = frozenset()
    collection: str | None = None
    counts: Indices | None = None
    object_words: Words | None = None

    @cached_property
    def event_patterns(self) -> Patterns:
        """The combinations of categories of the events."""
        return Patterns(self.event_words)

    @cached_property
    def object_patterns(self) -> Patterns:
        """The combinations of categories of the objects."""
        assert self.object_words is not None
        return Patterns(self.object_words)

    def of(self, category: str) -> Mask:
        """Return the events of a category, shape (n events,)."""
        return bits_of(self.event_words, self.names.index(category))

    def objects(self, category: str) -> Mask:
        """Return the objects of a category, shape (n objects,)."""
        assert self.object_words is not None
        return bits_of(self.object_words, self.names.index(category))

    def restricted(self, other: CategoryMasks, name: str) -> CategoryMasks:
        """Return the masks inside one category of another selection of the same events, e.g. a subsample."""
        nothing = np.uint64(0)
        if self.collection is None and other.collection is None:
            return CategoryMasks(self.names, np.where(other.of(name)[:, None], self.event_words, nothing))
        counts = self.counts if self.counts is not None else other.counts
        assert counts is not None
        words = self.object_words if self.object_words is not None else np.repeat(self.event_words, counts, axis=0)
        inside = other.objects(name) if name in other.per_object else np.repeat(other.of(name), counts)
        objects = np.where(inside[:, None], words, nothing)
        if name in other.per_object:
            return _of_objects(self.names, frozenset(self.names), other.collection, counts, objects)
        events = np.where(other.of(name)[:, None], self.event_words, nothing)
        return CategoryMasks(self.names, events, self.per_object, self.collection, counts, objects)

    def collapsed(self, mode: str, where: str) -> Patterns:
        """Return the categories of the events as ``OR`` or ``AND`` over their objects.

        An event without objects is in no category per object in either mode.
        """
        if not self.per_object or mode == "OR":
            return self.event_patterns
        if not mode:
            raise HistogramError(
                f"histogram {where!r} has one value per event, but {', '.join(sorted(self.per_object))} select objects "
                f"of {self.collection!r}: set collapse_2D_masks=True to take events with any such object, or restrict "
                "its categories"
            )
        assert self.object_words is not None
        assert self.counts is not None
        # An event without objects passes the AND of its objects, but it is in no category per object.
        return Patterns(self.event_words & ~_any_of_objects(~self.object_words, self.counts))


def category_masks(selection: StandardSelection, masks: CutMasks, events: Any) -> CategoryMasks:
    """Return the masks of all categories of a selection."""
    names, size = selection.names, masks.size
    in_event = [masks.all_of([cut for cut in selection.categories[name] if not cut.per_object]) for name in names]
    if selection.collection is None:
        return CategoryMasks(names, to_bits(in_event, size))
    counts = np.asarray(ak.fill_none(ak.num(collection(events, selection.collection), axis=1), 0), dtype=np.int64)
    total = int(counts.sum())
    objects = np.repeat(to_bits(in_event, size), counts, axis=0)
    cuts = [[cut for cut in selection.categories[name] if cut.per_object] for name in names]
    objects &= to_bits([masks.all_of(own, total) for own in cuts], total)
    per_object = frozenset(name for name, own in zip(names, cuts, strict=True) if own)
    found = _of_objects(names, per_object, selection.collection, counts, objects)
    # Categories of events also hold events without objects.
    is_object = to_bits([np.array([name in per_object]) for name in names], 1)
    words = (found.event_words & is_object) | (to_bits(in_event, size) & ~is_object)
    return CategoryMasks(names, words, per_object, selection.collection, counts, objects)


def to_bits(masks: Sequence[Mask], size: int) -> Words:
    """Return masks of shape (size,) packed in 64-bit words, mask k in bit k % 64 of word k // 64."""
    words = np.zeros((size, (len(masks) + 63) // 64), dtype=np.uint64)
    for number, mask in enumerate(masks):
        set_bits(words[:, number // 64], mask, np.uint64(number % 64))
    return words


def evaluator(events: Any, params: Any, metadata: Any, kind: str = "cut") -> Callable[[Cut], Mask]:
    """Return a function that evaluates cuts on events of a dataset; errors call the cuts ``kind``."""

    def evaluate(cut: Cut) -> Mask:
        with UserCall(kind, cut.name, cut.function):
            return cut.get_mask(
                events,
                params,
                year=str(metadata["year"]),
                sample=str(metadata["sample"]),
                isMC=bool(metadata["isMC"]),
                metadata=metadata,
            )

    return evaluate


def _of_objects(
    names: tuple[str, ...], per_object: frozenset[str], collection_name: str | None, counts: Indices, objects: Words
) -> CategoryMasks:
    return CategoryMasks(names, _any_of_objects(objects, counts), per_object, collection_name, counts, objects)


def _any_of_objects(words: Words, counts: Indices) -> Words:
    """Return the bitwise OR over the objects of each event, shape (n events, n words)."""
    found: Words = reduce_lists(np.bitwise_or, words, counts, np.zeros((len(counts), words.shape[1]), dtype=np.uint64))
    return found
