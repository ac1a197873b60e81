"""Patches that an analysis applies to other code when it is imported: to modules, and to awkward's behaviours."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pocket.base.fingerprint.distributions import number_library
from pocket.base.fingerprint.modules import is_library, top_level

_ENGINE = "pocket"
#: Packages of the analyses that were loaded in this process.
_packages: dict[str, None] = {}


def register_package(package: str) -> None:
    """Note that the package of an analysis was loaded."""
    _packages.setdefault(package)


def patches(package: str, modules: Iterable[str] = ()) -> dict[str, Any]:
    """Return the patches of an analysis by name.

    These are the functions and classes of the engine and of libraries that it replaced or added, the behaviours that it
    registered with awkward and the resolvers with OmegaConf, and the values that its loaded modules set in other ones,
    also in libraries. Modules beside its package count as well, other analyses don't.
    """
    elsewhere = tuple(other for other in _packages if other != package)

    @functools.cache
    def is_the_users(module: object) -> bool:
        if not isinstance(module, str) or top_level(module) in (_ENGINE, "tasks", "__main__"):
            return False
        return not any(f"{module}.".startswith(f"{other}.") for other in elsewhere) and not is_library(module)

    replaced = {
        f"{name}.{attribute}": value
        for name, module in _patched(modules)
        for attribute, value in _entries(module)
        if is_the_users(_module_of(value))
    }
    awkward = sys.modules.get("awkward")
    registered = [] if awkward is None else list(awkward.behavior.items())
    behaviors = sorted(((repr(key), value) for key, value in registered), key=lambda item: item[0])
    found: dict[str, Any] = {
        "replaced": dict(sorted(replaced.items())),
        "behaviors": {name: value for name, value in behaviors if is_the_users(_module_of(value))},
    }
    resolvers = {name: value for name, value in _resolvers() if is_the_users(_module_of(getattr(value, "func", value)))}
    if resolvers:
        found["resolvers"] = resolvers
    values = {place: value for name in modules for place, value in _set_by(name, is_the_users) if place not in replaced}
    if values:
        found["set"] = dict(sorted(values.items()))
    return found


def _patched(modules: Iterable[str]) -> Iterator[tuple[str, ModuleType]]:
    """Yield name → module of the engine, and of the libraries that modules of the analysis have as globals."""
    used = {_home(value) for name in modules for value in vars(sys.modules[name]).values()}
    for name, module in sys.modules.copy().items():
        is_used = top_level(name) == _ENGINE or (name in used and is_library(name))
        if is_used and isinstance(module, ModuleType):
            yield name, module


def _set_by(name: str, is_the_users: Callable[[object], bool]) -> Iterator[tuple[str, object]]:
    """Yield place → value of what a module sets in modules, classes and tables that it imports."""
    # Code that imports such a module in a function is hashed by the source of the module, which hasn't got the value.
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
        value, place, of_library = names.get(first), "", False
        if not (first in imported or is_library(_home(value))) or not (
            attributes or isinstance(value, dict | list | set)
        ):
            continue
        for attribute in attributes:
            owner = _home(value)
            # Instances count where they are used.
            if not isinstance(value, ModuleType | type) or not hasattr(value, attribute) or _is_idle(owner):
                break
            place = f"{owner}.{attribute}" if isinstance(value, ModuleType) else f"{owner}.{value.__name__}.{attribute}"
            of_library = is_library(owner)
            value = getattr(value, attribute)
        else:
            if not of_library:
                yield place or f"{name}.{first}", value
            elif isinstance(value, dict) and place != "awkward.behavior":
                yield place, {key: entry for key, entry in value.items() if _is_plain(entry, is_the_users)}
            elif _is_plain(value, is_the_users):
                yield place, value


def _home(value: object) -> str:
    return value.__name__ if isinstance(value, ModuleType) else value.__module__ if isinstance(value, type) else ""


def _is_idle(module: str) -> bool:
    """Tell whether a module belongs to a library whose values affect no numbers, or is the state of Python."""
    top = top_level(module)
    return top == "sys" or (is_library(module) and top not in sys.stdlib_module_names and not number_library(top))


def _is_plain(value: object, is_the_users: Callable[[object], bool]) -> bool:
    """Tell whether a value is a number, a string or the like, or a function or class of the user's."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        return all(_is_plain(entry, is_the_users) for entry in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, bool | int | float | complex | str | bytes | None) or is_the_users(_module_of(value))


def _targets(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the names whose attributes or items are set, each with the attributes that lead there."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("setattr"), [owner, ast.Constant(str(name)), _]):
                node = ast.Attribute(owner, name, ast.Store())
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


def _resolvers() -> Iterator[tuple[str, object]]:
    """Yield name → function of OmegaConf's resolvers, which it wraps in a closure."""
    omegaconf = sys.modules.get("omegaconf")
    wrapped = {} if omegaconf is None else vars(omegaconf.basecontainer.BaseContainer)["_resolvers"]
    for name, wrapper in sorted(wrapped.items()):
        cells = dict(zip(wrapper.__code__.co_freevars, wrapper.__closure__ or (), strict=True))
        if "resolver" in cells:
            yield name, cells["resolver"].cell_contents
