"""Access to parameters by a path of names; a wrong name raises an error with the place and the nearest names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.values import names_of


def parameter(params: Mapping[Any, Any], *path: str) -> Any:
    """Return the value at a path in the parameters, e.g. ``parameter(params, "event_flags", "2018")``.

    Parameters of the user's own may be any object with attributes instead of keys.

    Raises:
        UnknownNameError: if a key of the path doesn't exist.
    """
    node: Any = params
    for depth, key in enumerate(path):
        table = node if hasattr(type(node), "__getitem__") else vars(node)
        if key not in table:
            raise UnknownNameError("parameter", key, names_of(table), ".".join(path[:depth]) or "the parameters")
        node = table[key]
    return node


def limit(params: Mapping[Any, Any], *path: str) -> float:
    """Return the number at a path in the parameters that a selection compares with."""
    value = parameter(params, *path)
    if not isinstance(value, int | float):
        raise ConfigError(f"{'.'.join(path)} is {value}, expected a number")
    return value
