"""Look-ups by name at run time, which are followed if the name is known and refused otherwise."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from pocket.base.fingerprint.distributions import version
from pocket.base.fingerprint.modules import is_library
from pocket.base.fingerprint.references import module_code
from pocket.base.fingerprint.syntax import function_node
from pocket.errors import ConfigError

_ABSENT = object()
_IMPORTERS = (importlib.import_module, builtins.__import__)
#: Names of importers that a function imports itself.
_IMPORTER_NAMES = frozenset({"import_module", "__import__"})
#: Environment variables that grant access to data without changing it; each batch job has its own.
CREDENTIALS = frozenset(
    {
        "BEARER_TOKEN", "BEARER_TOKEN_FILE", "KRB5CCNAME", "X509_CERT_DIR", "X509_USER_CERT", "X509_USER_KEY",
        "X509_USER_PROXY", "X509_VOMS_DIR",
    }
)  # fmt: skip


def dynamic_references(function: FunctionType) -> dict[str, object]:
    """Return label → value of the look-ups by name in a function, e.g. of ``globals()["name"]``.

    Raises:
        ConfigError: if a name is computed, so that its value can't be known.
    """
    node = function_node(function.__code__)
    if node is None:
        return {}
    return dict(sorted(_Lookup(function).found_in(node), key=lambda item: item[0]))


@functools.lru_cache(maxsize=1 << 12)
def _subscripts_and_calls(tree: ast.AST) -> tuple[ast.Subscript | ast.Call, ...]:
    """Return the subscripts and calls of a syntax tree, which may look up a name."""
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.Call))


@dataclass(frozen=True)
class _Lookup:
    """Look-ups by name in a function's code."""

    function: FunctionType

    def found_in(self, tree: ast.AST) -> Iterator[tuple[str, object]]:
        known: set[int] = set()
        nodes = _subscripts_and_calls(tree)
        for node in nodes:
            if isinstance(node, ast.Subscript):
                yield from self._subscript(node, known)
            else:
                yield from self._method(node, known)
        for node in nodes:
            if isinstance(node, ast.Call) and id(node) not in known:
                yield from self._call(node)

    def _subscript(self, node: ast.Subscript, known: set[int]) -> Iterator[tuple[str, object]]:
        if self._is_globals(node.value):
            known.add(id(node.value))
            yield from self._global(self._text(node.slice, node))
        elif self._value(node.value) is sys.modules:
            yield from self._module(self._text(node.slice, node))
        elif self._value(node.value) is os.environ:
            yield from self._variable(node.slice)

    def _method(self, node: ast.Call, known: set[int]) -> Iterator[tuple[str, object]]:
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr == "get" and self._is_globals(method.value) and node.args:
            known.add(id(method.value))
            yield from self._global(self._text(node.args[0], node))
        elif isinstance(method, ast.Attribute) and method.attr == "get" and self._value(method.value) is os.environ:
            yield from self._variable(node.args[0] if node.args else None)

    def _call(self, node: ast.Call) -> Iterator[tuple[str, object]]:
        called = self._value(node.func)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if any(called is importer for importer in _IMPORTERS) or (called is _ABSENT and name in _IMPORTER_NAMES):
            yield from self._module(self._text(node.args[0] if node.args else None, node))
        elif called is eval or called is exec:
            yield from self._evaluated(node)
        elif called is globals:
            raise self._error(node)
        elif called is getattr and len(node.args) > 1:
            yield from self._attribute(node)
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

    def _is_globals(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and self._value(node.func) is globals

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
            return getattr(owner, node.attr, _ABSENT) if isinstance(owner, ModuleType) else _ABSENT
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

    def _error(self, node: ast.AST) -> ConfigError:
        code = self.function.__code__
        return ConfigError(
            f"{code.co_qualname} in {code.co_filename}, line {getattr(node, 'lineno', code.co_firstlineno)}: "
            f"'{ast.unparse(node)}' looks up a name that is known only when it runs, so a change of what it finds "
            "couldn't be noticed; write the name in the code, or choose from a dict of what it may be"
        )
