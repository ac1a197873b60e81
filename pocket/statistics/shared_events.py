"""Events that two regions of a model have in common: a fit takes regions as independent, and would count them twice.

Regions whose cuts show it are refused before anything runs (:mod:`pocket.configuration.models`). Of all others the
engine has counted the events that are in both categories.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.histograms.files import read_sums
from pocket.histograms.one_sided import NOMINAL
from pocket.histograms.sums import Sums, datasets_of
from pocket.statistics.checks import Finding
from pocket.statistics.declarations import Region, StatisticalModel, share_events


def pairs_of_regions(models: Sequence[StatisticalModel]) -> Iterator[tuple[_Placed, _Placed]]:
    """Yield each two regions whose configuration and years are the same, so that they may have events in common.

    Of several models only regions of different ones are compared, since each is by itself.
    """
    placed = [_Placed(model, name) for model in models for name in model.regions]
    for one, other in itertools.combinations(placed, 2):
        # Of one category, they share events if they share the configuration and a year.
        of_one_category = replace(other.region, category=one.region.category)
        if (len(models) == 1 or one.model is not other.model) and share_events(one.region, of_one_category):
            yield one, other


def find_shared_events(
    models: Sequence[StatisticalModel], folders: Mapping[str, Path], *, unblind: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each two regions whose categories have events in common.

    Bins of the regions' histograms aren't looked at, so events count that one of the histograms leaves out. Events in
    different configurations can't be compared, and those without a folder aren't looked at.
    """
    sums = functools.cache(read_sums)
    for one, other in pairs_of_regions(models):
        if one.region.config not in folders:
            continue
        samples = {"simulation": {*one.model.samples, *other.model.samples}}
        if unblind or not (one.is_blind or other.is_blind):
            samples["data"] = {*one.model.data, *other.model.data}
        found = {
            what: _counts(sums(folders[one.region.config]), sorted(names), one.region, other.region)
            for what, names in samples.items()
        }
        shown = [f"{both:,} of {fewer:,} events of {what}" for what, (both, fewer) in found.items() if both]
        if shown:
            yield Finding(
                "shared_events",
                f"regions {one.name!r} and {other.name!r} have {' and '.join(shown)} in common, which count twice",
                other.name,
                value=max(both / fewer for both, fewer in found.values() if fewer),
            )


@dataclass(frozen=True, eq=False)
class _Placed:
    """A region and the model that it is in."""

    model: StatisticalModel
    name: str

    @property
    def region(self) -> Region:
        return self.model.regions[self.name]

    @property
    def is_blind(self) -> bool:
        return self.model.is_blind(self.name)


def _counts(sums: Sums, samples: list[str], region: Region, other: Region) -> tuple[int, int]:
    """Return how many events are in both regions, and how many are in the region that has fewer."""
    years = [year for year in region.years if year in other.years] if region.years and other.years else ()
    datasets = list(datasets_of(sums, samples, years or region.years or other.years))
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
