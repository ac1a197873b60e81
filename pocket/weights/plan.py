"""Plan of the weights and variations that apply to each sample and category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.base.runtime.user_code import UserCall
from pocket.base.sample_blocks import Block
from pocket.errors import ConfigError, UnknownNameError, nearest
from pocket.weights.base import WeightWrapper

WeightClass = type[WeightWrapper]

#: Generator weight → sum over all events before any cut by which a dataset with it is divided.
GENERATOR_SUMS = {"genWeight": "sum_genweights", "signOf_genWeight": "sum_signOf_genweights"}


@dataclass(frozen=True)
class SamplePlan:
    """Weights of one sample or subsample by category: those that are applied, and those whose variations are stored."""

    weights: Mapping[str, tuple[str, ...]]
    variations: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """All weights of the sample, in order of first use."""
        return tuple(dict.fromkeys(name for names in self.weights.values() for name in names))


@dataclass(frozen=True)
class WeightPlan:
    """Validated weights: their classes by name, and sample or ``{sample}__{subsample}`` → its plan."""

    classes: Mapping[str, WeightClass]
    samples: Mapping[str, SamplePlan]

    @classmethod
    def of(cls, classes: Mapping[str, WeightClass], samples: Mapping[str, SamplePlan]) -> WeightPlan:
        """Return the plan with those of the classes that samples use."""
        used = {name for plan in samples.values() for name in plan.names}
        return cls({name: weight for name, weight in classes.items() if name in used}, samples)


def variation_names(plan: WeightPlan, sample: SamplePlan, params: Any, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a sample's stored variations, ``nominal`` first, without computing weights."""
    varied = () if metadata.get("varies") else sample.variations.values()
    asked = [name for name in sample.names if any(name in wanted for wanted in varied)]
    names = ["nominal"]
    for name in asked:
        with UserCall("weight", name):
            names += plan.classes[name](params, metadata).variation_names()
    return tuple(names)


def build_plan(
    weights: Mapping[str, Any],
    varied: Mapping[str, Any],
    known: Iterable[WeightClass],
    categories: Sequence[str],
    samples: Mapping[str, bool],
    dropped: Iterable[str] = (),
) -> WeightPlan:
    """Return the plan of the blocks ``weights`` and ``variations.weights`` (:mod:`pocket.base.sample_blocks`).

    ``samples`` maps a sample, or ``{sample}__{subsample}``, to whether it is simulation.
    """
    registry = _registry(known)

    def resolve(entry: Any, where: str) -> str:
        if isinstance(entry, type) and issubclass(entry, WeightWrapper):
            if registry.setdefault(entry.name, entry) is not entry:
                raise ConfigError(f"{where}: two weights are named {entry.name!r}")
            return entry.name
        if entry not in registry:
            # A name that is hardly misspelt may be one that was declared and not listed.
            listed = "" if nearest(str(entry), registry, likeness=0.75) else " and not in weights_classes"
            raise UnknownNameError("weight", entry, registry, f"{where}{listed}")
        return str(entry)

    nameable = (*samples, *dropped)
    applied = Block(weights, "weights", resolve, categories, nameable)
    wanted = Block(varied, "variations.weights", resolve, categories, nameable)
    in_use = dict.fromkeys(applied)
    for name in in_use:
        _check_followed(registry[name], registry)
    plans: dict[str, SamplePlan] = {}
    for sample, is_mc in samples.items():
        per_category: dict[str, tuple[str, ...]] = {}
        varied_here: dict[str, tuple[str, ...]] = {}
        for category in categories:
            names = applied.of(sample, category)
            for name in names:
                if names.count(name) > 1:
                    raise ConfigError(f"weight {name!r} is applied twice to {sample!r} in category {category!r}")
            names = [name for name in names if is_mc or not registry[name].isMC_only]
            if is_mc and all(name in names for name in GENERATOR_SUMS):
                both = " and ".join(map(repr, GENERATOR_SUMS))
                raise ConfigError(
                    f"weights {both} are both applied to {sample!r} in category {category!r}, but it can be divided "
                    "by the sum of one of them only"
                )
            for name in names:
                followed = registry[name].follows
                if followed is not None and followed not in names:
                    raise ConfigError(
                        f"weight {name!r} follows {followed!r}, which isn't applied to {sample!r} in category "
                        f"{category!r}"
                    )
            per_category[category] = tuple(names)
            # A category without the weight keeps its nominal values in that variation.
            asked = dict.fromkeys(wanted.of(sample, category))
            varied_here[category] = tuple(name for name in names if name in asked)
        plans[sample] = SamplePlan(per_category, varied_here)
    for name in wanted:
        if not registry[name].has_variations:
            raise ConfigError(
                f"variations.weights: weight {name!r} has no variations: leave it out (an uncertainty of the rate, as "
                "of lumi, is a LogNormal of a model), or set has_variations = True in a weight of your own"
            )
        if name not in in_use:
            raise ConfigError(f"variations.weights: {name!r} is varied, but no weight of that name is applied")
    used = {name for sample in samples for category in categories for name in applied.of(sample, category)}
    return WeightPlan({name: registry[name] for name in in_use if name in used}, plans)


def _check_followed(cls: WeightClass, registry: Mapping[str, WeightClass]) -> None:
    if cls.follows is None:
        return
    if cls.follows not in registry:
        raise UnknownNameError("weight", cls.follows, registry, f"follows of weight {cls.name!r}")
    followed = registry[cls.follows]
    if not followed.has_variations:
        raise ConfigError(f"weight {cls.name!r} follows {cls.follows!r}, which has no variations")
    if followed.follows is not None:
        raise ConfigError(f"weight {cls.name!r} follows {cls.follows!r}, which itself follows {followed.follows!r}")
    if cls.compute_following is WeightWrapper.compute_following:
        raise ConfigError(f"weight {cls.name!r} follows {cls.follows!r}, but has no compute_following()")


def _registry(known: Iterable[WeightClass]) -> dict[str, WeightClass]:
    registry: dict[str, WeightClass] = {}
    for cls in known:
        if not (isinstance(cls, type) and issubclass(cls, WeightWrapper) and cls.name):
            raise ConfigError(f"weights_classes: {cls!r} isn't a subclass of WeightWrapper with a name")
        if registry.setdefault(cls.name, cls) is not cls:
            raise ConfigError(f"weights_classes: two weights are named {cls.name!r}")
    return registry
