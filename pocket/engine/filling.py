"""Filling of all histograms of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import hist
import numpy as np

from pocket.configurator import Configurator
from pocket.engine.columns import axis_values, entries
from pocket.engine.kernel import add_weights
from pocket.engine.masks import Mask, to_bits
from pocket.engine.weighting import ChunkWeights
from pocket.histograms.axes import build_axis, category_axis, flat_bins, set_sums
from pocket.histograms.config import HistConf
from pocket.weights.plan import variation_names


def fill_histograms(
    cfg: Configurator,
    events: Any,
    custom: Mapping[str, Any],
    metadata: Mapping[str, Any],
    masks: Mapping[str, Mask],
    weights: ChunkWeights,
) -> dict[str, Any]:
    """Fill every histogram of the configuration for one sample.

    Args:
        cfg: the configuration.
        events: preselected events, length n.
        custom: the workflow's ``custom_histogram_fields``.
        metadata: metadata of the dataset.
        masks: category → mask of shape (n,).
        weights: weights of these events.

    Returns:
        Histogram name → filled histogram, axes (cat, variation, …) for simulation, (cat, …) for data.
    """
    words = to_bits(list(masks.values()), len(events))
    number = {category: position for position, category in enumerate(masks)}
    output: dict[str, Any] = {}
    for name, conf, categories in _filled_variables(cfg, metadata):
        columns = [axis_values(axis, events, custom, metadata, name) for axis in conf.axes]
        event, values = entries(columns, len(events), name)
        axes = [build_axis(axis) for axis in conf.axes]
        bins, size = flat_bins(axes, values, name)
        variations, matrices = _weights_for(conf, weights)
        sumw = np.zeros((len(categories), size, len(variations)))
        sumw2 = np.zeros_like(sumw)
        bits = np.array([number[category] for category in categories], dtype=np.int64)
        classes = np.array([weights.class_of[category] for category in categories], dtype=np.int64)
        add_weights(event, bins, words, bits, classes, matrices, sumw, sumw2)
        histogram = _empty(conf, axes, categories, variations, metadata)
        shape = (len(categories), *(axis.extent for axis in axes), len(variations))
        sums = [np.moveaxis(array.reshape(shape), -1, 1) for array in (sumw, sumw2)]
        set_sums(histogram, *(array if metadata["isMC"] else array[:, 0] for array in sums))
        output[name] = histogram
    return output


def empty_histograms(cfg: Configurator, params: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the histograms of a sample before any event."""
    names = variation_names(cfg.weights, cfg.weights.samples[str(metadata["sample"])], params, metadata)
    return {
        name: _empty(conf, [build_axis(axis) for axis in conf.axes], categories, _stored(conf, names), metadata)
        for name, conf, categories in _filled_variables(cfg, metadata)
    }


def _filled_variables(cfg: Configurator, metadata: Mapping[str, Any]) -> Iterator[tuple[str, HistConf, list[str]]]:
    for name, conf in cfg.variables.items():
        categories = [category for category in cfg.categories if conf.fills_category(category)]
        if conf.fills_sample(str(metadata["sample"])) and categories:
            yield name, conf, categories


def _empty(
    conf: HistConf,
    axes: Sequence[Any],
    categories: Sequence[str],
    variations: Sequence[str],
    metadata: Mapping[str, Any],
) -> Any:
    outer = [category_axis("cat", categories)]
    if metadata["isMC"]:
        outer.append(category_axis("variation", variations))
    return hist.Hist(*outer, *axes, storage=conf.storage)


def _stored(conf: HistConf, variations: Sequence[str]) -> list[str]:
    return [name for name in variations if conf.fills_variation(name)]


def _weights_for(conf: HistConf, weights: ChunkWeights) -> tuple[list[str], Any]:
    """Return the variations that a histogram stores and their weights, shape (n classes, n events, n variations)."""
    names = _stored(conf, weights.variations)
    matrices = weights.matrices
    if conf.no_weights:
        return names, np.ones((*matrices.shape[:2], len(names)))
    if len(names) == len(weights.variations):
        return names, matrices
    keep = [weights.variations.index(name) for name in names]
    return names, np.ascontiguousarray(matrices[:, :, keep])
