"""Patches that an analysis applies to other code when it is imported: to modules, and to awkward's behaviours."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pocket.base.fingerprint.modules import is_library, top_level

_ENGINE = "pocket"
#: Packages of the analyses that were loaded in this process.
_packages: dict[str, None] = {}


def register_package(package: str) -> None:
    """Note that the package of an analysis was loaded."""
    _packages.setdefault(package)


def patches(package: str, modules: Iterable[str] = ()) -> dict[str, Any]:
    """Return the patches of an analysis by name.

    These are the functions and classes of the engine that it replaced, the behaviours that it registered with
    awkward, and the values that its modules set in other ones.

    Args:
        package: package of the analysis; modules beside it count as well, other analyses don't.
        modules: loaded modules of the analysis, whose values in other modules count.
    """
    elsewhere = tuple(other for other in _packages if other != package)

    @functools.cache
    def is_the_users(module: object) -> bool:
        if not isinstance(module, str) or top_level(module) in (_ENGINE, "tasks", "__main__"):
            return False
        return not any(f"{module}.".startswith(f"{other}.") for other in elsewhere) and not is_library(module)

    replaced = {
        f"{name}.{attribute}": value
        for name, module in sys.modules.copy().items()
        if name.partition(".")[0] == _ENGINE and isinstance(module, ModuleType)
        for attribute, value in _entries(module)
        if is_the_users(_module_of(value))
    }
    found: dict[str, Any] = {
        "replaced": dict(sorted(replaced.items())),
        "behaviors": {name: value for name, value in _behaviors() if is_the_users(_module_of(value))},
    }
    values = {place: value for name in modules for place, value in _set_by(name) if place not in replaced}
    if values:
        found["set"] = dict(sorted(values.items()))
    return found


def _set_by(name: str) -> Iterator[tuple[str, object]]:
    """Yield place → value of what a module sets in modules, classes and tables that it imports.

    Code that imports such a module in a function is hashed by the source of the module, which hasn't got the value.
    """
    names = vars(sys.modules[name])
    file = names.get("__file__") or ""
    tree = ast.parse(Path(file).read_bytes()) if file.endswith(".py") else ast.Module([], [])
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for first, *attributes in dict.fromkeys(_targets(tree)):
        value, place = names.get(first), ""
        if first not in imported or not (attributes or isinstance(value, dict | list | set)):
            continue
        for attribute in attributes:
            owner = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
            # Instances count where they are used, and what libraries do can't be known.
            if not isinstance(value, ModuleType | type) or is_library(owner) or not hasattr(value, attribute):
                break
            place = f"{owner}.{attribute}" if isinstance(value, ModuleType) else f"{owner}.{value.__name__}.{attribute}"
            value = getattr(value, attribute)
        else:
            yield place or f"{name}.{first}", value


def _targets(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the names whose attributes or items are set, each with the attributes that lead there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            attributes: list[str] = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute | ast.Subscript):
                # Of a table, all entries count.
                attributes = [inner.attr, *attributes] if isinstance(inner, ast.Attribute) else []
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield inner.id, *attributes


def _entries(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield name → value of what can be replaced in a module: its functions and classes, and methods of its classes."""
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield from ((f"{name}.{method}", entry) for method, entry in list(vars(value).items()))
        elif isinstance(value, FunctionType | type):
            yield name, value


def _module_of(value: object) -> object:
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if isinstance(value, FunctionType):
        # dataclass() and namedtuple() compile methods from a string.
        return None if value.__code__.co_filename.startswith("<") else value.__globals__.get("__name__")
    return value.__module__ if isinstance(value, type) else None


def _behaviors() -> Iterator[tuple[str, object]]:
    awkward = sys.modules.get("awkward")
    entries = [] if awkward is None else list(awkward.behavior.items())
    yield from sorted(((repr(key), value) for key, value in entries), key=lambda item: item[0])
