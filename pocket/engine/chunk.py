"""Processing of one chunk, from NanoAOD columns to cutflow and histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pocket.configurator import Configurator
from pocket.cut import Cut
from pocket.engine.filling import empty_histograms, fill_histograms
from pocket.engine.masks import CutMasks, category_masks, evaluator
from pocket.engine.weighting import compute_weights
from pocket.errors import DatasetError
from pocket.workflows.base import BaseProcessorABC

Output = dict[str, Any]


def empty_output(cfg: Configurator, params: Any, metadata: Mapping[str, Any]) -> Output:
    """Return the output of a dataset before any event, in PocketCoffea's layout.

    The keys are ``sum_genweights[ds]``, ``sum_signOf_genweights[ds]``, ``cutflow.initial|skim[ds]``,
    ``cutflow.presel[ds][variation]``, ``cutflow|sumw|sumw2[cat][ds][sample][variation]`` and
    ``variables[histogram][sample][ds]``. All sums are raw: nothing is normalised.
    """
    dataset, sample = str(metadata["dataset"]), str(metadata["sample"])
    output: Output = {
        "cutflow": {"initial": {dataset: 0}, "skim": {dataset: 0}, "presel": {dataset: {"nominal": 0}}},
        "sumw": {category: {dataset: {sample: {"nominal": 0.0}}} for category in cfg.categories},
        "sumw2": {category: {dataset: {sample: {"nominal": 0.0}}} for category in cfg.categories},
        "variables": {
            name: {sample: {dataset: histogram}} for name, histogram in empty_histograms(cfg, params, metadata).items()
        },
    }
    for category in cfg.categories:
        output["cutflow"][category] = {dataset: {sample: {"nominal": 0}}}
    if metadata["isMC"]:
        output["sum_genweights"] = {dataset: 0.0}
        output["sum_signOf_genweights"] = {dataset: 0.0}
    return output


def process_chunk(workflow: BaseProcessorABC, events: Any, metadata: Mapping[str, Any]) -> Output:
    """Process the events of one chunk of one dataset.

    Args:
        workflow: instance of the analysis' workflow.
        events: NanoEvents of the chunk.
        metadata: dataset, sample, year, isMC, ….

    Returns:
        Raw sums, see :func:`empty_output`.

    Raises:
        DatasetError: if a generator weight isn't finite.
    """
    cfg = workflow.cfg
    dataset, sample = str(metadata["dataset"]), str(metadata["sample"])
    output = empty_output(cfg, workflow.params, metadata)
    cutflow = output["cutflow"]
    workflow.start_chunk(events, metadata)
    cutflow["initial"][dataset] = len(events)
    if metadata["isMC"]:
        # in double precision: in float32 the sum over a large dataset is off by more than the luminosity error
        weights = np.asarray(events.genWeight, dtype=np.float64)
        if bad := int((~np.isfinite(weights)).sum()):
            raise DatasetError(f"dataset {dataset!r}: genWeight is not finite for {bad} of {len(weights)} events")
        output["sum_genweights"][dataset] = float(weights.sum())
        output["sum_signOf_genweights"][dataset] = float(np.sign(weights).sum())

    workflow.process_extra_before_skim()
    _select(workflow, cfg.skim)
    cutflow["skim"][dataset] = workflow.nevents
    if not workflow.nevents:
        return output
    workflow.process_extra_after_skim()

    variation = "nominal"
    workflow.apply_object_preselection(variation)
    workflow.count_objects(variation)
    workflow.define_common_variables_before_presel(variation)
    workflow.process_extra_before_presel(variation)
    _select(workflow, cfg.preselections)
    cutflow["presel"][dataset][variation] = workflow.nevents
    if not workflow.nevents:
        return output
    workflow.define_common_variables_after_presel(variation)
    workflow.process_extra_after_presel(variation)

    masks = category_masks(cfg.categories, _masks(workflow))
    chunk_weights = compute_weights(
        cfg.weights, cfg.weights.samples[sample], workflow.params, metadata, workflow.events, variation
    )
    for category, mask in masks.items():
        weights = chunk_weights.nominal(category)[mask]
        cutflow[category][dataset][sample][variation] = int(mask.sum())
        output["sumw"][category][dataset][sample][variation] = float(weights.sum())
        output["sumw2"][category][dataset][sample][variation] = float((weights**2).sum())
    histograms = fill_histograms(cfg, workflow.events, workflow.custom_histogram_fields, metadata, masks, chunk_weights)
    for name, histogram in histograms.items():
        output["variables"][name][sample][dataset] = histogram
    return output


def _masks(workflow: BaseProcessorABC) -> CutMasks:
    evaluate = evaluator(workflow.events, workflow.params, workflow.metadata)
    return CutMasks(evaluate, workflow.nevents)


def _select(workflow: BaseProcessorABC, cuts: Sequence[Cut]) -> None:
    if cuts:
        workflow.events = workflow.events[_masks(workflow).all_of(cuts)]
