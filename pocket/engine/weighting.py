"""Event weights of a chunk: each weight computed once, one matrix of variations × events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.weights.plan import SamplePlan, WeightPlan, variation_names

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChunkWeights:
    """Weights of the events of a chunk, for one sample or subsample.

    Args:
        variations: names of the variations, ``nominal`` first.
        matrices: shape (n classes, n events, n variations); categories with the same weights share a class.
        class_of: category → class.
    """

    variations: tuple[str, ...]
    matrices: Floats
    class_of: Mapping[str, int]

    def nominal(self, category: str) -> Floats:
        """Return the nominal weight in a category, shape (n events,)."""
        return self.column(category, "nominal")

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
    """Compute all weights of a dataset for the preselected events.

    Args:
        plan: weights of the configuration.
        samples: the sample of the dataset and its subsamples.
        params: parameters.
        metadata: metadata of the dataset.
        events: preselected events.
        shape_variation: the shape variation being processed; inside one, weights are the nominal ones.

    Returns:
        Sample or subsample → its weights.
    """
    size = len(events)
    plans = {sample: plan.samples[sample] for sample in samples}
    nominal: dict[str, Floats] = {}
    varied: dict[str, dict[str, Floats]] = {}
    for name in dict.fromkeys(name for sample in plans.values() for name in sample.names):
        weight = plan.classes[name](params, metadata)
        nominal[name], varied[name] = weight.evaluate(events, size, shape_variation)
    shared: dict[Any, ChunkWeights] = {}
    weights: dict[str, ChunkWeights] = {}
    for sample, own in plans.items():
        # subsamples mostly have the weights of their sample
        key = (tuple(own.weights.items()), tuple(own.variations.items()))
        if key not in shared:
            names = variation_names(plan, own, params, metadata) if shape_variation == "nominal" else ("nominal",)
            shared[key] = _sample_weights(own, names, nominal, varied, size)
        weights[sample] = shared[key]
    return weights


def _sample_weights(
    sample: SamplePlan,
    names: tuple[str, ...],
    nominal: Mapping[str, Floats],
    varied: Mapping[str, Mapping[str, Floats]],
    size: int,
) -> ChunkWeights:
    class_of: dict[str, int] = {}
    classes: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    matrices: list[Floats] = []
    for category, applied in sample.weights.items():
        key = (applied, sample.variations[category])
        if key not in classes:
            classes[key] = len(matrices)
            matrices.append(_matrix(applied, key[1], names, nominal, varied, size))
        class_of[category] = classes[key]
    return ChunkWeights(names, np.stack(matrices), class_of)


def _matrix(
    applied: Sequence[str],
    varied_names: Sequence[str],
    columns: Sequence[str],
    nominal: Mapping[str, Floats],
    varied: Mapping[str, Mapping[str, Floats]],
    size: int,
) -> Floats:
    """Return the product of weights per event and variation, shape (size, n variations)."""
    # products of the weights before and after each one, so that a varied weight replaces its nominal
    # without a division, which fails for weights of zero
    before = [np.ones(size)]
    for name in applied:
        before.append(before[-1] * nominal[name])
    after = [np.ones(size)]
    for name in reversed(applied):
        after.append(after[-1] * nominal[name])
    after.reverse()
    matrix = np.empty((size, len(columns)))
    matrix[:] = before[-1][:, None]
    position = {name: number for number, name in enumerate(columns)}
    for number, name in enumerate(applied):
        if name in varied_names:
            for variation, values in varied[name].items():
                matrix[:, position[variation]] = before[number] * values * after[number + 1]
    return matrix
