"""Names that code may use: those that stand in it, and the words of the texts it has.

Which entry of a table a program reads can't be told from its code. But what it reads by a name that is written
somewhere is among these names.
"""

from __future__ import annotations

import ast
import dis
import functools
import importlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pocket.fingerprint.modules import is_library, locate, top_level
from pocket.fingerprint.places import portable
from pocket.fingerprint.sources import Import
from pocket.fingerprint.syntax import nested_codes
from pocket.fingerprint.values import describe

_WORD = re.compile(r"\w+")
#: the engine, whose modules name everything: of them, only what is imported counts
_ENGINE = "pocket"


def names_in(obj: object, without: Iterable[object] = ()) -> frozenset[str]:
    """Return the names that code may use, of an object as :func:`pocket.fingerprint.digest` takes it.

    These are the names of attributes and globals, and the words of all texts, in the functions and classes that the
    object refers to, directly or not, and in its values. Modules that functions import count as a whole, those of the
    engine by what is imported from them. Names that are put together while code runs can't be known.

    Args:
        obj: the object.
        without: functions and other objects that are left out.

    Raises:
        ConfigError: as :func:`pocket.fingerprint.digest`.
    """
    names: set[str] = set()
    walk = _Walk(names, {id(one) for one in without})
    walk.visit(obj)
    return frozenset(names)


class _Walk:
    """The search through a graph of objects; each is visited once."""

    def __init__(self, names: set[str], seen: set[int]) -> None:
        self._names = names
        self._seen = seen
        # lest another object gets the id of one that was seen
        self._kept: list[object] = []
        self._modules: set[str] = set()

    def visit(self, first: object) -> None:
        to_do = [first]
        while to_do:
            obj = to_do.pop()
            if isinstance(obj, str):
                # the folders of this machine are no names
                self._names.update(_WORD.findall(portable(obj)))
                continue
            if id(obj) in self._seen:
                continue
            self._seen.add(id(obj))
            self._kept.append(obj)
            if isinstance(obj, ModuleType):
                self._add_module(obj.__name__, to_do)
                continue
            if isinstance(obj, FunctionType) and not is_library(str(obj.__globals__.get("__name__", ""))):
                self._add_function(obj, to_do)
            to_do += [part for _, part in describe(obj, "").parts]
            if top_level(type(obj).__module__) == _ENGINE:
                # left out of what an instance consists of, because tasks take in the engine as a whole
                to_do.append(type(obj))

    def _add_function(self, function: FunctionType, to_do: list[object]) -> None:
        found = _in_code(function.__code__)
        self._names.update(found.names)
        package = str(function.__globals__.get("__package__") or "")
        for statement in found.imports:
            self._add_import(statement, package, to_do)

    def _add_import(self, statement: Import, package: str, to_do: list[object]) -> None:
        base = statement.base(package)
        if is_library(base):
            return
        if top_level(base) != _ENGINE or not statement.names or "*" in statement.names:
            self._add_module(base, to_do)
        for name in statement.names:
            if top_level(base) == _ENGINE and name != "*":
                module = importlib.import_module(base)
                to_do.append(getattr(module, name) if hasattr(module, name) else _imported(f"{base}.{name}"))
            elif locate(f"{base}.{name}") is not None:
                self._add_module(f"{base}.{name}", to_do)

    def _add_module(self, name: str, to_do: list[object]) -> None:
        """Add all names in the source of a module, and in what it imports."""
        if name in self._modules or is_library(name):
            return
        self._modules.add(name)
        location = locate(name)
        if location is None or location.file is None or not location.file.endswith(".py"):
            return
        stat = os.stat(location.file)  # noqa: PTH116  as in pocket.fingerprint.imports
        source = _in_source(location.file, stat.st_mtime_ns, stat.st_size)
        self._names.update(source.names)
        package = name if location.folders else name.rpartition(".")[0]
        for statement in source.imports:
            self._add_import(statement, package, to_do)


def _imported(name: str) -> object:
    return importlib.import_module(name)


class _Found:
    """Names, and statements that import more."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.imports: set[Import] = set()


@functools.cache
def _in_code(code: CodeType) -> _Found:
    found = _Found()
    for nested in nested_codes(code):
        found.names.update(nested.co_names)
        for constant in nested.co_consts[_has_docstring(nested) :]:
            found.names.update(_words(constant))
        before: list[Any] = []
        for instruction in dis.get_instructions(nested):
            if instruction.opname == "IMPORT_NAME":
                level, names = before[-2:]  # the constants loaded just before
                found.imports.add(Import(level, instruction.argval, names or ()))
            if instruction.opname != "EXTENDED_ARG":
                before.append(instruction.argval)
    return found


def _has_docstring(code: CodeType) -> bool:
    # the first constant of a function is its docstring or None, of a lambda it may be anything
    return code.co_name != "<lambda>" and isinstance(next(iter(code.co_consts), None), str) and bool(code.co_flags & 2)


def _words(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield from _WORD.findall(constant)
    elif isinstance(constant, tuple | frozenset):
        for item in constant:
            yield from _words(item)


@functools.cache
def _in_source(file: str, mtime_ns: int, size: int) -> _Found:
    found = _Found()
    for node in ast.walk(ast.parse(Path(file).read_bytes(), file)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.names.add(name)
            case ast.Constant(value=str(text)):
                found.names.update(_WORD.findall(text))
            case ast.Import(names=aliases):
                found.imports.update(Import(0, alias.name) for alias in aliases)
            case ast.ImportFrom(level=level, module=module, names=aliases):
                found.imports.add(Import(level, module or "", tuple(alias.name for alias in aliases)))
    return found
