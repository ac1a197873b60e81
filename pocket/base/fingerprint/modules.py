"""Origin of modules: their file and their owner, found without importing them."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from pocket.base.dialects import top_level_names

#: Packages of this project whose code isn't an analysis'.
ENGINE_PACKAGES = frozenset({"pocket", "tasks"}) | top_level_names()
#: All packages of this project, whose code counts by content even if they are installed.
OWN_PACKAGES = ENGINE_PACKAGES | {"analysis"}
#: Modules that record what callers do, whose frames lie between a caller and what it calls.
RECORDERS = frozenset(f"pocket.base.fingerprint.{name}" for name in ("frames", "reads", "watching"))

_INSTALLED = frozenset({"dist-packages", "site-packages"})


@dataclass(frozen=True)
class Location:
    """Source or compiled file of a module, if it has one, and the folders that hold the modules of a package."""

    file: str | None
    folders: tuple[str, ...] = ()


def top_level(module: str) -> str:
    """Return the first part of a dotted name."""
    return module.partition(".")[0]


def locate(module: str, known: dict[str, Location | None] | None = None) -> Location | None:
    """Return the location of a module, ``None`` if it isn't found; ``known`` has those that were found before."""
    known = {} if known is None else known
    if module not in known:
        parent, _, name = module.rpartition(".")
        package = locate(parent, known) if parent else None
        known[module] = _locate_in(package.folders if package else (), name) if parent else _locate_top(module)
    return known[module]


def _locate_in(folders: tuple[str, ...], name: str) -> Location | None:
    for folder in folders:
        # Strings are used, since path objects take longer than the file system here.
        base = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(file := os.path.join(base, "__init__.py")):  # noqa: PTH113, PTH118
            return Location(file, (base,))
        if os.path.isfile(file := f"{base}.py"):  # noqa: PTH113
            return Location(file)
        if os.path.isdir(base):  # noqa: PTH112
            return Location(None, (base,))
    return None


def is_library(module: str) -> bool:
    """Tell whether a module belongs to the standard library or to an installed distribution."""
    top = top_level(module)
    if top in OWN_PACKAGES or top == "__main__":
        return False
    if top in sys.builtin_module_names:
        # Modules of the interpreter itself have no file.
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None and (location := _locate_top(top)):
        file = location.file or location.folders[0]
    return top in sys.stdlib_module_names if file is None else _is_installed(file)


@functools.lru_cache(maxsize=4096)
def owner(module: str) -> str:
    """Return ``library``, ``engine``, or ``user``; cached, since thousands of frames ask for their module."""
    if top_level(module) in ENGINE_PACKAGES:
        return "engine"
    return "library" if is_library(module) else "user"


def public_name(module: str) -> str:
    """Return the name of a module that is the same in all versions of Python, which moves its internal modules."""
    return top_level(module) if top_level(module) in sys.stdlib_module_names else module


def _locate_top(name: str) -> Location | None:
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # The module was loaded by hand, without a spec.
        file = getattr(sys.modules.get(name), "__file__", None)
        folders = tuple(getattr(sys.modules.get(name), "__path__", ()))
    else:
        file = spec.origin if spec and spec.has_location else None
        folders = tuple((spec and spec.submodule_search_locations) or ())
    return Location(file, folders) if file or folders else None


@functools.cache
def _is_installed(file: str) -> bool:
    path = Path(file)
    return not _INSTALLED.isdisjoint(path.parts) or path.is_relative_to(sysconfig.get_path("stdlib"))
