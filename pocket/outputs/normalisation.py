"""Normalisation of simulation: the sum that a dataset is divided by, and the factors of its weights.

The weights that are applied determine the sum. A generator event counts with its weight, so the sum is Σ genWeight over
all events before any cut, or Σ sign(genWeight). Without either weight every event counts as one, and a cross section is
divided by their number. Without a cross section nothing is divided, so that events are counted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.datasets.generator_sums import RESCALE
from pocket.errors import DatasetError
from pocket.plan.merging import MergingPlan
from pocket.weights.event import CrossSection, GenWeight, Lumi, normalisation_factor
from pocket.weights.plan import GENERATOR_SUMS

#: key of the number of events before any cut
EVENTS = "nevents"
#: option of a workflow that turns the division off, as in PocketCoffea
UNDIVIDED = "donotscale_sumgenweights"
#: key of a sum → its name in messages
_CALLED = {
    "sum_genweights": "sum of genWeight",
    "sum_signOf_genweights": "sum of the signs of genWeight",
    EVENTS: "number of events",
}
#: weights that are not applied → resulting yields of simulation
_FOLLOWS: Mapping[tuple[str, ...], str] = {
    (Lumi.name,): "yields are cross sections in pb",
    (CrossSection.name,): "yields are fractions of all events times the luminosity",
    (CrossSection.name, Lumi.name): "yields are fractions of all events before any cut",
    (GenWeight.name,): "each event counts as one, whatever its generator weight",
    (GenWeight.name, Lumi.name): "each event counts as one, and yields are cross sections in pb",
    (GenWeight.name, CrossSection.name): "yields are numbers of simulated events times the luminosity",
    (GenWeight.name, CrossSection.name, Lumi.name): "yields are numbers of simulated events",
}


def denominator(workflow_options: Mapping[str, Any], weights: Collection[str]) -> str:
    """Return the key of the sum that a dataset with some weights is divided by, or ``nevents``; empty if it isn't."""
    if workflow_options.get(UNDIVIDED):
        return ""
    for name, key in GENERATOR_SUMS.items():
        if name in weights:
            return key
    return EVENTS if CrossSection.name in weights else ""


