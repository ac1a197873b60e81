"""Events that two regions of a model have in common: a fit takes regions as independent, and would count them twice.

Regions whose cuts show it are refused before anything runs (:mod:`pocket.statistics.consistency`). Of all others the
engine has counted the events that are in both categories.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.histograms.files import read_sums
from pocket.histograms.one_sided import NOMINAL
from pocket.histograms.sums import Sums, datasets_of
from pocket.statistics.checks import Finding
from pocket.statistics.declarations import Region, StatisticalModel, share_events


def find_shared_events(
    model: StatisticalModel, folders: Mapping[str, Path], *, unblind: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each two regions whose categories have events in common.

    Bins of the regions' histograms aren't looked at, so events count that one of the histograms leaves out. Events in
    different configurations can't be compared.

    Args:
        model: the declaration.
        folders: configuration → folder of its merged templates; regions of other configurations aren't looked at.
        unblind: whether the data of blind regions are counted.
    """
    known: dict[str, Sums] = {}
    for (name, region), (other_name, other) in itertools.combinations(model.regions.items(), 2):
        # Of one category, they share events if they share the configuration and a year.
        if region.config in folders and share_events(region, replace(other, category=region.category)):
            if region.config not in known:
                known[region.config] = read_sums(folders[region.config])
            with_data = unblind or not (model.is_blind(name) or model.is_blind(other_name))
            counts = {"simulation": [sample for process in model.processes.values() for sample in process.samples]}
            counts |= {"data": list(model.data)} if with_data else {}
            found = {what: _counts(known[region.config], samples, region, other) for what, samples in counts.items()}
            shown = [f"{both:,} of {fewer:,} events of {what}" for what, (both, fewer) in found.items() if both]
            if shown:
                yield Finding(
                    "shared_events",
                    f"regions {name!r} and {other_name!r} have {' and '.join(shown)} in common, which count twice",
                    other_name,
                    value=max(both / fewer for both, fewer in found.values() if fewer),
                )


def _counts(sums: Sums, samples: list[str], region: Region, other: Region) -> tuple[int, int]:
    """Return how many events are in both regions, and how many are in the region that has fewer."""
    years = [year for year in region.years if year in other.years] if region.years and other.years else ()
    datasets = list(datasets_of(sums, sorted(set(samples)), years or region.years or other.years))
    both = sum(_shared(sums, dataset, (region.category, other.category)) for dataset in datasets)
    return both, min(
        sum(_in_category(sums["cutflow"][category], dataset) for dataset in datasets)
        for category in (region.category, other.category)
    )


def _shared(sums: Sums, dataset: str, categories: tuple[str, str]) -> int:
    counts: Mapping[str, Mapping[str, int]] = sums["shared"].get(dataset, {})
    # Only the category that comes first in the configuration has the number.
    return max(counts.get(one, {}).get(two, 0) for one, two in (categories, categories[::-1]))


def _in_category(counts: Mapping[str, Any], dataset: str) -> int:
    """Return the events of a dataset in a category, without those of subsamples, which are among them."""
    by_sample = counts.get(dataset, {})
    return int(sum(by_sample[sample][NOMINAL] for sample in by_sample if SUBSAMPLE not in sample))
