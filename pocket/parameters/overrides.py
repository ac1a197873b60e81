"""Parameter values from the command line (``--params object_preselection.Muon.pt=25``), applied last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.checking import check_keys, surprising_numbers

_active: ContextVar[tuple[str, ...]] = ContextVar("parameter_overrides", default=())


@contextlib.contextmanager
def parameter_overrides(assignments: Sequence[str]) -> Iterator[None]:
    """Apply ``key=value`` to all parameters that are composed inside the block, such as the import of an analysis."""
    token = _active.set(tuple(assignments))
    try:
        yield
    finally:
        _active.reset(token)


def apply_overrides(parameters: DictConfig) -> DictConfig:
    """Return the parameters with the active assignments whose keys exist; other keys may come with further files."""
    for assignment in _active.get():
        key, value = split_assignment(assignment)
        if lookup(parameters, key):
            # The value that it refers to may be in a file that is merged later.
            old = OmegaConf.select(parameters, key, throw_on_resolution_failure=False)
            if old is not None and _kind(old) != _kind(value):
                raise ConfigError(f"--params {assignment}: {key} is a {_kind(old)}, not a {_kind(value)}")
            _check_schema(assignment, key, value)
            # Of a number with decimals, 25 is 25.0, so that outputs made with the same value in a file are found.
            OmegaConf.update(parameters, key, float(value) if isinstance(old, float) else value)
    return parameters


def _check_schema(assignment: str, key: str, value: Any) -> None:
    content = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    for name in reversed(key.split(".")):
        content = {name: content}
    text = assignment.partition("=")[2]
    check_keys(content, f"--params {assignment}", {key: text} if surprising_numbers(f"{{value: {text}}}") else {})


def check_overrides(parameters: DictConfig, assignments: Sequence[str]) -> None:
    """Check that each assignment names a parameter."""
    for assignment in assignments:
        key, _ = split_assignment(assignment)
        path = key.split(".")
        node, depth = _follow(parameters, path)
        if depth < len(path):
            known = list(node) if isinstance(node, DictConfig) else []
            where = ".".join(path[:depth]) or "the parameters"
            if OmegaConf.is_interpolation(node):
                raise ConfigError(f"--params {key}: {where} is {node._value()}, so its values are set there")
            raise UnknownNameError("parameter", path[depth], known, f"{where} (--params {key})")


def check_applied(parameters: DictConfig, assignments: Sequence[str]) -> None:
    """Check that parameters have the values of assignments, which code may have changed since they were composed."""
    for key, value in dict(map(split_assignment, assignments)).items():
        found = OmegaConf.select(parameters, key, throw_on_resolution_failure=False)
        # Names of files may have got the tags of their group.
        if found != value and not (isinstance(value, str) and "/" in value):
            raise ConfigError(
                f"--params {key}={value} has no effect, since code of the analysis sets {key} to {found} afterwards: "
                "set it by merge_parameters(…, update=True) or in a file, which --params overrides"
            )


def split_assignment(assignment: str) -> tuple[str, Any]:
    """Return the key of ``key=value``, and the value read as YAML."""
    key, equals, _ = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--params takes key=value, e.g. object_preselection.Muon.pt=25, not {assignment!r}")
    try:
        container = OmegaConf.from_dotlist([assignment])
        value = OmegaConf.select(container, key, throw_on_missing=True)
    except (OmegaConfBaseException, YAMLError) as error:
        reason = getattr(error, "problem", None) or str(error).strip().partition("\n")[0]
        hint = ", write its value instead of a reference" if "${" in assignment else ""
        raise ConfigError(f"--params {assignment}: {reason}{hint}") from None
    if OmegaConf.is_dict(value):
        raise ConfigError(f"--params {assignment}: set the values of a section one by one, {key}.…=…")
    return key.strip(), value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "switch (true or false)"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "section" if OmegaConf.is_dict(value) else "list" if OmegaConf.is_list(value) else "null"


def lookup(parameters: DictConfig, key: str) -> bool:
    """Tell whether a dotted key exists."""
    path = key.split(".")
    return _follow(parameters, path)[1] == len(path)


def _follow(parameters: DictConfig, path: Sequence[str]) -> tuple[Any, int]:
    """Return the last existing node on a path, and the number of parts that lead there."""
    node: Any = parameters
    for depth, part in enumerate(path):
        # A value that is still "???" isn't "in" its table, but on the command line it gets one.
        if not isinstance(node, DictConfig) or part not in (node._content if isinstance(node._content, dict) else ()):
            return node, depth
        node = node._get_node(part)
    return node, len(path)
