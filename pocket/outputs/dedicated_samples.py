"""Variations from dedicated samples, as variations of the datasets that they vary.

Branches process such a dataset like any other one of the sample, without further variations. When outputs are merged,
each is normalised on its own, and its nominal templates become a variation of the sample's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.datasets.sample_variations import DedicatedVariation
from pocket.errors import DatasetError
from pocket.histograms.both_sides import with_variations
from pocket.histograms.one_sided import NOMINAL
from pocket.plan.merging import MergingPlan

#: key of the merged output with the sums of these datasets, in the layout of the output
DEDICATED = "dedicated_samples"
#: sums of a whole dataset
_OF_DATASETS = ("sum_genweights", "sum_signOf_genweights", "shared")
#: steps before the categories
_STEPS = ("initial", "skim", "presel")


def fold_dedicated_sums(plan: MergingPlan, merged: dict[str, Any], metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """Turn the normalised sums of datasets that vary a sample into variations of that sample, in place.

    The first dataset of the sample gets the sum, since only the sum over all of them has a meaning. What the datasets
    were normalised by stays in ``dedicated_samples``.
    """
    if not plan.dedicated:
        return
    kept: dict[str, Any] = {"cutflow": {step: {} for step in _STEPS}, "datasets_metadata": {}}
    for variation in plan.dedicated:
        for counted in plan.counted_samples(variation.sample):
            _fold_sums(merged, variation, counted)
        presel = merged["cutflow"]["presel"]
        for number, target in enumerate(variation.targets):
            count = sum(presel[source][NOMINAL] for source in variation.sources)
            presel[target] = presel[target] | {variation.name: 0 if number else count}
        for source in variation.sources:
            kept["datasets_metadata"][source] = {**metadata[source], "varied_datasets": list(variation.targets)}
            _take_out(merged, kept, source)
    merged[DEDICATED] = kept


def fold_dedicated_histograms(plan: MergingPlan, name: str, samples: dict[str, dict[str, Any]]) -> None:
    """Turn the normalised histograms of datasets that vary a sample into variations of that sample, in place.

    Histograms without weights don't get the variation, because numbers of events of two samples can't be compared.
    """
    conf = plan.variables[name]
    for variation in plan.dedicated:
        for counted in plan.counted_samples(variation.sample):
            datasets = samples.get(counted, {})
            if variation.targets[0] in datasets and not conf.no_weights and conf.fills_variation(variation.name):
                _fold_histogram(variation, datasets)
        for datasets in samples.values():
            for source in variation.sources:
                datasets.pop(source, None)


def dedicated_metadata(merged: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the datasets that became variations of others, with their metadata."""
    found: Mapping[str, Mapping[str, Any]] = merged.get(DEDICATED, {}).get("datasets_metadata", {})
    return found


def _fold_sums(merged: Mapping[str, Any], variation: DedicatedVariation, counted: str) -> None:
    for key in ("cutflow", "sumw", "sumw2"):
        for category, datasets in merged[key].items():
            if category in _STEPS:
                continue
            total = sum(datasets[source][counted][NOMINAL] for source in variation.sources)
            for number, target in enumerate(variation.targets):
                of_target = datasets[target][counted]
                datasets[target][counted] = of_target | {variation.name: type(total)(0) if number else total}


def _fold_histogram(variation: DedicatedVariation, datasets: dict[str, Any]) -> None:
    for number, target in enumerate(variation.targets):
        histogram = datasets[target]
        names = list(histogram.axes["variation"])
        if variation.name in names:
            raise DatasetError(
                f"dataset {variation.sources[0]!r} fills variation {variation.name!r} of {target!r}, but a "
                "calibrator has filled it"
            )
        datasets[target] = with_variations(histogram, [*names, variation.name])
        filled = _view_of(datasets[target], variation.name)
        for field in filled.dtype.names or (...,):
            filled[field] = 0
            for source in variation.sources if not number else ():
                filled[field] += _view_of(datasets[source], NOMINAL)[field]


def _view_of(histogram: Any, variation: str) -> Any:
    """Return the contents in a variation, including flow bins, which can be changed."""
    position = histogram.axes.name.index("variation")
    view = histogram.view(flow=True)
    return view[(slice(None),) * position + (list(histogram.axes[position]).index(variation),)]


def _take_out(merged: Mapping[str, Any], kept: dict[str, Any], source: str) -> None:
    """Move the sums of a whole dataset to those that are kept, and remove the others."""
    for step in _STEPS:
        kept["cutflow"][step][source] = merged["cutflow"][step].pop(source)
    for key in _OF_DATASETS:
        if source in merged.get(key, {}):
            kept.setdefault(key, {})[source] = merged[key].pop(source)
    for key in ("cutflow", "sumw", "sumw2"):
        for datasets in merged[key].values():
            datasets.pop(source, None)
