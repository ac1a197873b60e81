"""Statements of a source file: the names that each binds, uses and imports, and the digest of its syntax."""

from __future__ import annotations

import ast
import functools
import hashlib
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pocket.base.fingerprint import normal_form
from pocket.base.fingerprint.normal_form import FunctionNode, Module, is_idle, normalise
from pocket.base.runtime.file_cache import cached
from pocket.errors import ConfigError

#: Decorators that only change the decorated object; a statement with any other decorator counts as one that acts.
_PURE_DECORATORS = frozenset({
    "abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "dataclass", "dataclass_transform",
    "final", "guvectorize", "jit", "lru_cache", "njit", "overload", "override", "property", "runtime_checkable",
    "singledispatch", "staticmethod", "total_ordering", "unique", "vectorize", "wraps",
})  # fmt: skip
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Import(NamedTuple):
    """One import statement: the number of leading dots, the module as written, and names."""

    level: int
    module: str
    names: tuple[str, ...] = ()

    def base(self, package: str) -> str:
        if not self.level:
            return self.module
        above = package.split(".")[: len(package.split(".")) - self.level + 1]
        return ".".join([*above, self.module] if self.module else above)


class Binding(NamedTuple):
    """Name that an import of at most one name binds, for a ``whole`` module or, as in ``import a.b``, for ``a``."""

    name: str
    statement: Import
    whole: bool = False


class Statement(NamedTuple):
    """One statement of a module that isn't an import."""

    digest: str
    exact: str
    binds: tuple[str, ...]  # The names that it assigns or changes in the module.
    uses: tuple[str, ...]  # The names that it reads, each with the attributes taken of it, e.g. ``"np.sqrt"``.
    imports: tuple[Import, ...]
    acts: bool  # Whether it does more than bind names when the module is run.
    early: tuple[str, ...] = ()  # The names that it reads when the module is run.
    calls: bool = False  # Whether it calls anything when the module is run.
    reads: bool = False  # Whether it may read texts or names of other code.
    words: str = ""  # All names, attributes and words of strings in it, separated by spaces; not part of the digest.


@dataclass(frozen=True)
class Source:
    """A source file: its statements without imports and what is under ``if TYPE_CHECKING``, and its imports."""

    statements: tuple[Statement, ...]
    bindings: tuple[Binding, ...] = ()
    exported: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)

    @functools.cached_property
    def binders(self) -> dict[str, list[int]]:
        """Name → positions of the statements that bind it."""
        found: dict[str, list[int]] = {}
        for position, statement in enumerate(self.statements):
            for name in statement.binds:
                found.setdefault(name, []).append(position)
        return found

    @functools.cached_property
    def imported(self) -> dict[str, list[Binding]]:
        """Name → the imports that bind it."""
        found: dict[str, list[Binding]] = {}
        for binding in self.bindings:
            found.setdefault(binding.name, []).append(binding)
        return found

    @functools.cached_property
    def used(self) -> frozenset[str]:
        """The names that any statement reads, without attributes."""
        return frozenset(name.partition(".")[0] for statement in self.statements for name in statement.uses)

    @functools.cached_property
    def digest(self) -> str:
        """The digest of all statements of the file."""
        counted = [statement.digest for statement in self.statements]
        bindings = [(self.aliases.get(name, name), *rest) for name, *rest in self.bindings]
        return hashlib.sha256(repr((counted, bindings)).encode()).hexdigest()


@functools.cache
def read_source(file: str, mtime_ns: int, size: int) -> Source:
    """Return the statements of a source file; a compiled file is a single statement with the digest of its bytes."""
    # They are cached for the next process, since parsing all modules takes longer than the rest of a fingerprint.
    if not file.endswith((".py", ".pyi")):
        checksum = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        return Source((Statement(checksum, checksum, (), (), (), acts=True),))

    source: Source = pickle.loads(
        cached(Path(file), "statements", _method(), lambda content: pickle.dumps(_parsed(file, content)))
    )
    return source


@functools.cache
def _method() -> bytes:
    """Return the version of the cached results: besides the file, only the code here decides them."""
    return b"".join(Path(file).read_bytes() for file in (__file__, normal_form.__file__))


def _parsed(file: str, content: bytes) -> Source:
    try:
        tree = ast.parse(content, file)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{file} can't be parsed: {error}") from None
    found = _Found(Module.of(tree))
    for statement in tree.body:
        found.add(statement)
    return Source(tuple(found.statements), tuple(found.bindings), tuple(found.exported), found.module.aliases)


