"""Processing of one chunk, from NanoAOD columns to cutflow, histograms and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pocket.base.runtime.user_code import UserCall
from pocket.base.typing import Mask
from pocket.calibrators.base import NOMINAL
from pocket.datasets.generator_sums import generator_sums
from pocket.engine.columns import collect_columns
from pocket.engine.filling import HistogramFiller
from pocket.engine.layout import Layout, dataset_layout
from pocket.engine.masks import CategoryMasks, CutMasks, category_masks, evaluator
from pocket.engine.weighting import ChunkWeights, compute_weights
from pocket.io.nanoaod.selection import select_events
from pocket.models.delayed_columns import DelayedColumns
from pocket.plan.processing import ProcessingPlan
from pocket.plan.workflow import BaseProcessorABC

Output = dict[str, Any]


@dataclass(frozen=True)
class Preselected:
    """The preselection of one variation: the collections that it changes, and which skimmed events pass."""

    variation: str
    changed: frozenset[str]
    mask: Mask


def empty_output(plan: ProcessingPlan, params: Any, metadata: Mapping[str, Any]) -> Output:
    """Return the output of a dataset before any event, in PocketCoffea's layout.

    The keys are ``sum_genweights[ds]``, ``sum_signOf_genweights[ds]``, ``cutflow.initial|skim[ds]``,
    ``cutflow.presel[ds][variation]``, ``cutflow|sumw|sumw2[cat][ds][sample][variation]``,
    ``shared[ds][cat][later cat]`` (events that are in both, nominally), ``variables[histogram][sample][ds]`` and
    ``columns[sample][ds][cat][variation]``. A sample with subsamples is counted as ``{sample}`` and as each
    ``{sample}__{subsample}``, and stored as the latter alone. All sums are raw: nothing is normalised.
    """
    layout = dataset_layout(plan, params, metadata)
    filler = HistogramFiller(plan, metadata, layout.stored_variations)
    return {**_output(plan, layout, metadata), "variables": _variables(filler, layout)}


def process_chunk(workflow: BaseProcessorABC, events: Any, metadata: Mapping[str, Any]) -> Output:
    """Return the sums, histograms and columns of one chunk of one dataset, raw sums as in :func:`empty_output`."""
    plan = workflow.cfg
    with workflow_call(workflow):
        workflow.start_chunk(events, metadata)
    sums = generator_sums(events, metadata) if metadata["isMC"] else None
    skim(workflow)
    skimmed = workflow.nevents
    layout = chunk_layout(workflow, metadata)
    filler = HistogramFiller(plan, metadata, layout.stored_variations)
    counts = _output(plan, layout, metadata)
    cutflow = counts["cutflow"]
    cutflow["initial"][layout.dataset], cutflow["skim"][layout.dataset] = len(events), skimmed
    if sums is not None:
        counts["sum_genweights"][layout.dataset], counts["sum_signOf_genweights"][layout.dataset] = sums
    delayed = DelayedColumns(plan.delayed_columns)
    if workflow.nevents:
        for selected in preselect(workflow, layout):
            cutflow["presel"][layout.dataset][selected.variation] = int(selected.mask.sum())
            if selected.mask.any():
                workflow.events = select_events(workflow.events, selected.mask, last=len(layout.processed) == 1)
                workflow.nEvents_after_presel = workflow.nevents
                delayed.fill(workflow.events, np.flatnonzero(selected.mask), workflow.params)
                _process_variation(workflow, layout, selected, counts, filler)
    return {**counts, "variables": _variables(filler, layout)}


def skim(workflow: BaseProcessorABC) -> Mask:
    """Reduce the workflow's events to those that pass the skim, and return the mask of them."""
    with workflow_call(workflow):
        workflow.process_extra_before_skim()
    # Errors name the cut's kind, since object selections that exist only later are a common mistake here.
    mask = _masks(workflow, "skim cut").all_of(workflow.cfg.skim)
    if not mask.all():
        workflow.events = select_events(workflow.events, mask)
    workflow.nEvents_after_skim = workflow.nevents
    return mask


def chunk_layout(workflow: BaseProcessorABC, metadata: Mapping[str, Any]) -> Layout:
    """Return the layout of a chunk's output; calibrators are initialised if there are events after the skim."""
    layout = dataset_layout(workflow.cfg, workflow.params, metadata)
    is_late = layout.sequence.needs_events
    if workflow.nevents or is_late:
        with workflow_call(workflow):
            workflow.process_extra_after_skim()
        layout.sequence.initialize(workflow.events)
    return dataset_layout(workflow.cfg, workflow.params, metadata, layout.sequence) if is_late else layout


