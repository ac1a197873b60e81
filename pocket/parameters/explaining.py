"""Reasons of errors of YAML and OmegaConf, each with its place and the nearest right name; places of code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError

from pocket.base.snapshots.process import original
from pocket.errors import UnknownNameError, nearest
from pocket.parameters.locations import project_root

_INTERPOLATION = re.compile(r"Interpolation key '([^']+)' not found")
_RESOLVING = re.compile(r"\w+ raised while resolving interpolation: ")
#: part of YAML's reason → what to do
_REMEDIES = {
    "tab character": "indent with spaces",
    "mapping values are not allowed": "put a value with ': ' in quotes, and begin keys of one table at one column",
    "cannot start any token": "indent with spaces instead of tabs, or put a value that begins like this in quotes",
}


def shown_file(file: str) -> str:
    """Return the path of a source file for messages: the user's own copy, relative to the project if it is inside."""
    path, root = Path(original(file)), Path(original(project_root()))
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def yaml_reason(error: Exception, file: object) -> str:
    """Return file, line and reason of an error in a YAML file, which YAML's message has on several lines."""
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, OmegaConfBaseException):
        return f"{file}: {omegaconf_reason(error)} ({error.full_key})"
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return f"{file}: {' '.join(str(error).split())}"
    reason = " ".join(str(error.problem or "").split())
    if error.context:
        begin = error.context_mark.line + 1 if error.context_mark else mark.line + 1
        reason += f", {error.context}" + (f" that begins in line {begin}" if begin != mark.line + 1 else "")
    remedy = next((text for part, text in _REMEDIES.items() if part in reason), "")
    return f"{file}:{mark.line + 1}: {reason}" + (f": {remedy}" if remedy else "")


def omegaconf_reason(error: OmegaConfBaseException) -> str:
    """Return the reason of an error of OmegaConf in one line, with the nearest key if one is unknown."""
    parent, key, place = error.parent_node, error.key, str(error.full_key or "")
    if isinstance(error, ConfigAttributeError | ConfigKeyError) and isinstance(parent, DictConfig) and key is not None:
        table = place.removesuffix(str(key)).removesuffix(".")
        return str(UnknownNameError("parameter", key, list(parent), table or "the parameters"))
    text = _RESOLVING.sub("", str(error).strip().partition("\n")[0])
    if (match := _INTERPOLATION.search(text)) and parent is not None:
        text += _near_key(parent._get_root(), match[1])
    return text


def _near_key(root: Any, wanted: str) -> str:
    """Return a hint with the keys nearest to a dotted one that there isn't, empty if none is near."""
    node: Any = root
    path: list[str] = []
    for name in wanted.split("."):
        if not isinstance(node, DictConfig):
            return ""
        if name not in node:
            close = [".".join([*path, known]) for known in nearest(name, map(str, node))]
            return f", did you mean {' or '.join(map(repr, close))}?" if close else ""
        path.append(name)
        node = node._get_node(name)
    return ""
