"""Parameters as plain dictionaries, with interpolations resolved."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Sequence
from typing import Any

from omegaconf import MISSING, Container, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

from pocket.base.dialects import dialect
from pocket.base.runtime.kept import kept_table
from pocket.errors import ConfigError
from pocket.parameters.explaining import omegaconf_reason
from pocket.parameters.locations import directory_names


def _product(*factors: Any) -> Any:
    # Python repeats a string or a list that it multiplies by an integer.
    if others := [factor for factor in factors if not isinstance(factor, int | float)]:
        raise TypeError(f"a product is made of numbers, not of {others[0]!r}")
    return math.prod(factors)


OmegaConf.register_resolver("product", _product, replace=True)
#: Name of a resolver, which computes a value: ``${name:…}``.
_RESOLVER = re.compile(rb"\$\{\s*([\w.]+)\s*:")
#: Unresolved parameters → section → its resolved content, pickled.
_known: dict[bytes, dict[str, bytes]] = {}
_MOST_KNOWN = 16


def to_plain(parameters: DictConfig, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return parameters as plain dictionaries with interpolations resolved.

    Values that are ``???``, or refer to one, stay as they are and raise an error only when they are read.

    Args:
        parameters: the parameters.
        without: top-level sections to leave out.

    Raises:
        ConfigError: if an interpolation can't be resolved.
    """
    content = fixed_content(parameters)
    if content is None:
        return _resolved(parameters, without)
    # The result is cached, since resolving takes longer than all else before the first event.
    if content not in _known and len(_known) >= _MOST_KNOWN:
        _known.clear()
    known = _known.setdefault(content, {})
    resolved = _resolved(parameters, [*without, *known])
    known.update((section, pickle.dumps(value)) for section, value in resolved.items())
    return {str(key): pickle.loads(known[str(key)]) for key in parameters if key not in without}


def fixed_content(parameters: DictConfig) -> bytes | None:
    """Return a key for what parameters resolve to, ``None`` if a resolver such as ``oc.env`` may give another value."""
    content = _content(parameters)
    resolvers = {name.decode() for name in _RESOLVER.findall(content)}
    return content if resolvers <= {"product", *dialect().resolvers, *directory_names()} else None


def plain_section(parameters: DictConfig, name: str) -> Any:
    """Return a section of parameters like :func:`to_plain`, which takes longer; empty if there is none.

    Example:
        >>> plain_section(OmegaConf.create({"cuts": {"pt": 25.0}, "muons": {"pt": "${cuts.pt}"}}), "muons")
        {'pt': 25.0}
    """
    return _resolved(parameters, [str(key) for key in parameters if key != name]).get(name, {})


def _content(parameters: DictConfig) -> bytes:
    """Return all unresolved parameters, pickled."""
    contents = kept_table("parameters")
    if id(parameters) not in contents:
        contents[id(parameters)] = parameters, pickle.dumps(_unresolved(parameters))
    return bytes(contents[id(parameters)][1])


def _unresolved(node: Any) -> Any:
    # OmegaConf.to_container(resolve=False) would be much slower.
    content = node._content if isinstance(node, Container) else node._val
    if isinstance(content, dict):
        return {key: _unresolved(value) for key, value in content.items()}
    return [_unresolved(value) for value in content] if isinstance(content, list) else content


def _resolved(parameters: DictConfig, without: Sequence[str]) -> dict[str, Any]:
    try:
        return {str(key): _value(parameters, key) for key in parameters if key not in without}
    except OmegaConfBaseException as error:
        raise ConfigError(f"parameter {error.full_key}: {omegaconf_reason(error)}") from None


def _value(node: DictConfig | ListConfig, key: Any) -> Any:
    """Return an entry of parameters as plain containers."""
    try:
        value = node[key]
    except (MissingMandatoryValue, InterpolationToMissingValueError):
        return MISSING
    if not OmegaConf.is_config(value):
        return value
    content = _unresolved(value)
    # Most sections refer to nothing, and OmegaConf takes long to find that out.
    if not any(mark in pickle.dumps(content) for mark in (b"${", MISSING.encode())):
        return content
    try:
        return OmegaConf.to_container(value, resolve=True)
    except InterpolationToMissingValueError:
        if isinstance(value, DictConfig):
            return {name: _value(value, name) for name in value}
        return [_value(value, position) for position in range(len(value))]
