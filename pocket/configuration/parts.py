"""The part of a configuration that determines some of its templates."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.configuration.configurator import Configurator
from pocket.cuts.categories import StandardSelection
from pocket.histograms.config import HistConf
from pocket.histograms.one_sided import stem_of
from pocket.histograms.readings import Reading
from pocket.plan.shapes import ShapePlan
from pocket.weights.plan import SamplePlan, WeightPlan


def part_of(cfg: Configurator, readings: Iterable[Reading]) -> Configurator:
    """Return a configuration reduced to what fills the given templates, for fingerprints; it is never processed.

    Histograms of a configuration are filled in one pass, but independently of each other. So the remaining ones, with
    their categories, samples, variations and weights, determine the templates. The histogram of a reading may be empty
    if only sums of weights are read.
    """
    readings = tuple(readings)
    read = sorted({name for reading in readings for name in reading.categories})
    # The order of the categories has no effect on their contents.
    categories = {name: cfg.categories.categories[name] for name in read if name in cfg.categories.categories}
    if not categories:
        return cfg
    stored = {name for reading in readings for name in reading.samples}
    whole = {name.partition(SUBSAMPLE)[0] for name in stored}
    part = copy.copy(cfg)
    # The parameters are the same, and resolving them takes longer than the rest.
    part.resolved = cfg.plain_parameters()
    # The modes of other sides are checked for all datasets together.
    part.one_sided = {
        name: mode
        for name, mode in cfg.one_sided.items()
        if any(reading.reads_weight(stem_of(name)) for reading in readings)
    }
    part.categories = StandardSelection(categories)
    part.definitions = {
        name: one
        for name, one in cfg.definitions.items()
        if one.sample in whole
        and (one.varies is None or any(reading.reads_variation(one.varies.variation) for reading in readings))
    }
    part.subsamples = {sample: selection for sample, selection in cfg.subsamples.items() if sample in whole}
    counted = [name for sample in part.samples for name in part.counted_samples(sample)]
    part.weights = _weights(cfg.weights, readings, tuple(categories), counted)
    part.shapes = _shapes(cfg.shapes, readings, tuple(categories), counted)
    part.columns = {}
    part.column_formats = ()
    part.variables = {
        reading.variable: _histogram(cfg.variables[reading.variable], reading, cfg)
        for reading in readings
        if reading.variable in cfg.variables
    }
    return part


def _weights(
    plan: WeightPlan, readings: Sequence[Reading], categories: Sequence[str], samples: Iterable[str]
) -> WeightPlan:
    varied = {name for name in plan.classes if any(reading.reads_weight(name) for reading in readings)}
    plans = {
        sample: SamplePlan(
            {category: plan.samples[sample].weights[category] for category in categories},
            {
                category: tuple(name for name in plan.samples[sample].variations[category] if name in varied)
                for category in categories
            },
        )
        for sample in samples
    }
    return WeightPlan.of(plan.classes, plans)


def _shapes(
    plan: ShapePlan, readings: Sequence[Reading], categories: Sequence[str], samples: Iterable[str]
) -> ShapePlan:
    # Only calibrators know the names of their variations, so all or none are kept.
    varied = any(reading.variations for reading in readings)
    return ShapePlan(
        plan.calibrators,
        {
            sample: {category: plan.samples[sample][category] if varied else () for category in categories}
            for sample in samples
        },
    )


def _histogram(conf: HistConf, reading: Reading, cfg: Configurator) -> HistConf:
    """Return the declaration of a histogram, with its restrictions limited to the templates that are read."""
    only: dict[str, Any] = {
        "only_categories": tuple(
            sorted(name for name in reading.categories if name in cfg.categories.names and conf.fills_category(name))
        ),
        "only_samples": tuple(sorted(name for name in reading.samples if conf.fills_sample(name))),
    }
    variations = conf.only_variations
    if variations is not None:
        variations = tuple(sorted(name for name in variations if reading.reads_variation(name)))
    return dataclasses.replace(conf, **only, exclude_categories=None, exclude_samples=None, only_variations=variations)