@dataclass
class _Found:
    module: Module
    statements: list[Statement] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    exported: list[str] = field(default_factory=list)

    def add(self, statement: ast.stmt) -> None:
        if is_idle(statement):
            return
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.bindings += _bindings(statement)
        elif isinstance(statement, ast.If) and (_is_type_checking(statement.test) or _is_main(statement.test)):
            for other in statement.orelse:
                self.add(other)
        elif _bound_names(statement) == ("__all__",):
            self.exported += [str(node.value) for node in ast.walk(statement) if isinstance(node, ast.Constant)]
        else:
            # Imports in a block of the module, such as a try, also bind names of the module.
            inside = () if isinstance(statement, ast.ClassDef | FunctionNode) else _outside_scopes(statement)
            nodes = (node for node in inside if isinstance(node, ast.Import | ast.ImportFrom))
            self.bindings += [binding for node in nodes for binding in _bindings(node)]
            self.statements.append(_statement(statement, self.module))


def _statement(node: ast.stmt, module: Module) -> Statement:
    acts = not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.ClassDef | FunctionNode)
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        acts = not all(_is_pure(decorator) for decorator in node.decorator_list)
    imports = tuple(dict.fromkeys(statement for nested in ast.walk(node) for statement in _statements(nested)))
    normal, exact, reads, words, _ = normalise(node, module)
    evaluated = list(_evaluated(node))
    read = (each.id for each in evaluated if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    return Statement(
        digest=normal,
        exact=exact,
        binds=_bound_names(node),
        uses=tuple(dict.fromkeys(_uses(node))),
        imports=imports,
        acts=acts,
        early=tuple(dict.fromkeys(read)),
        calls=any(isinstance(each, ast.Call) for each in evaluated),
        reads=reads,
        words=words,
    )


def _bound_names(node: ast.stmt) -> tuple[str, ...]:
    """Return the names that a statement binds in its module, and those whose attributes or items it changes."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return (node.name,)
    bound = (
        nested.id
        for nested in _outside_scopes(node)
        if isinstance(nested, ast.Name) and isinstance(nested.ctx, ast.Store | ast.Del)
    )
    targets = [*getattr(node, "targets", ()), *([node.target] if hasattr(node, "target") else [])]
    changed = (name for target in targets for name in _changed(target))
    return tuple(dict.fromkeys([*bound, *changed]))


def _changed(target: ast.expr) -> Iterator[str]:
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id
    for part in getattr(target, "elts", ()):
        yield from _changed(part)


def _outside_scopes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*_SCOPES, ast.ClassDef)):
            yield from _outside_scopes(child)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that are evaluated when the module is run, without annotations."""
    yield node
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            defaults = filter(None, [*node.args.defaults, *node.args.kw_defaults])
            children: Iterable[ast.AST] = [*getattr(node, "decorator_list", ()), *defaults]
        case ast.AnnAssign():
            children = filter(None, [node.target, node.value])
        case _:
            children = ast.iter_child_nodes(node)
    for child in children:
        yield from _evaluated(child)


def _uses(node: ast.AST) -> Iterator[str]:
    chain = _chain(node)
    if chain is not None:
        yield chain
        return
    if isinstance(node, ast.Global):
        yield from node.names
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        children: Iterable[ast.AST] = node.orelse
    else:
        # Annotations aren't part of what the code does, but they name the classes of objects whose methods it calls.
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from _uses(child)


def _chain(node: ast.AST) -> str | None:
    """Return a name with the attributes taken of it, ``None`` for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(attributes)]) if isinstance(node, ast.Name) else None


def _statements(node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(0, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield Import(node.level, node.module or "", tuple(alias.name for alias in node.names))


def _bindings(node: ast.Import | ast.ImportFrom) -> Iterator[Binding]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            yield Binding(name, Import(0, alias.name), whole=alias.asname is not None)
    elif node.module != "__future__":
        for alias in node.names:
            yield Binding(alias.asname or alias.name, Import(node.level, node.module or "", (alias.name,)))


def _is_pure(decorator: ast.expr) -> bool:
    chain = _chain(decorator.func if isinstance(decorator, ast.Call) else decorator) or ""
    return chain.rpartition(".")[2] in _PURE_DECORATORS


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _is_main(test: ast.expr) -> bool:
    """Tell whether a condition holds only if the module is a script."""
    match test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
    return False
