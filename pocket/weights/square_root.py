"""Square root of another weight, for sums that a correlated error needs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.errors import ConfigError
from pocket.weights.base import NormalisationWeight, WeightWrapper


class SquareRoot(WeightWrapper):
    """Square root of another weight, with the same variations, see :meth:`wrap`."""

    weight: ClassVar[type[WeightWrapper]]

    @classmethod
    @declarative
    def wrap(cls, name: str, weight: type[WeightWrapper], has_variations: bool = True) -> type[SquareRoot]:
        """Return a weight class √s of another weight s.

        In a category with the weights w and √s, the sum of squares is Σ w² s. The error of Σ w / Σ w s needs this sum,
        because both sums contain the same events.

        Args:
            name: name of the weight; its variations are ``{name}_hfUp`` where the other weight's are ``{weight}_hfUp``.
            weight: the other weight.
            has_variations: whether the variations of the other weight, if it has some, have square roots as well.

        Raises:
            ConfigError: if the weight has no value per event, or has variations to be used but follows another weight
                or is computed up only.
        """
        if issubclass(weight, NormalisationWeight):
            raise ConfigError(f"weight {name!r}: {weight.name!r} is a factor of the dataset, with no value per event")
        if weight.follows is not None and has_variations:
            raise ConfigError(
                f"weight {name!r}: {weight.name!r} follows {weight.follows!r}, a square root doesn't; it can be one of "
                "the nominal weight, with has_variations=False"
            )
        if weight.symmetrise and weight.has_variations and has_variations:
            raise ConfigError(
                f"weight {name!r}: {weight.name!r} has variations that are computed up only, so the other sides have "
                "no square root; it can be one of the nominal weight, with has_variations=False"
            )
        attributes = {
            "name": name,
            "weight": weight,
            "has_variations": weight.has_variations and has_variations,
            "isMC_only": weight.isMC_only,
        }
        return type(name, (cls,), attributes)

    def __init__(self, params: Any, metadata: Any) -> None:
        super().__init__(params, metadata)
        self._weight = self.weight(params, metadata)
        self._variations = self._weight.variations if self.has_variations else ()

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of the derived scale factors that the other weight applies."""
        return cls.weight.scale_factors()

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the square root with its variations."""
        self._weight.store_variations(self.needs_variations(shape_variation))
        nominal, varied = self._weight.evaluate(events, size, shape_variation)

        def root(source: str, side: str) -> Floats:
            name = f"{self.weight.name}_{source}" if source else self.weight.name
            return self._root(varied[f"{name}{side.title()}"], f"{name}{side.title()}")

        return self.with_variations(self._root(nominal, "nominal"), shape_variation, root)

    def _root(self, values: Floats, variation: str) -> Floats:
        negative = int((values < 0).sum())
        if negative:
            raise ConfigError(
                f"weight {self.name!r}: {self.weight.name!r} ({variation}) is negative for {negative} of {len(values)} "
                "events, which have no square root"
            )
        return np.sqrt(values)
