"""PocketCoffea's classes of weights over ours: each name once, and results in one form."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from pocket.compat.common_weights import common_weights
from pocket.errors import ConfigError
from pocket.weights import base


class _Registry(Mapping[str, type[base.WeightWrapper]]):
    """Weights by name: those of the user, and the shipped ones."""

    def __init__(self) -> None:
        #: Name → class, and the namespace of the module that defines it.
        self.own: dict[str, tuple[type[base.WeightWrapper], Mapping[str, Any]]] = {}

    def add(self, cls: type[base.WeightWrapper], namespace: Mapping[str, Any]) -> None:
        """Register a class of the user."""
        known = self.own.get(cls.name)
        if known is not None and (known[1] is namespace or _is_loaded(known[1])):
            raise ValueError(f"two weights are named {cls.name!r}: give one of them another name")
        self.own[cls.name] = cls, namespace

    def __getitem__(self, name: str) -> type[base.WeightWrapper]:
        return self.own[name][0] if name in self.own else self._shipped()[name]

    def __iter__(self) -> Any:
        return iter({**self._shipped(), **self.own})

    def __len__(self) -> int:
        return len({*self._shipped(), *self.own})

    def _shipped(self) -> dict[str, type[base.WeightWrapper]]:
        return {cls.name: cls for cls in common_weights}

    def __fingerprint__(self) -> str:
        return "weights"


def _namespace(cls: type[base.WeightWrapper]) -> Mapping[str, Any]:
    """Return the namespace of the module that defines a weight, or the function that it is made from."""
    function = getattr(vars(cls).get("function"), "__func__", None)
    while isinstance(function, functools.partial):
        function = function.func
    namespace: Mapping[str, Any] | None = getattr(function, "__globals__", None)
    return vars(sys.modules[cls.__module__]) if namespace is None else namespace


def _is_loaded(namespace: Mapping[str, Any]) -> bool:
    """Tell whether a namespace is that of a module that is in use, and not of one that was loaded again."""
    return vars(sys.modules.get(str(namespace.get("__name__")), sys)) is namespace


class WeightWrapper(base.WeightWrapper):
    """Base class of weights, see :class:`pocket.weights.base.WeightWrapper`."""

    weight_classes: ClassVar[_Registry] = _Registry()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if vars(cls).get("name"):
            cls.weight_classes.add(cls, _namespace(cls))

    def __init__(self, params: Any = None, metadata: Any = None) -> None:
        super().__init__(params, metadata if metadata is not None else {})

    @classmethod
    def get_weight_class_from_name(cls, weight_name: str) -> type[base.WeightWrapper]:
        """Return the weight with a name."""
        if weight_name not in cls.weight_classes:
            raise ValueError(f"Weight with name {weight_name} not found.")
        return cls.weight_classes[weight_name]


class WeightLambda(WeightWrapper, base.WeightLambda):
    """Weight from a function, see :meth:`pocket.weights.base.WeightLambda.wrap_func`."""

    refused: ClassVar[str] = ""

    @classmethod
    def wrap_func(
        cls, name: str, function: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> type[base.WeightWrapper]:
        """Return a weight class; without a function, it can be named, but not computed.

        A function with other arguments, as in older versions of PocketCoffea, is only an error if a configuration
        applies the weight.
        """
        try:
            return super().wrap_func(name, function or _no_function, *args, **kwargs)
        except ConfigError as error:
            made = super().wrap_func(name, _no_function, *args, **kwargs)
            made.refused = str(error)  # type: ignore[attr-defined]
            return made

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the result of the wrapped function as :class:`WeightData` or :class:`WeightDataMultiVariation`."""
        found = super().compute(events, size, shape_variation)
        if isinstance(found, base.WeightData):
            return base.WeightData(self.name, found.nominal, found.up, found.down)
        if isinstance(found, base.WeightDataMultiVariation):
            return base.WeightDataMultiVariation(self.name, found.nominal, found.variations, found.up, found.down)
        if isinstance(found, list | tuple) and len(found) == 4 and _is_column(found[0]):
            return base.WeightDataMultiVariation(self.name, *found)
        columns = list(found) if isinstance(found, list | tuple) else [found]
        if not 1 <= len(columns) <= 3 or not all(map(_is_column, columns)):
            raise ValueError(f"weight {self.name!r} returned {found!r}, which is no array of one number per event")
        return base.WeightData(self.name, *columns)


def _no_function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    raise ConfigError("the weight was declared with function=None")


def _is_column(values: Any) -> bool:
    return np.ndim(values) == 1 and not isinstance(values, list | tuple)
