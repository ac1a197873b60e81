"""Histograms of samples in one histogram with an axis ``samples``, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from hist import Hist

from pocket.errors import HistogramError
from pocket.histograms.axes import category_axis
from pocket.histograms.both_sides import with_variations
from pocket.histograms.one_sided import NOMINAL

#: hist keeps ``sample`` for itself
SAMPLES = "samples"
VARIATION = "variation"


def join_samples(samples: Mapping[str, Hist[Any]]) -> Hist[Any]:
    """Return one histogram with an axis ``samples`` before the others.

    A sample without a variation that another one has, such as data, has its nominal content there.
    """
    if not samples:
        raise HistogramError("there is no histogram to join")
    varied = [histogram.axes[VARIATION] for histogram in samples.values() if VARIATION in histogram.axes.name]
    names = list(dict.fromkeys(name for axis in varied for name in axis))
    aligned = {sample: _with_variations(histogram, names) for sample, histogram in samples.items()}
    first = next(iter(aligned.values()))
    for sample, histogram in aligned.items():
        if list(histogram.axes) != list(first.axes) or histogram.storage_type is not first.storage_type:
            raise HistogramError(
                f"the histogram of sample {sample!r} has other axes than that of {next(iter(aligned))!r}"
            )
    joined: Hist[Any] = Hist(category_axis(SAMPLES, list(samples)), *first.axes, storage=first.storage_type())
    joined.view(flow=True)[...] = np.stack([histogram.view(flow=True) for histogram in aligned.values()])
    return joined


def split_samples(joined: Hist[Any], without_variations: Collection[str]) -> dict[str, Hist[Any]]:
    """Return sample → histogram, for one with an axis ``samples``; some, such as data, lose the axis ``variation``."""
    nominal = {VARIATION: NOMINAL} if VARIATION in joined.axes.name else {}
    split: dict[str, Hist[Any]] = {}
    for sample in joined.axes[SAMPLES]:
        chosen: Any = {SAMPLES: sample, **(nominal if sample in without_variations else {})}
        picked: Any = joined[chosen]
        split[sample] = picked
    return split


def _with_variations(histogram: Hist[Any], names: list[str]) -> Hist[Any]:
    if not names:
        return histogram
    if VARIATION in histogram.axes.name:
        return with_variations(histogram, names) if list(histogram.axes[VARIATION]) != names else histogram
    # The axis stands after that of the categories, as in the histograms of simulation.
    position = histogram.axes.name.index("cat") + 1
    axes = list(histogram.axes)
    axes.insert(position, category_axis(VARIATION, names))
    varied: Hist[Any] = Hist(*axes, storage=histogram.storage_type())
    varied.view(flow=True)[...] = np.expand_dims(histogram.view(flow=True), position)
    return varied
