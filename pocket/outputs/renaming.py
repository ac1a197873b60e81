"""Renaming of the variations of a merged output, from the names of weights and calibrators to those across eras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.histograms.both_sides import with_renamed_variations
from pocket.histograms.one_sided import NOMINAL
from pocket.plan.era_names import EraNames
from pocket.plan.merging import MergingPlan

#: keys of sums by category, dataset, sample and variation; the cutflow also has the steps before the categories
_SUMS = ("cutflow", "sumw", "sumw2")


def rename_sums(names: EraNames, merged: dict[str, Any]) -> None:
    """Give all variations of merged sums their names across eras, in place."""
    if not names:
        return

    def renamed(dataset: str, by_variation: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(names.renamed(dataset, by_variation).values(), by_variation.values(), strict=True))

    presel = merged["cutflow"]["presel"]
    for dataset in presel:
        presel[dataset] = renamed(dataset, presel[dataset])
    for key in _SUMS:
        for category, datasets in merged[key].items():
            if key == "cutflow" and category in ("initial", "skim", "presel"):
                continue
            for dataset, by_sample in datasets.items():
                datasets[dataset] = {sample: renamed(dataset, values) for sample, values in by_sample.items()}


def rename_histograms(names: EraNames, samples: dict[str, dict[str, Any]]) -> None:
    """Give all variations of a merged variable, by sample and dataset, their names across eras, in place."""
    if not names:
        return
    for datasets in samples.values():
        for dataset, histogram in datasets.items():
            datasets[dataset] = _with_names(histogram, dataset, names)


def column_name(plan: MergingPlan, dataset: str, variation: str) -> str:
    """Return the stored name of a variation in the columns of a dataset.

    Columns of a dataset that varies a sample are a variation of that sample, like its templates.
    """
    for one in plan.dedicated if variation == NOMINAL else ():
        if dataset in one.sources:
            return plan.names.stored(one.targets[0], one.name)
    return plan.names.stored(dataset, variation)


def _with_names(histogram: Any, dataset: str, names: EraNames) -> Any:
    """Return a histogram with the stored names of its variations."""
    if "variation" not in histogram.axes.name:
        return histogram
    known = list(histogram.axes["variation"])
    stored = list(names.renamed(dataset, known).values())
    return histogram if stored == known else with_renamed_variations(histogram, stored)