def normalisation_factors(
    plan: MergingPlan, merged: Mapping[str, Any], dataset: str, metadata: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Return the sample, and each of its subsamples → category → factor that normalises a dataset of simulation."""

    @functools.cache
    def factor(name: str) -> float:
        return normalisation_factor(plan.factors[name](plan.guarded, metadata)) if name in plan.factors else 1.0

    factors: dict[str, dict[str, float]] = {}
    for sample, category, names in _applied(plan, metadata):
        total = _total(merged, dataset, metadata, denominator(plan.workflow_options, names))
        factors.setdefault(sample, {})[category] = math.prod(map(factor, names)) / total
    return factors


def divided_by(
    plan: MergingPlan, merged: Mapping[str, Any], dataset: str, metadata: Mapping[str, Any]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the sums that a dataset of simulation is divided by.

    The sample, and each of its subsamples → category, or ``*`` for all of them → ``sum_genweights``,
    ``sum_signOf_genweights`` or ``nevents`` → its value; empty if nothing is divided.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for sample, category, names in _applied(plan, metadata):
        key = denominator(plan.workflow_options, names)
        total = {key: _total(merged, dataset, metadata, key)} if key else {}
        found.setdefault(sample, {})[category] = total
    return {
        sample: {"*": first} if all(each == first for each in categories.values()) else categories
        for sample, categories in found.items()
        for first in [next(iter(categories.values()))]
    }


def normalisation_sentences(divided: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]) -> Iterator[str]:
    """Yield a sentence for each kind of sum that datasets were divided by, see :func:`divided_by`."""
    values: dict[str, dict[str, float | None]] = {}
    for dataset, samples in divided.items():
        found = [
            (next(iter(total), ""), category, total) for each in samples.values() for category, total in each.items()
        ]
        whole = {key for key, category, _ in found if category == "*"}
        for key, category, total in found:
            where = dataset if key in whole else f"{dataset} in {category}"
            values.setdefault(key, {})[where] = total.get(key)
    for key in (*_CALLED, ""):
        datasets = values.get(key, {})
        if datasets and key:
            written = ", ".join(f"{dataset} {value:.7g}" for dataset, value in datasets.items())
            yield f"divided by the {_CALLED[key]}: {written}"
        elif datasets:
            yield f"not divided, by weights without genWeight, signOf_genWeight and XS: {', '.join(datasets)}"


def normalisation_notes(plan: MergingPlan) -> Iterator[str]:
    """Yield sentences about usual weights that simulation lacks and the consequences, one per set of weights."""
    if plan.workflow_options.get(UNDIVIDED):
        return
    found: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    for metadata in plan.datasets.values():
        for sample, category, names in _applied(plan, metadata) if metadata["isMC"] else ():
            categories = found.setdefault(_lacking(plan, names), {}).setdefault(sample.partition(SUBSAMPLE)[0], {})
            categories[category] = None
    for lacking, samples in found.items():
        if lacking:
            *first, last = lacking
            weights = f"{', '.join(first)} and {last}" if first else last
            every = len(plan.categories)
            where = [
                sample if len(categories) == every else f"{sample} in {', '.join(categories)}"
                for sample, categories in samples.items()
            ]
            yield f"{weights} not applied to {', '.join(where)}: {_FOLLOWS[lacking]}"


def has_luminosity(plan: MergingPlan) -> bool:
    """Tell whether all simulation has a cross section and the luminosity, or factors of the analysis in their place."""
    simulated = (metadata for metadata in plan.datasets.values() if metadata["isMC"])
    applied = (names for metadata in simulated for _, _, names in _applied(plan, metadata))
    return all({CrossSection.name, Lumi.name}.isdisjoint(_lacking(plan, names)) for names in applied)


def _lacking(plan: MergingPlan, names: Collection[str]) -> tuple[str, ...]:
    """Return the usual weights that are not applied."""
    lacking = [] if any(name in names for name in GENERATOR_SUMS) else [GenWeight.name]
    known = (CrossSection.name, Lumi.name)
    # The analysis' own normalisation factors may replace the others, so nothing is reported then.
    if not any(name in plan.factors and name not in known for name in names):
        lacking += [name for name in known if name not in names]
    return tuple(lacking)


def _applied(plan: MergingPlan, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the sample and its subsamples with each category and the weights that are applied there."""
    for sample in plan.counted_samples(str(metadata["sample"])):
        for category, names in plan.weights[sample].items():
            yield sample, category, names


def _total(merged: Mapping[str, Any], dataset: str, metadata: Mapping[str, Any], key: str) -> float:
    if not key:
        return 1.0
    events = merged["cutflow"]["initial"][dataset]
    before_skim = "nevents_before_skim" if key == EVENTS else key
    is_lacking = bool(metadata.get("isSkim")) and before_skim not in metadata
    lacking = f": the metadata of the skim lack {before_skim!r}" if is_lacking else ""
    if lacking and key == GENERATOR_SUMS[GenWeight.name] and not merged[key][dataset]:
        lacking += f", and its files {RESCALE!r}"
    if key == EVENTS and is_lacking:
        raise DatasetError(
            f"dataset {dataset!r}: the number of events before the skim is unknown, so the dataset can't be normalised "
            f"without generator weights{lacking}"
        )
    total = float(events if key == EVENTS else merged[key][dataset])
    if total <= 0:
        called = "number of events" if key == EVENTS else "sum of generator weights"
        raise DatasetError(
            f"dataset {dataset!r}: the {called} is {total:g} over {events} events, so the dataset can't be "
            f"normalised{lacking}"
        )
    return total
