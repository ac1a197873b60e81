"""Event weights of a chunk, each computed once, as a matrix of variations × events."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pocket.base.runtime.user_code import UserCall
from pocket.base.typing import Floats
from pocket.weights.base import WeightWrapper
from pocket.weights.plan import SamplePlan, WeightPlan, variation_names

#: Number of events whose weights are multiplied at once.
_BLOCK = 4096


@dataclass(frozen=True)
class ChunkWeights:
    """Weights of the events of a chunk, for one sample or subsample.

    Matrices have shape (n classes, n events, n variations), ``nominal`` first; categories with the same weights share a
    class.
    """

    variations: tuple[str, ...]
    matrices: Floats
    class_of: Mapping[str, int]

    def nominal(self, category: str) -> Floats:
        """Return the nominal weight in a category, shape (n events,)."""
        nominal: Floats = self.nominals[self.class_of[category]]
        return nominal

    @cached_property
    def nominals(self) -> Floats:
        """The nominal weights, shape (n classes, n events)."""
        return np.ascontiguousarray(self.matrices[:, :, self.variations.index("nominal")])

    def column(self, category: str, variation: str) -> Floats:
        """Return the weight of a variation in a category, shape (n events,)."""
        return self.matrices[self.class_of[category], :, self.variations.index(variation)]


def compute_weights(
    plan: WeightPlan,
    samples: Iterable[str],
    params: Any,
    metadata: Mapping[str, Any],
    events: Any,
    shape_variation: str = "nominal",
) -> dict[str, ChunkWeights]:
    """Return the weights of each sample and subsample of a dataset for the preselected events.

    In any shape variation but ``nominal``, all weights are nominal.
    """
    size = len(events)
    plans = {sample: plan.samples[sample] for sample in samples}
    computed: dict[str, _Weight] = {}
    for name in dict.fromkeys(name for sample in plans.values() for name in sample.names):
        is_varied = any(name in varied for own in plans.values() for varied in own.variations.values())
        is_varied &= not metadata.get("varies")
        following: dict[str, Floats] = {}
        with UserCall("weight", name, plan.classes[name]):
            weight = plan.classes[name](params, metadata)
            weight.store_variations(is_varied)
            nominal, varied = weight.evaluate(events, size, shape_variation)
            if weight.follows is not None and shape_variation == "nominal" and _is_varied(weight, plans.values()):
                followed = plan.classes[weight.follows](params, metadata)
                following = weight.evaluate_following(events, size, followed.variation_names())
        computed[name] = _Weight(weight.follows or name, nominal, varied, following)
    shared: dict[Any, ChunkWeights] = {}
    weights: dict[str, ChunkWeights] = {}
    for sample, own in plans.items():
        # Most subsamples have the weights of their sample, so results are shared.
        key = (tuple(own.weights.items()), tuple(own.variations.items()))
        if key not in shared:
            names = variation_names(plan, own, params, metadata) if shape_variation == "nominal" else ("nominal",)
            shared[key] = _sample_weights(own, names, computed, size)
        weights[sample] = shared[key]
    return weights


@dataclass(frozen=True)
class _Weight:
    """Weight in a chunk, with all arrays of shape (n events,).

    ``leader`` is the weight that it follows, in whose variations it has other values (``following``), or itself.
    """

    leader: str
    nominal: Floats
    varied: Mapping[str, Floats]
    following: Mapping[str, Floats]

    def column(self, variation: str) -> Floats:
        """Return the weight in any variation."""
        return self.varied.get(variation, self.following.get(variation, self.nominal))


def _is_varied(follower: WeightWrapper, plans: Iterable[SamplePlan]) -> bool:
    """Tell whether a weight and the varied weight that it follows are applied together anywhere."""
    return any(
        follower.name in names and follower.follows in plan.variations[category]
        for plan in plans
        for category, names in plan.weights.items()
    )


def _sample_weights(
    sample: SamplePlan, names: tuple[str, ...], computed: Mapping[str, _Weight], size: int
) -> ChunkWeights:
    classes: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    class_of = {
        category: classes.setdefault((applied, sample.variations[category]), len(classes))
        for category, applied in sample.weights.items()
    }
    matrices = np.empty((len(classes), size, len(names)))
    for (applied, varied), number in classes.items():
        chosen = {name: computed[name] for name in applied}
        # Process the events in blocks, which stay in the CPU's caches.
        for first in range(0, size, _BLOCK):
            part = slice(first, min(first + _BLOCK, size))
            products = _products(chosen, varied, names, part)
            for position, (before, factor, after) in enumerate(products):
                np.multiply(before * factor, after, out=matrices[number, part, position])
    return ChunkWeights(names, matrices, class_of)


def _products(
    applied: Mapping[str, _Weight], varied_names: Sequence[str], variations: Sequence[str], part: slice
) -> list[tuple[Floats, Floats, Floats]]:
    """Return three factors of the weight in each variation, each of shape (n events of the part,)."""
    # A weight and those that follow it vary together, so they are one factor.
    factors: dict[str, list[str]] = {}
    for name, weight in applied.items():
        factors.setdefault(weight.leader, []).append(name)

    def factor(names: Sequence[str], variation: str) -> Floats:
        return functools.reduce(operator.mul, (applied[name].column(variation)[part] for name in names))

    # The factors before and after each one are multiplied, so that a varied factor replaces its nominal one without a
    # division, which would fail for weights of zero.
    ones = np.ones(part.stop - part.start)
    before, after = [ones], [ones]
    for names in factors.values():
        before.append(before[-1] * factor(names, "nominal"))
    for names in reversed(factors.values()):
        after.append(after[-1] * factor(names, "nominal"))
    after.reverse()
    products = dict.fromkeys(variations, (before[-1], ones, ones))
    for number, names in enumerate(factors.values()):
        for name in names:
            for variation in applied[name].varied if name in varied_names else ():
                products[variation] = before[number], factor(names, variation), after[number + 1]
    return list(products.values())
