"""Normalised syntax trees: source code without comments, docstrings, formatting and annotations."""

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
from typing import TypeAlias

from pocket.base.runtime.file_cache import cached

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Fields of the tree that don't change what the code does.
_IGNORED = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_ignores", "type_params"})

# The keys are ids, since code objects of different files may be equal.
_nodes: dict[int, tuple[CodeType, FunctionNode | None]] = {}
_digests: dict[int, tuple[CodeType, str | None]] = {}
# File → its state, and signature → digest of its functions.
_files: dict[str, tuple[tuple[int, int], Mapping[bytes, str]]] = {}


@dataclass(frozen=True)
class _Source:
    """The functions of one source by first line, and the code objects it compiles to."""

    functions: dict[int, list[FunctionNode]] = field(default_factory=dict)
    codes: frozenset[CodeType] = frozenset()


def tree_digest(tree: ast.AST) -> str:
    """Return the SHA-256 of a normalised syntax tree."""
    words: list[str] = []
    _write(tree, words)
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def function_digest(code: CodeType) -> str | None:
    """Return the digest of the source that a function's code was compiled from.

    Returns:
        ``None`` if there is no source, or if it isn't the one of this code, for example because the file was edited
        since.
    """
    if id(code) not in _digests:
        _digests[id(code)] = (code, _find_digest(code))
    return _digests[id(code)][1]


def function_node(code: CodeType) -> FunctionNode | None:
    """Return the syntax tree of a function's code, ``None`` if its source isn't found."""
    if id(code) not in _nodes:
        _nodes[id(code)] = (code, _find(code))
    return _nodes[id(code)][1]


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all code objects defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_codes(constant)


@functools.cache
def _fields(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _IGNORED)


def _write(value: object, words: list[str], in_class: bool = False) -> None:
    if isinstance(value, list):
        for item in value:
            _write(item, words, in_class)
    elif isinstance(value, ast.AnnAssign):
        _write_annotated(value, words, in_class)
    elif isinstance(value, ast.AST):
        words.append(f"{type(value).__name__}(")
        for name in _fields(value._fields):
            child = getattr(value, name, None)
            if isinstance(child, list):
                child = [item for item in child if not is_idle(item)]
            if child is not None and child != []:
                words.append(name)
                _write(child, words, isinstance(value, ast.ClassDef))
        words.append(")")
    else:
        words.append(f"{type(value).__name__}:{value!r}")


def is_idle(statement: object) -> bool:
    """Tell whether a statement does nothing: ``pass``, docstrings and other lone constants."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _write_annotated(node: ast.AnnAssign, words: list[str], in_class: bool) -> None:
    if in_class:
        # The annotation may change what a class does: ClassVar and KW_ONLY in a dataclass.
        words.append("annotated")
        _write([node.target, node.annotation], words)
    if node.value is not None:
        _write(ast.Assign(targets=[node.target], value=node.value), words)


def _find_digest(code: CodeType) -> str | None:
    try:
        known = _digests_in(code.co_filename)
    # The code may be a cell of a notebook, which linecache knows.
    except OSError:
        node = function_node(code)
        return None if node is None else tree_digest(node)
    return known.get(_signature(code))


def _digests_in(file: str) -> Mapping[bytes, str]:
    """Return signature of the code → digest of the source, for all functions that a file defines.

    Raises:
        OSError: if the file can't be read.
    """
    stat = os.stat(file)  # noqa: PTH116  Strings are faster for many functions.
    state = stat.st_mtime_ns, stat.st_size
    if file not in _files or _files[file][0] != state:
        _files[file] = state, marshal.loads(cached(Path(file), "functions", _method(), _digests_of))
    return _files[file][1]


def _digests_of(content: bytes) -> bytes:
    source = _read_source(content)
    nodes = ((code, _find_in(source, code)) for code in source.codes)
    return marshal.dumps({_signature(code): tree_digest(node) for code, node in nodes if node is not None})


@functools.cache
def _method() -> bytes:
    """Return the version of the cached results: besides the file, the code here and Python's options decide them."""
    return b"".join([Path(__file__).read_bytes(), bytes([sys.flags.optimize])])


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


def _find(code: CodeType) -> FunctionNode | None:
    linecache.checkcache(code.co_filename)
    return _find_in(_read_source("".join(linecache.getlines(code.co_filename))), code)


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
    return _Source(functions, frozenset(nested_codes(code)))
