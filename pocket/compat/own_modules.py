"""Modules of a configuration file: itself, and what it imports from its folder and its repository."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocket.base.fingerprint.modules import is_library
from pocket.base.snapshots.process import original
from pocket.base.snapshots.siblings import repository_of
from pocket.compat.import_names import PACKAGE
from pocket.compat.source_edits import Source
from pocket.errors import ConfigError

#: The library that PocketCoffea sends modules to workers with, which isn't needed here.
CLOUDPICKLE, _REGISTER = "cloudpickle", "register_pickle_by_value"


@dataclass
class Module:
    """A module of a configuration file, with its names and their values if it was loaded.

    Attributes:
        registrations: calls of ``cloudpickle.register_pickle_by_value``.
        needless: names of modules that only these calls use.
        identifiers: all names, attributes, keys and imported names in it.
    """

    path: Path
    names: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source = Source(self.path)
        nodes = list(ast.walk(self.source.tree))
        self.registrations = [node for node in nodes if isinstance(node, ast.Expr) and _is_registration(node.value)]
        inside = {id(inner) for call in self.registrations for inner in ast.walk(call)}
        uses = [node for node in nodes if isinstance(node, ast.Name)]
        rest = {node.id for node in uses if id(node) not in inside}
        self.needless = {node.id for node in uses if id(node) in inside} - rest
        self.identifiers = {name for node in nodes for name in _names_of(node)}

    def imports(self) -> Iterator[ast.Import | ast.ImportFrom]:
        """Yield the import statements."""
        yield from (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Import | ast.ImportFrom))

    def is_needless(self, alias: ast.alias) -> bool:
        """Tell whether an imported name is only registered with cloudpickle."""
        return (alias.asname or alias.name.partition(".")[0]) in self.needless

    def place(self, node: ast.AST) -> str:
        """Return file and line of a node."""
        return f"{self.path.name}:{node.lineno}"  # type: ignore[attr-defined]


class OwnModules:
    """The modules of a configuration file, found by their imports; what is loaded of it gives the values of names."""

    def __init__(self, path: Path) -> None:
        self._folders = list(dict.fromkeys([path.parent, repository_of(path)]))
        loaded = _loaded_below(self._folders)
        self.modules: dict[Path, Module] = {}
        #: File → files that import it.
        self.importers: dict[Path, set[Path]] = {}
        waiting = [path]
        while waiting:
            file = waiting.pop(0)
            if file in self.modules:
                continue
            module = self.modules[file] = Module(file, loaded.get(file, {}))
            for imported in self._imported(module):
                self.importers.setdefault(imported, set()).add(file)
                waiting += [imported, *self._packages_of(imported)]

    @property
    def root(self) -> Path:
        """The root of the repository."""
        return self._folders[-1]

    @property
    def unused_copy(self) -> Path | None:
        """The folder of a PocketCoffea in the repository, as in a fork of it, which is never imported."""
        found = [folder / PACKAGE for folder in self._folders if (folder / PACKAGE / "__init__.py").is_file()]
        return found[0] if found else None

    def find(self, dotted: str) -> Path | None:
        """Return the file of a module, or the folder of a package without ``__init__.py``; ``None`` if it isn't own."""
        top = dotted.partition(".")[0]
        if top == PACKAGE:
            return None
        for folder in self._folders:
            if folder is not self._folders[0] and is_library(top):
                return None
            base = folder.joinpath(*dotted.split("."))
            for place in (base / "__init__.py", base.parent / f"{base.name}.py"):
                if place.is_file():
                    return place
            if base.is_dir() and next(base.rglob("*.py"), None):
                return base
        return None

    def above(self, node: ast.ImportFrom, file: Path) -> Path:
        """Return the folder that a relative import begins at."""
        return file.parents[node.level - 1]

    def wider_use(self, file: Path) -> set[str]:
        """Return the identifiers of a module and of all that import it, directly or through others."""
        waiting, seen = [file], {file}
        while waiting:
            new = self.importers.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return {name for one in seen for name in self.modules[one].identifiers}

    def _packages_of(self, file: Path) -> Iterator[Path]:
        """Yield the ``__init__.py`` of the packages that a module is in."""
        for folder in file.parents:
            if folder in self._folders:
                break
            if (place := folder / "__init__.py").is_file():
                yield place

    def _imported(self, module: Module) -> Iterator[Path]:
        for node in module.imports():
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if not module.is_needless(alias)]
                yield from (place for name in names if (place := self.find(name)) and place.is_file())
                continue
            if node.level:
                start = self.above(node, module.path)
                base = start.joinpath(*(node.module or "").split(".")) if node.module else start
                places = [base.with_name(f"{base.name}.py"), base / "__init__.py"]
                found = [place for place in places if place.is_file()][:1]
                if not found or found[0].name == "__init__.py":
                    found += [base / f"{alias.name}.py" for alias in node.names]
                yield from (place for place in found if place.is_file())
                continue
            assert node.module is not None
            place = self.find(node.module)
            if place is None:
                continue
            if place.is_file():
                yield place
            for alias in node.names:
                if alias.name != "*" and not module.is_needless(alias):
                    inner = self.find(f"{node.module}.{alias.name}")
                    if inner and inner.is_file():
                        yield inner


def _loaded_below(folders: list[Path]) -> dict[Path, Mapping[str, Any]]:
    """Return file → names of the loaded modules in some folders."""
    found: dict[Path, Mapping[str, Any]] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and file.endswith(".py"):
            path = Path(original(file))
            if any(path.is_relative_to(folder) for folder in folders):
                found[path] = vars(module)
    return found


def _is_registration(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return (isinstance(function, ast.Attribute) and function.attr == _REGISTER) or (
        isinstance(function, ast.Name) and function.id == _REGISTER
    )


def _names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            yield node.slice.value
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.name for alias in node.names)


def dotted_parts(path: Path, where: str) -> tuple[str, ...]:
    """Return the parts of the dotted name of a module at a relative path."""
    parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
    for part in parts:
        if not part.isidentifier():
            raise ConfigError(f"{where}: {part!r} can't be part of the name of a module, so rename it first")
    return parts
