"""Patches that an analysis applies to other code when it is imported: to the engine, and to awkward's behaviours."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from pocket.base.fingerprint.modules import is_library, top_level

_ENGINE = "pocket"
#: Packages of the analyses that were loaded in this process.
_packages: dict[str, None] = {}


def register_package(package: str) -> None:
    """Note that the package of an analysis was loaded."""
    _packages.setdefault(package)


def patches(package: str) -> dict[str, Any]:
    """Return the patches of an analysis by name.

    These are the functions and classes of the engine that it replaced, and the behaviours that it registered with
    awkward.

    Args:
        package: package of the analysis; modules beside it count as well, other analyses don't.
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
    return {
        "replaced": dict(sorted(replaced.items())),
        "behaviors": {name: value for name, value in _behaviors() if is_the_users(_module_of(value))},
    }


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
