"""Product of weights, in which sources of uncertainty that they share move together."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.errors import ConfigError, check_known
from pocket.weights.base import NormalisationWeight, WeightWrapper


class WeightProduct(WeightWrapper):
    """Product of other weights, see :meth:`wrap`."""

    has_variations = True
    weights: ClassVar[Sequence[type[WeightWrapper]]]
    shared: ClassVar[Sequence[str]]

    @classmethod
    @declarative
    def wrap(cls, name: str, weights: Sequence[type[WeightWrapper]], shared: Sequence[str] = ()) -> type[WeightProduct]:
        """Return a weight class that is the product of others.

        A source of uncertainty that several of them have, such as the tag of scale factors that were measured with the
        same pairs, is one variation, ``<name>_<source>``, in which all of these move together. Any other source of a
        weight is ``<name>_<weight>_<source>``, or ``<name>_<weight>`` if the weight has one pair of variations.

        Args:
            name: name of the weight.
            weights: the weights, which aren't applied themselves. All that follow another weight must follow the same.
            shared: sources of uncertainty that several of them have.

        Raises:
            ConfigError: if there are less than two weights, a source isn't shared, or a weight is a factor of the
                dataset, is computed up only, or follows another weight than others do.
            UnknownNameError: if no weight has a source.
        """
        if len(weights) < 2 or len({weight.name for weight in weights}) < len(weights):
            raise ConfigError(f"weight {name!r}: a product needs at least two weights with different names")
        for weight in weights:
            if issubclass(weight, NormalisationWeight) or weight.symmetrise:
                kind = "a factor of the dataset" if issubclass(weight, NormalisationWeight) else "computed up only"
                raise ConfigError(f"weight {name!r}: {weight.name!r} is {kind}, so it can't be part of a product")
        sources = [source for weight in weights if weight.has_variations for source in weight._variations]
        check_known("source", shared, dict.fromkeys(sources), f"shared of weight {name!r}")
        for source in shared:
            if sources.count(source) < 2:
                raise ConfigError(f"weight {name!r}: only one weight has the source {source!r}, so it isn't shared")
        followed = sorted({weight.follows for weight in weights if weight.follows})
        if len(followed) > 1:
            raise ConfigError(f"weight {name!r}: its weights follow {' and '.join(followed)}, not one weight")
        own = [
            f"{weight.name}_{source}" if source else weight.name
            for weight in weights
            if weight.has_variations
            for source in weight._variations or ("",)
            if source not in shared
        ]
        attributes = {
            "name": name,
            "weights": tuple(weights),
            "shared": tuple(shared),
            "_variations": (*shared, *own),
            "has_variations": bool(shared or own),
            "follows": followed[0] if followed else None,
            "isMC_only": all(weight.isMC_only for weight in weights),
        }
        return type(name, (cls,), attributes)

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        self._parts = [weight(params, metadata) for weight in self.weights]

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of the derived scale factors that the weights apply."""
        return tuple(dict.fromkeys(name for weight in cls.weights for name in weight.scale_factors()))

    @classmethod
    def systematics(cls) -> Mapping[str, tuple[str, ...]]:
        """Return derived scale factor → systematics that its file must have for the weights' variations."""
        return functools.reduce(operator.or_, (dict(weight.systematics()) for weight in cls.weights))

    @classmethod
    def named_inputs(cls) -> tuple[str, ...]:
        """Return the names of explicit inputs."""
        return tuple(dict.fromkeys(name for weight in cls.weights for name in weight.named_inputs()))

    def check_parameters(self) -> None:
        """Check the parameters of all weights."""
        for part in self._parts:
            part.check_parameters()

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections of all weights."""
        return [each for part in self._parts for each in part.corrections()]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the product with its variations."""
        columns: list[tuple[WeightWrapper, Floats, dict[str, Floats]]] = []
        for part in self._parts:
            part.store_variations(self.needs_variations(shape_variation))
            columns.append((part, *part.evaluate(events, size, shape_variation)))

        def varied(source: str, side: str) -> Floats:
            """Return the product in which every weight that has the source is varied."""
            stems = [f"{part.name}_{source}" if source in self.shared else source for part, _, _ in columns]
            names = [f"{stem}{side.title()}" for stem in stems]
            return _product([own.get(name, values) for name, (_, values, own) in zip(names, columns, strict=True)])

        return self.with_variations(_product([values for _, values, _ in columns]), shape_variation, varied)

    def compute_following(self, events: Any, size: int, keys: Sequence[str]) -> Mapping[str, Any]:
        """Return the product in variations of the weight that some of them follow."""
        found = []
        for part in self._parts:
            part.store_variations(False)
            values = part.compute_following(events, size, keys) if part.follows else {}
            nominal = None if part.follows else part.evaluate(events, size, "nominal")[0]
            found.append({key: values[key] if nominal is None else nominal for key in keys})
        return {key: _product([np.asarray(one[key]) for one in found]) for key in keys}


def _product(values: Sequence[Floats]) -> Floats:
    return np.asarray(functools.reduce(operator.mul, values))
