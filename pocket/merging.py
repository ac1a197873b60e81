"""Merging of the outputs of all branches, and normalisation: the one place where it happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pocket.configurator import Configurator
from pocket.errors import DatasetError
from pocket.weights.common import normalisation_factor

Output = dict[str, Any]


def merge_outputs(cfg: Configurator, outputs: Iterable[Output], metadata: Mapping[str, Mapping[str, Any]]) -> Output:
    """Add the raw outputs of branches and normalise the sum.

    Simulation is scaled by 1 / Σ genWeight over all processed events before any cut (Σ sign(genWeight) where
    the weight ``signOf_genWeight`` is used), times the weights ``lumi`` and ``XS`` where they are used.
    Histograms with ``no_weights`` and the cutflow keep counting events.

    Args:
        cfg: the configuration.
        outputs: raw outputs, see :func:`pocket.engine.chunk.empty_output`.
        metadata: dataset → its metadata.

    Returns:
        The merged output in the same layout, with ``datasets_metadata`` added.

    Raises:
        DatasetError: if a dataset has no output or no metadata, or its sum of generator weights isn't positive.
    """
    from coffea.processor import accumulate

    # onto an empty one: coffea returns a single output as it is, and what is scaled here must be a copy
    merged: Output = accumulate(outputs, {})
    for dataset in cfg.definitions:
        if dataset not in merged.get("cutflow", {}).get("initial", {}):
            raise DatasetError(f"dataset {dataset!r} has no output to merge")
        if dataset not in metadata:
            raise DatasetError(f"dataset {dataset!r} has no metadata to normalise it by")
        if metadata[dataset]["isMC"]:
            _normalise(cfg, merged, dataset, metadata[dataset])
    merged["datasets_metadata"] = {dataset: dict(meta) for dataset, meta in metadata.items()}
    return merged


def _normalise(cfg: Configurator, merged: Output, dataset: str, metadata: Mapping[str, Any]) -> None:
    sample = str(metadata["sample"])
    plan = cfg.weights.samples[sample]
    factors: dict[str, float] = {}
    for category, names in plan.weights.items():
        key = "sum_signOf_genweights" if "signOf_genWeight" in names else "sum_genweights"
        total = merged[key][dataset]
        if total <= 0:
            raise DatasetError(
                f"dataset {dataset!r}: the sum of generator weights is {total:g} over "
                f"{merged['cutflow']['initial'][dataset]} events, it can't be normalised"
            )
        weights = [cfg.weights.classes[name](cfg.parameters, metadata) for name in names]
        factors[category] = float(np.prod([normalisation_factor(weight) for weight in weights])) / total
    for category, factor in factors.items():
        merged["sumw"][category][dataset][sample]["nominal"] *= factor
        merged["sumw2"][category][dataset][sample]["nominal"] *= factor**2
    for name, samples in merged["variables"].items():
        if dataset in samples.get(sample, {}) and not cfg.variables[name].no_weights:
            _scale(samples[sample][dataset], factors)


def _scale(histogram: Any, factors: Mapping[str, float]) -> None:
    """Scale each category of a histogram, whose first axis is ``cat``, in place."""
    scale = np.array([factors[category] for category in histogram.axes["cat"]])
    view = histogram.view(flow=True)
    scale = scale.reshape(-1, *[1] * (view.ndim - 1))
    if view.dtype.names:
        view["value"] *= scale
        view["variance"] *= scale**2
    else:
        view *= scale
