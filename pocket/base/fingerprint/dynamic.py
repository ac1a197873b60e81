"""Look-ups by name at run time, which are followed if the name is known and refused otherwise."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib.util
import inspect
import os
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from pocket.base.fingerprint.distributions import version
from pocket.base.fingerprint.modules import is_library
from pocket.base.fingerprint.references import module_code
from pocket.base.fingerprint.syntax import function_node
from pocket.errors import ConfigError

_ABSENT = object()
#: Attributes and functions that tell what fingerprints leave out of code.
_SOURCES = frozenset({"getcomments", "getsource", "getsourcelines"})
_TEXTS = _SOURCES | {
    "__annotations__", "__doc__", "annotation", "get_annotations", "get_type_hints", "getdoc", "return_annotation",
}  # fmt: skip
#: Attributes by which names of another place are found.
_PLACES = frozenset({"__globals__", "__subclasses__", "f_builtins", "f_globals", "f_locals"})
#: Attributes and functions that tell when a file was changed, which differs between copies.
_TIMES = frozenset({
    "getatime", "getctime", "getmtime", "st_atime", "st_atime_ns", "st_ctime", "st_ctime_ns", "st_mtime", "st_mtime_ns",
})  # fmt: skip
_IMPORTERS = (importlib.import_module, builtins.__import__)
#: Names of importers that a function imports itself.
_IMPORTER_NAMES = frozenset({"import_module", "__import__"})
#: Environment variables that grant access to data without changing it; each batch job has its own.
CREDENTIALS = frozenset({
    "BEARER_TOKEN", "BEARER_TOKEN_FILE", "KRB5CCNAME", "X509_CERT_DIR", "X509_USER_CERT", "X509_USER_KEY",
    "X509_USER_PROXY", "X509_VOMS_DIR",
})  # fmt: skip
_LOOKS_UP = (
    "looks up a name that is known only when it runs, so a change of what it finds couldn't be noticed; write the name "
    "in the code, or choose from a dict of what it may be"
)
_WATCHED = _TEXTS | _PLACES | _TIMES


def dynamic_references(function: FunctionType) -> dict[str, object]:
    """Return label → value of the look-ups by name in a function, e.g. of ``globals()["name"]``."""
    node = function_node(function.__code__)
    if node is None:
        return {}
    return dict(sorted(_Lookup(function).found_in(node), key=lambda item: item[0]))


@functools.lru_cache(maxsize=1 << 12)
def _lookups_in(tree: ast.AST) -> tuple[ast.Subscript | ast.Call | ast.Attribute, ...]:
    """Return the subscripts, calls and attributes of a syntax tree that may look up a name."""
    return tuple(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript | ast.Call)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in _WATCHED)
    )


@dataclass(frozen=True)
class _Lookup:
    """Look-ups by name in a function's code."""

    function: FunctionType

    def found_in(self, tree: ast.AST) -> Iterator[tuple[str, object]]:
        known: set[int] = set()
        nodes = _lookups_in(tree)
        for node in nodes:
            match node:
                case ast.Subscript(table, key) | ast.Call(ast.Attribute(table, "get"), [key, *_]):
                    yield from self._entry(node, table, key, known)
        for node in nodes:
            if isinstance(node, ast.Call) and id(node) not in known:
                yield from self._call(node, known)
        for node in nodes:
            if isinstance(node, ast.Attribute) and id(node) not in known:
                yield from self._watched(node, node.attr, node.value)

    def _entry(self, node: ast.AST, table: ast.AST, key: ast.AST, known: set[int]) -> Iterator[tuple[str, object]]:
        if isinstance(table, ast.Call) and self._value(table.func) is globals:
            known.add(id(table))
            yield from self._global(self._text(key, node))
        elif self._value(table) is sys.modules and isinstance(node, ast.Subscript):
            yield from self._module(self._text(key, node))
        elif self._value(table) is os.environ:
            yield from self._variable(key)

    def _call(self, node: ast.Call, known: set[int]) -> Iterator[tuple[str, object]]:
        called = self._value(node.func)
        name = getattr(called, "__name__", getattr(node.func, "attr", getattr(node.func, "id", "")))
        if any(called is importer for importer in _IMPORTERS) or (called is _ABSENT and name in _IMPORTER_NAMES):
            yield from self._module(self._text(node.args[0] if node.args else None, node))
        elif called is eval or called is exec:
            yield from self._evaluated(node)
        elif called is globals:
            raise self._error(node)
        elif called is getattr and len(node.args) > 1:
            yield from self._attribute(node)
            yield from self._watched(node, self._known_text(node.args[1]) or "", node.args[0])
        elif name in _WATCHED and (called is _ABSENT or is_library(str(called.__module__))):
            known.add(id(node.func))
            yield from self._watched(node, name, node.args[0] if node.args else None)
        elif called is os.getenv:
            yield from self._variable(node.args[0] if node.args else None)
        elif called is vars and node.args:
            owner = self._value(node.args[0])
            if isinstance(owner, ModuleType) and not is_library(owner.__name__):
                raise self._error(node)

    def _global(self, name: str) -> Iterator[tuple[str, object]]:
        value = self.function.__globals__.get(name, _ABSENT)
        if value is not _ABSENT:
            yield name, value

    def _variable(self, node: ast.AST | None) -> Iterator[tuple[str, object]]:
        """Yield the value of an environment variable; if its name is computed, it is recorded when it is read."""
        name = None if node is None else self._known_text(node)
        if name is not None and name not in CREDENTIALS:
            yield f"variable {name}", os.environ.get(name)

    def _module(self, name: str) -> Iterator[tuple[str, object]]:
        if name.startswith("."):
            package = str(self.function.__globals__.get("__package__") or "")
            name = importlib.util.resolve_name(name, package)
        yield f"import {name}", version(name) if is_library(name) else module_code(name)

    def _evaluated(self, node: ast.Call) -> Iterator[tuple[str, object]]:
        text = self._text(node.args[0] if node.args else None, node)
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return
        yield f"{ast.unparse(node.func)} {text}", text
        for part in ast.walk(tree):
            if isinstance(part, ast.Name):
                yield from self._global(part.id)
        yield from self.found_in(tree)

    def _attribute(self, node: ast.Call) -> Iterator[tuple[str, object]]:
        owner = self._value(node.args[0])
        if not isinstance(owner, ModuleType) or is_library(owner.__name__):
            return
        name = self._text(node.args[1], node)
        if hasattr(owner, name):
            yield f"{owner.__name__}.{name}", getattr(owner, name)

    def _watched(self, node: ast.AST, name: str, subject: ast.AST | None) -> Iterator[tuple[str, object]]:
        """Yield what an attribute or a function tells of an object, if that is known."""
        value = _ABSENT if subject is None else self._value(subject)
        if name in _TIMES:
            raise self._error(node, "reads a time of a file, which differs between copies; read its content")
        if name == "__subclasses__" and isinstance(value, type):
            found: list[type] = type.__subclasses__(value)
            yield f"{ast.unparse(node)}()", [each for each in found if not is_library(each.__module__)]
        elif name in _PLACES:
            raise self._error(node)
        elif name in _TEXTS:
            if value is _ABSENT:
                why = "reads a text of what is known only when it runs, which fingerprints leave out; name the function"
                raise self._error(node, f"{why}, or put the text into a constant")
            yield ast.unparse(node), _text_of(value, in_full=name in _SOURCES)

    def _text(self, node: ast.AST | None, where: ast.AST) -> str:
        text = None if node is None else self._known_text(node)
        if text is None:
            raise self._error(where)
        return text

    def _known_text(self, node: ast.AST) -> str | None:
        value = node.value if isinstance(node, ast.Constant) else self._value(node)
        return value if isinstance(value, str) else None

    def _value(self, node: ast.AST) -> object:
        """Return the current value of a name of the module, or of its attributes."""
        if isinstance(node, ast.Attribute):
            owner = self._value(node.value)
            return getattr(owner, node.attr, _ABSENT) if isinstance(owner, ModuleType | type) else _ABSENT
        if not isinstance(node, ast.Name):
            return _ABSENT
        free = self.function.__code__.co_freevars
        if node.id in free:
            try:
                return (self.function.__closure__ or ())[free.index(node.id)].cell_contents
            except ValueError:  # The cell isn't assigned yet.
                return _ABSENT
        if node.id in self.function.__code__.co_varnames:
            return _ABSENT
        return self.function.__globals__.get(node.id, getattr(builtins, node.id, _ABSENT))

    def _error(self, node: ast.AST, does: str = _LOOKS_UP) -> ConfigError:
        code = self.function.__code__
        return ConfigError(
            f"{code.co_qualname} in {code.co_filename}, line {getattr(node, 'lineno', code.co_firstlineno)}: "
            f"'{ast.unparse(node)}' {does}"
        )


def _text_of(value: object, in_full: bool) -> tuple[object, ...]:
    """Return the docstring of an object, and the source of the user's code in it, ``in_full`` with comments."""
    code = value if callable(value) or isinstance(value, ModuleType) else type(value)
    sources: list[str] = []
    for part in getattr(code, "__mro__", (code,)):
        if not is_library(str(getattr(part, "__module__", getattr(part, "__name__", "")))):
            with contextlib.suppress(OSError, TypeError, SyntaxError):
                source = inspect.getsource(part)
                sources.append(source if in_full else ast.unparse(ast.parse(textwrap.dedent(source))))
    return getattr(value, "__doc__", None), *sources
