"""Access to parameters by a path of names; a wrong name raises an error with the place and the nearest names."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.visible import names_of


def parameter(params: Mapping[Any, Any], *path: str) -> Any:
    """Return the value at a path in the parameters, e.g. ``parameter(params, "event_flags", "2018")``.

    Parameters of the user's own may be any object with attributes instead of keys.

    Raises:
        UnknownNameError: if a key of the path doesn't exist.
    """
    # Results are cached, since OmegaConf takes 0.1 ms for each key of a path.
    if isinstance(params, DictConfig) and OmegaConf.is_readonly(params):
        return _of_read_only(_Same(params), path)
    return _look_up(params, path)


def limit(params: Mapping[Any, Any], *path: str) -> float:
    """Return the number at a path in the parameters that a selection compares with."""
    value = parameter(params, *path)
    if not isinstance(value, int | float):
        raise ConfigError(f"{'.'.join(path)} is {value}, expected a number")
    return value


@dataclass(frozen=True, eq=False)
class _Same:
    """Parameters that are hashed and compared by identity."""

    params: Any

    def __hash__(self) -> int:
        return id(self.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.params is other.params


@functools.lru_cache(maxsize=4096)
def _of_read_only(params: _Same, path: tuple[str, ...]) -> Any:
    return _look_up(params.params, path)


def _look_up(params: Any, path: tuple[str, ...]) -> Any:
    node = params
    for depth, key in enumerate(path):
        table = node if hasattr(type(node), "__getitem__") else vars(node)
        if key not in table:
            raise UnknownNameError("parameter", key, names_of(table), ".".join(path[:depth]) or "the parameters")
        node = table[key]
    return node
