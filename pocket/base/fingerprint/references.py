"""References in a function's code: globals, attributes of modules, and imports."""

from __future__ import annotations

import dis
import functools
import itertools
import os
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pocket.base.fingerprint.distributions import version
from pocket.base.fingerprint.imports import Closure, closure_of_imports
from pocket.base.fingerprint.modules import is_library, owner, top_level
from pocket.base.fingerprint.sources import Import, Source, read_source
from pocket.base.fingerprint.syntax import nested_codes

_LOAD_NAME = frozenset({"LOAD_FROM_DICT_OR_GLOBALS", "LOAD_GLOBAL", "LOAD_NAME"})
_LOAD_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_ABSENT = object()


def references(function: FunctionType) -> dict[str, object]:
    """Return dotted name → value of the globals that a function uses, sorted, without builtins.

    Attributes of modules that aren't libraries are followed, so ``lib.cuts.min_pt`` is that alone, not all of ``lib``.
    """
    found: dict[str, object] = {}
    for chain in _names(function.__code__)[0]:
        value, used = function.__globals__.get(chain[0], _ABSENT), 1
        while isinstance(value, ModuleType) and not is_library(value.__name__) and used < len(chain):
            value = getattr(value, chain[used], _ABSENT)
            used += 1
        if value is not _ABSENT:
            found[".".join(chain[:used])] = value
    return dict(sorted(found.items()))


def local_imports(function: FunctionType) -> list[str]:
    """Return what a function imports: from libraries, with their versions, then one digest of all other code."""
    package = str(function.__globals__.get("__package__") or "")
    libraries: list[str] = []
    own: list[tuple[Import, str]] = []
    for statement in _names(function.__code__)[1]:
        base = statement.base(package)
        if is_library(base):
            libraries.append(f"{base} {' '.join(statement.names)} of {version(base)}")
        else:
            own.append((statement, package))
    return [*libraries, *([closure_of_imports(own)] if own else [])]


def module_code(name: str) -> Closure:
    """Return the digest of a module that isn't a library, and of all that it uses."""
    return closure_of_imports([(Import(0, name), "")])


def modules_with_numba() -> Iterator[tuple[str, Source]]:
    """Yield the user's loaded modules that import numba."""
    for name, module in list(sys.modules.items()):
        file = str(vars(module).get("__file__")) if isinstance(module, ModuleType) and owner(name) == "user" else ""
        if os.path.isfile(file):  # noqa: PTH113
            stat = os.stat(file)  # noqa: PTH116
            source = read_source(file, stat.st_mtime_ns, stat.st_size)
            if any(top_level(binding.statement.module) == "numba" for binding in source.bindings):
                yield name, source


def extensions_of_numba() -> Iterator[str]:
    """Yield the names of the user's loaded modules that may tell numba how to compile other functions."""
    for name, source in modules_with_numba():
        imported = (f"{binding.statement.module}.{binding.name}" for binding in source.bindings)
        used = (name for statement in source.statements for name in statement.uses)
        if any("extending" in each.split(".") for each in (*imported, *used)):
            yield name


@functools.cache
def _names(code: CodeType) -> tuple[set[tuple[str, ...]], tuple[Import, ...]]:
    """Return the globals in a function and those in it, e.g. ``("lib", "cuts", "min_pt")``, and the imports."""
    chains: set[tuple[str, ...]] = set()
    imports: dict[Import, None] = {}
    chain: tuple[str, ...] = ()
    before: list[Any] = []
    for instruction in itertools.chain.from_iterable(map(dis.get_instructions, nested_codes(code))):
        if instruction.opname == "EXTENDED_ARG":
            continue
        if chain and instruction.opname in _LOAD_ATTRIBUTE:
            chain += (instruction.argval,)
            continue
        if chain:
            chains.add(chain)
        chain = (instruction.argval,) if instruction.opname in _LOAD_NAME else ()
        if instruction.opname == "IMPORT_NAME":
            level, names = before[-2:]  # The constants that were loaded just before.
            imports[Import(level, instruction.argval, names or ())] = None
        before.append(instruction.argval)
    return chains, tuple(imports)
