"""Values given on the command line (``--params object_preselection.Muon.pt=25``), applied last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.numbers import surprising_numbers
from pocket.parameters.schema import check_keys

_active: ContextVar[tuple[str, ...]] = ContextVar("parameter_overrides", default=())


@contextlib.contextmanager
def parameter_overrides(assignments: Sequence[str]) -> Iterator[None]:
    """Apply ``key=value`` assignments to all parameters that are composed inside the block.

    An analysis composes its parameters when it is imported, so the block goes around the import.
    """
    token = _active.set(tuple(assignments))
    try:
        yield
    finally:
        _active.reset(token)


def apply_overrides(parameters: DictConfig) -> DictConfig:
    """Set the active assignments whose keys exist; those of files still to be merged come with them.

    Raises:
        ConfigError: if a number, a text or a list would become something else, or a number is written so that YAML
            reads another one.
    """
    for assignment in _active.get():
        key, value = split_assignment(assignment)
        if lookup(parameters, key):
            # what it refers to may be in a file still to be merged
            old = OmegaConf.select(parameters, key, throw_on_resolution_failure=False)
            if old is not None and _kind(old) != _kind(value):
                raise ConfigError(f"--params {assignment}: {key} is a {_kind(old)}, not a {_kind(value)}")
            _check_schema(assignment, key, value)
            OmegaConf.update(parameters, key, value)
    return parameters


def _check_schema(assignment: str, key: str, value: Any) -> None:
    content = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    for name in reversed(key.split(".")):
        content = {name: content}
    text = assignment.partition("=")[2]
    check_keys(content, f"--params {assignment}", {key: text} if surprising_numbers(f"{{value: {text}}}") else {})


def check_overrides(parameters: DictConfig, assignments: Sequence[str]) -> None:
    """Check that each assignment names a parameter.

    Raises:
        UnknownNameError: naming the first unknown part of a key and its nearest neighbours.
    """
    for assignment in assignments:
        key, _ = split_assignment(assignment)
        path = key.split(".")
        node, depth = _follow(parameters, path)
        if depth < len(path):
            known = list(node) if isinstance(node, DictConfig) else []
            where = ".".join(path[:depth]) or "the parameters"
            raise UnknownNameError("parameter", path[depth], known, f"{where} (--params {key})")


def split_assignment(assignment: str) -> tuple[str, Any]:
    """Split ``key=value`` and read the value as YAML.

    Raises:
        ConfigError: if there is no key or no equals sign, or the value isn't YAML, or a whole section.
    """
    key, equals, _ = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--params takes key=value, e.g. object_preselection.Muon.pt=25, not {assignment!r}")
    try:
        container = OmegaConf.from_dotlist([assignment])
        value = OmegaConf.select(container, key, throw_on_missing=True)
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"--params {assignment}: {' '.join(str(error).split())}") from None
    if OmegaConf.is_dict(value):
        raise ConfigError(f"--params {assignment}: set the values of a section one by one, {key}.…=…")
    return key.strip(), value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "switch (true or false)"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "section" if OmegaConf.is_dict(value) else "list" if OmegaConf.is_list(value) else "null"


def lookup(parameters: DictConfig, key: str) -> bool:
    """Whether a dotted key exists."""
    path = key.split(".")
    return _follow(parameters, path)[1] == len(path)


def _follow(parameters: DictConfig, path: Sequence[str]) -> tuple[Any, int]:
    """Return the last node on a path that exists, and how many of its parts lead there."""
    node: Any = parameters
    for depth, part in enumerate(path):
        if not isinstance(node, DictConfig) or part not in node:
            return node, depth
        node = node._get_node(part)
    return node, len(path)