def preselect(workflow: BaseProcessorABC, layout: Layout) -> Iterator[Preselected]:
    """Yield the preselection of each variation of the skimmed events, after its calibration and object selection.

    When a variation is yielded, the workflow holds its events, including those that fail the preselection.
    """
    skimmed = workflow.events
    for variation in layout.processed:
        calibrated = layout.sequence.calibrate(skimmed, variation)
        with workflow_call(workflow):
            workflow.start_variation(calibrated.events)
            workflow.process_extra_after_calibrators(variation)
            workflow.apply_object_preselection(variation)
            workflow.count_objects(variation)
            workflow.define_common_variables_before_presel(variation)
            workflow.process_extra_before_presel(variation)
        yield Preselected(variation, calibrated.changed, _masks(workflow).all_of(workflow.cfg.preselections))


def _process_variation(
    workflow: BaseProcessorABC, layout: Layout, selected: Preselected, output: Output, filler: HistogramFiller
) -> None:
    """Fill cutflow, histograms and columns with the preselected events of one variation."""
    plan, variation = workflow.cfg, selected.variation
    with workflow_call(workflow):
        workflow.define_common_variables_after_presel(variation)
        workflow.process_extra_after_presel(variation)
    masks = _sample_masks(workflow, layout)
    weights = compute_weights(
        plan.weights, layout.counted, workflow.params, workflow.metadata, workflow.events, variation
    )
    _count(layout, variation, masks, weights, output)
    filler.fill(workflow.events, workflow.custom_histogram_fields, masks, weights, variation)
    for sample in layout.stored:
        wanted = {
            category: columns
            for category, columns in plan.columns.get(sample, {}).items()
            if columns and variation in (NOMINAL, *layout.variations[sample].shapes[category])
        }
        changed = None if variation == NOMINAL else selected.changed
        exported = collect_columns(wanted, workflow.events, masks[sample], weights[sample], changed)
        for category, records in exported.items():
            output["columns"][sample][layout.dataset][category][variation] = [records]


def workflow_call(workflow: BaseProcessorABC) -> UserCall:
    """Return a block in which methods of a workflow are called."""
    return UserCall("workflow", type(workflow).__name__, type(workflow))


def _sample_masks(workflow: BaseProcessorABC, layout: Layout) -> dict[str, CategoryMasks]:
    """Return the category masks of the sample and of each of its subsamples."""
    plan, cuts = workflow.cfg, _masks(workflow)
    sample, *subsamples = layout.counted
    masks = {sample: category_masks(plan.categories, cuts, workflow.events)}
    if subsamples:
        within = category_masks(plan.subsamples[sample], cuts, workflow.events)
        for stored, name in zip(subsamples, within.names, strict=True):
            masks[stored] = masks[sample].restricted(within, name)
    return masks


def _count(
    layout: Layout,
    variation: str,
    masks: Mapping[str, CategoryMasks],
    weights: Mapping[str, ChunkWeights],
    output: Output,
) -> None:
    for sample in layout.counted:
        names, patterns = masks[sample].names, masks[sample].event_patterns
        contained = patterns.contain(np.arange(len(names)))
        counts = patterns.sums()
        if (sample, variation) == (layout.counted[0], NOMINAL):
            together = np.triu((contained.T * counts) @ contained, 1)
            for one, other in np.argwhere(together):
                output["shared"][layout.dataset].setdefault(names[one], {})[names[other]] = together[one, other].item()
        sums = [(patterns.sums(nominal), patterns.sums(nominal**2)) for nominal in weights[sample].nominals]
        for category, within in zip(names, contained.T, strict=True):
            found = (counts, *sums[weights[sample].class_of[category]])
            for key, values in zip(("cutflow", "sumw", "sumw2"), found, strict=True):
                output[key][category][layout.dataset][sample][variation] = values[within].sum().item()


def _output(plan: ProcessingPlan, layout: Layout, metadata: Mapping[str, Any]) -> Output:
    """Return the output before any event, without histograms."""
    dataset = layout.dataset

    def by_category(zero: float) -> dict[str, Any]:
        return {
            category: {dataset: {sample: dict.fromkeys(layout.processed, zero) for sample in layout.counted}}
            for category in plan.categories
        }

    output: Output = {
        "cutflow": {
            "initial": {dataset: 0},
            "skim": {dataset: 0},
            "presel": {dataset: dict.fromkeys(layout.processed, 0)},
            **by_category(0),
        },
        "sumw": by_category(0.0),
        "sumw2": by_category(0.0),
        "shared": {dataset: {}},
        "columns": {sample: {dataset: {category: {} for category in plan.categories}} for sample in layout.stored},
    }
    if metadata["isMC"]:
        output |= {"sum_genweights": {dataset: 0.0}, "sum_signOf_genweights": {dataset: 0.0}}
    return output


def _variables(filler: HistogramFiller, layout: Layout) -> dict[str, Any]:
    return {
        name: {sample: {layout.dataset: histogram} for sample, histogram in by_sample.items()}
        for name, by_sample in filler.histograms().items()
    }


def _masks(workflow: BaseProcessorABC, kind: str = "cut") -> CutMasks:
    return CutMasks(evaluator(workflow.events, workflow.params, workflow.metadata, kind), workflow.nevents)
