"""Comparison of the templates of two configurations, as before and after."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pocket.base.arguments import Declarative
from pocket.columns.config import build_column_plan
from pocket.configuration.configurator import NOT_PROCESSED, Configurator
from pocket.configuration.deferred import Broken
from pocket.configuration.shape_variations import build_shape_plan
from pocket.errors import ConfigError
from pocket.parameters.plain import to_plain
from pocket.weights.plan import SamplePlan, WeightPlan
from pocket.weights.square_root import SquareRoot

#: entries that before and after must have in common to have the same events, besides parameters and calibrators
SAME_EVENTS = ("workflow", "workflow_options", "datasets", "skim", "preselections", "subsamples")


@dataclass(frozen=True)
class Comparison(metaclass=Declarative):
    """The comparison of a configuration's templates in plots.

    Args:
        before: name of the configuration that is drawn as before; empty for no comparison.
        covariance_config: name of the configuration that :func:`square_roots` makes of both. Without it the ratio
            after / before has no error: the same events are in both sums.

    Raises:
        ConfigError: if there is a covariance configuration, but none before.

    Examples:
        >>> Comparison("nominal", covariance_config="calibrated_root").before
        'nominal'
    """

    renamed: ClassVar[Mapping[str, str]] = {"root": "covariance_config"}

    before: str
    covariance_config: str = ""

    def __post_init__(self) -> None:
        if self.covariance_config and not self.before:
            raise ConfigError(
                f"compare: {self.covariance_config!r} is the covariance_config of a comparison, whose configuration "
                "before is empty"
            )


def square_roots(before: Configurator, after: Configurator) -> Configurator:
    """Return the configuration whose sums of squared weights are the covariances of before and after.

    With w the weight of an event before and w s after, its weight here is w √s, whose square is the product of both.
    The configuration is the one after with the square root of each weight that only one of both applies, without
    variations and columns. Categories that are missing before keep their weights.

    Args:
        before: configuration before.
        after: configuration after.

    Raises:
        ConfigError: if they have different events, apply the same weights, or a weight has no square root.

    Examples:
        >>> from pocket import load_analysis
        >>> configs = load_analysis("zmumu").configs
        >>> roots = square_roots(configs["nominal"], configs["calibrated"])
        >>> roots.variables.keys() == configs["calibrated"].variables.keys()
        True
    """
    for config in (before, after):
        if isinstance(config, Broken):
            return config
    _check_same_events(before, after)
    classes = {**before.weights.classes, **after.weights.classes}
    samples: dict[str, SamplePlan] = {}
    compared: set[str] = set()
    for sample, plan in after.weights.samples.items():
        weights: dict[str, tuple[str, ...]] = {}
        for category, names in plan.weights.items():
            others = before.weights.samples[sample].weights.get(category, names)
            single = set(names) ^ set(others)
            compared |= single
            applied = dict.fromkeys((*names, *others))
            weights[category] = tuple(_square_root(name) if name in single else name for name in applied)
        samples[sample] = SamplePlan(weights, dict.fromkeys(weights, ()))
    if not compared:
        raise ConfigError("before and after apply the same weights, which leaves nothing to compare")
    for name in compared:
        classes[_square_root(name)] = SquareRoot.wrap(_square_root(name), classes[name], has_variations=False)
    used = dict.fromkeys(name for plan in samples.values() for name in plan.names)
    config = copy.copy(after)
    config.weights = WeightPlan({name: classes[name] for name in used}, samples)
    names, kinds = config.categories.names, dict.fromkeys(samples, True)
    config.shapes = build_shape_plan({}, after.shapes.calibrators, names, kinds)
    config.columns = build_column_plan({}, names, kinds)
    return config


def _square_root(weight: str) -> str:
    """Return the name of a weight's square root."""
    return f"root_{weight}"


def _check_same_events(before: Configurator, after: Configurator) -> None:
    """Check that configurations differ only in weights, variations and histograms, and in categories of other names."""
    specs = before.declared().spec(), after.declared().spec()
    different = [key for key in SAME_EVENTS if specs[0][key] != specs[1][key]]
    # Both are usually the same object, so this avoids the comparison of values.
    same_parameters = before.parameters is after.parameters
    if not same_parameters and to_plain(before.parameters, NOT_PROCESSED) != to_plain(after.parameters, NOT_PROCESSED):
        different.append("parameters")
    if before.shapes.calibrators != after.shapes.calibrators:
        different.append("calibrators")
    cuts = [spec["categories"] for spec in specs]
    different += [f"category {name!r}" for name in cuts[0].keys() & cuts[1].keys() if cuts[0][name] != cuts[1][name]]
    ours, theirs = before.weights.classes, after.weights.classes
    different += [f"weight {name!r}" for name in ours.keys() & theirs.keys() if ours[name] is not theirs[name]]
    if different:
        raise ConfigError(
            f"before and after must have the same events, their sums are correlated then; they differ in "
            f"{', '.join(different)}"
        )
