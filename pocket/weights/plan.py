"""Which weights and which of their variations apply to a sample in a category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.weights.wrapper import WeightWrapper

WeightClass = type[WeightWrapper]


@dataclass(frozen=True)
class SamplePlan:
    """Weights of one sample.

    Args:
        weights: category → names of the weights applied, in order.
        variations: category → those of them whose variations are stored.
    """

    weights: Mapping[str, tuple[str, ...]]
    variations: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """All weights of the sample, in order of first use."""
        return tuple(dict.fromkeys(name for names in self.weights.values() for name in names))


@dataclass(frozen=True)
class WeightPlan:
    """Weights of all samples, validated.

    Args:
        classes: weight name → its class, for those in use.
        samples: sample → its plan.
    """

    classes: Mapping[str, WeightClass]
    samples: Mapping[str, SamplePlan]


def variation_names(plan: WeightPlan, sample: SamplePlan, params: Any, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the stored variations of a sample, ``nominal`` first, without computing anything."""
    asked = [name for name in sample.names if any(name in wanted for wanted in sample.variations.values())]
    return ("nominal", *(v for name in asked for v in plan.classes[name](params, metadata).variation_names()))


def build_plan(
    weights: Mapping[str, Any],
    variations: Mapping[str, Any],
    known: Iterable[WeightClass],
    categories: Sequence[str],
    samples: Mapping[str, bool],
) -> WeightPlan:
    """Resolve the blocks ``weights`` and ``variations`` of a configuration.

    Args:
        weights: ``{"common": {"inclusive": […], "bycategory": {cat: […]}}, "bysample": {sample: {…}}}``; entries are
            names or weight classes.
        variations: ``{"weights": block}``, the block as above.
        known: the weight classes that may be named.
        categories: names of the categories.
        samples: sample → whether it is simulation.

    Raises:
        UnknownNameError: for an unknown key, weight, category or sample.
        ConfigError: for a weight applied twice, or a variation of a weight that has none or isn't applied.
    """
    registry = _registry(known)
    _check_keys(variations, ("weights",), "variations")
    wanted = variations.get("weights", {})
    plans: dict[str, SamplePlan] = {}
    applied = _Block(weights, "weights", registry, categories, samples)
    varied = _Block(wanted, "variations.weights", registry, categories, samples)
    for sample, is_mc in samples.items():
        per_category: dict[str, tuple[str, ...]] = {}
        varied_here: dict[str, tuple[str, ...]] = {}
        for category in categories:
            names = applied.of(sample, category)
            for name in names:
                if names.count(name) > 1:
                    raise ConfigError(f"weight {name!r} is applied twice to {sample!r} in category {category!r}")
            names = [name for name in names if is_mc or not registry[name].isMC_only]
            per_category[category] = tuple(names)
            # a category that lacks the weight keeps the nominal in that variation
            asked = dict.fromkeys(varied.of(sample, category))
            varied_here[category] = tuple(name for name in names if name in asked)
        plans[sample] = SamplePlan(per_category, varied_here)
    for name in varied.names:
        if not registry[name].has_variations:
            raise ConfigError(f"variations.weights: weight {name!r} has no variations")
        if name not in applied.names:
            raise ConfigError(f"variations.weights: {name!r} is varied, but no weight of that name is applied")
    return WeightPlan({name: registry[name] for name in applied.names}, plans)


def _registry(known: Iterable[WeightClass]) -> dict[str, WeightClass]:
    registry: dict[str, WeightClass] = {}
    for cls in known:
        if not (isinstance(cls, type) and issubclass(cls, WeightWrapper) and cls.name):
            raise ConfigError(f"weights_classes: {cls!r} is no weight class with a name")
        if registry.setdefault(cls.name, cls) is not cls:
            raise ConfigError(f"weights_classes: two weights are named {cls.name!r}")
    return registry


class _Block:
    """One block ``common``/``bysample`` with its names resolved."""

    def __init__(
        self,
        block: Mapping[str, Any],
        where: str,
        registry: dict[str, WeightClass],
        categories: Sequence[str],
        samples: Iterable[str],
    ) -> None:
        _check_keys(block, ("common", "bysample"), where)
        self._registry = registry
        self._categories = categories
        self._common = self._part(block.get("common", {}), f"{where}.common")
        self._bysample = {}
        check_known("sample", block.get("bysample", {}), samples, f"{where}.bysample")
        for sample, part in block.get("bysample", {}).items():
            self._bysample[sample] = self._part(part, f"{where}.bysample.{sample}")
        parts = [self._common, *self._bysample.values()]
        self.names = dict.fromkeys(name for part in parts for names in part.values() for name in names)

    def _part(self, part: Mapping[str, Any], where: str) -> dict[str, list[str]]:
        _check_keys(part, ("inclusive", "bycategory"), where)
        resolved = {"": self._list(part.get("inclusive", ()), f"{where}.inclusive")}
        for category, entries in part.get("bycategory", {}).items():
            if category not in self._categories:
                raise UnknownNameError("category", category, self._categories, f"{where}.bycategory")
            resolved[category] = self._list(entries, f"{where}.bycategory.{category}")
        return resolved

    def _list(self, entries: Any, where: str) -> list[str]:
        if isinstance(entries, str) or not isinstance(entries, Sequence):
            raise ConfigError(f"{where} must be a list of weights, not {entries!r}")
        return [self._name(entry, where) for entry in entries]

    def _name(self, entry: Any, where: str) -> str:
        if isinstance(entry, type) and issubclass(entry, WeightWrapper):
            if self._registry.setdefault(entry.name, entry) is not entry:
                raise ConfigError(f"{where}: two weights are named {entry.name!r}")
            return entry.name
        if entry not in self._registry:
            raise UnknownNameError("weight", entry, self._registry, where)
        return str(entry)

    def of(self, sample: str, category: str) -> list[str]:
        parts = [self._common, self._bysample.get(sample, {})]
        return [name for part in parts for key in ("", category) for name in part.get(key, ())]


def _check_keys(block: object, known: Sequence[str], where: str) -> None:
    if not isinstance(block, Mapping):
        raise ConfigError(f"{where} must be a dictionary with {' and '.join(known)}, not {block!r}")
    check_known("key", block, known, where)
