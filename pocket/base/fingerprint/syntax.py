"""Source of functions: their syntax trees, and the digests of these."""

from __future__ import annotations

import ast
import functools
import hashlib
import linecache
import marshal
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from pocket.base.fingerprint import normal_form
from pocket.base.fingerprint.normal_form import Form, FunctionNode, Module, normalise
from pocket.base.runtime.file_cache import cached

# The keys are ids, since code objects of different files may be equal.
_nodes: dict[int, tuple[CodeType, FunctionNode | None]] = {}
_forms: dict[int, tuple[CodeType, Form | None]] = {}
# File → its state, what its imports call others, and signature → form of its functions.
_files: dict[str, tuple[tuple[int, int], Mapping[str, str], Mapping[bytes, tuple[Any, ...]]]] = {}


@dataclass(frozen=True)
class _Source:
    """The functions of one source by first line, and the code objects it compiles to."""

    functions: dict[int, list[FunctionNode]] = field(default_factory=dict)
    codes: frozenset[CodeType] = frozenset()
    module: Module = field(default_factory=lambda: Module.of(ast.Module([], [])))


def function_form(code: CodeType) -> Form | None:
    """Return the digests of the source that a function's code was compiled from, ``None`` if it is gone."""
    if id(code) not in _forms:
        _forms[id(code)] = (code, _find_form(code))
    return _forms[id(code)][1]


def aliases(code: CodeType) -> Mapping[str, str]:
    """Return name → own name, of what imports of the file that code is from call otherwise."""
    try:
        return _forms_in(code.co_filename)[0]
    except OSError:
        return _source_of(code).module.aliases


def function_node(code: CodeType) -> FunctionNode | None:
    """Return the syntax tree of a function's code, ``None`` if its source isn't found."""
    if id(code) not in _nodes:
        _nodes[id(code)] = (code, _find_in(_source_of(code), code))
    return _nodes[id(code)][1]


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all code objects defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_codes(constant)


def _find_form(code: CodeType) -> Form | None:
    try:
        _, known = _forms_in(code.co_filename)
    # The code may be a cell of a notebook, which linecache knows.
    except OSError:
        node = function_node(code)
        return None if node is None else normalise(node, _source_of(code).module)
    found = known.get(_signature(code))
    return None if found is None else Form(*found)


def _forms_in(file: str) -> tuple[Mapping[str, str], Mapping[bytes, tuple[Any, ...]]]:
    """Return what imports of a file call otherwise, and signature of the code → form of the functions it defines."""
    stat = os.stat(file)  # noqa: PTH116  Strings are faster for many functions.
    state = stat.st_mtime_ns, stat.st_size
    if file not in _files or _files[file][0] != state:
        _files[file] = state, *marshal.loads(cached(Path(file), "functions", _method(), _forms_of))
    return _files[file][1:]


def _forms_of(content: bytes) -> bytes:
    source = _read_source(content)
    nodes = ((code, _find_in(source, code)) for code in source.codes)
    forms: dict[bytes, Any] = {
        _signature(code): tuple(normalise(node, source.module)) for code, node in nodes if node is not None
    }
    return marshal.dumps((source.module.aliases, forms))


@functools.cache
def _method() -> bytes:
    """Return the version of the cached results: besides the file, the code here and Python's options decide them."""
    return b"".join(
        [Path(file).read_bytes() for file in (__file__, normal_form.__file__)] + [bytes([sys.flags.optimize])]
    )


def _signature(code: CodeType) -> bytes:
    """Return the checksum of all that makes two code objects equal."""
    return hashlib.sha256(repr(_signed(code)).encode()).digest()


def _signed(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_name, code.co_qualname, code.co_flags, code.co_firstlineno,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_code, code.co_linetable, code.co_exceptiontable,
        code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        [_signed_constant(constant) for constant in code.co_consts],
    )  # fmt: skip


def _signed_constant(constant: object) -> object:
    if isinstance(constant, CodeType):
        return _signed(constant)
    # The order of a frozenset differs between processes.
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant


def _source_of(code: CodeType) -> _Source:
    linecache.checkcache(code.co_filename)
    return _read_source("".join(linecache.getlines(code.co_filename)))


def _find_in(source: _Source, code: CodeType) -> FunctionNode | None:
    if code not in source.codes:
        return None
    nodes = source.functions.get(code.co_firstlineno, [])
    named = [node for node in nodes if getattr(node, "name", "<lambda>") == code.co_name]
    return named[0] if len(named) == 1 else _find_lambda(code, named)


def _find_lambda(code: CodeType, candidates: list[FunctionNode]) -> FunctionNode | None:
    """Return the lambda of a line that code was compiled from: the innermost one that spans all its columns."""
    columns = [
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and end_line is not None and column is not None and end_column
    ]
    spanning = [
        node
        for node in candidates
        if isinstance(node, ast.Lambda)
        and all(
            (node.body.lineno, node.body.col_offset) <= (line, column)
            and (end_line, end_column) <= (node.body.end_lineno or 0, node.body.end_col_offset or 0)
            for line, column, end_line, end_column in columns
        )
    ]
    if not columns or not spanning:
        return None
    return max(spanning, key=lambda node: (node.body.lineno, node.body.col_offset))


@functools.lru_cache(maxsize=256)
def _read_source(text: str | bytes) -> _Source:
    try:
        tree = ast.parse(text)
        code = compile(tree, "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return _Source()
    functions: dict[int, list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            functions.setdefault(first, []).append(node)
    return _Source(functions, frozenset(nested_codes(code)), Module.of(tree))
