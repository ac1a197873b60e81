"""What a module's source file holds, as far as fingerprints need it."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from pocket.derived import derived
from pocket.errors import ConfigError
from pocket.fingerprint import syntax
from pocket.fingerprint.syntax import tree_digest


@dataclass(frozen=True)
class Import:
    """One import statement.

    Args:
        level: number of leading dots.
        module: the module's name as written.
        names: the names imported from it.
    """

    level: int
    module: str
    names: tuple[str, ...] = ()

    def modules(self, package: str) -> Iterator[str]:
        """Yield the absolute names of the modules that the statement may load, those of its parents first.

        Args:
            package: the package that the statement stands in.
        """
        base = self.module
        if self.level:
            above = package.split(".")[: len(package.split(".")) - self.level + 1]
            base = ".".join([*above, self.module] if self.module else above)
        yield from with_parents(base)
        yield from (f"{base}.{name}" for name in self.names if name != "*")


@dataclass(frozen=True)
class Source:
    """A source file.

    Args:
        digest: of its normalised syntax tree.
        imports: all import statements that count.
    """

    digest: str
    imports: tuple[Import, ...]


def with_parents(module: str) -> Iterator[str]:
    """Yield the names of the packages that a module lies in, and its own."""
    parts = module.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


@functools.cache
def read_source(file: str, mtime_ns: int, size: int) -> Source:
    """Return what a source file holds; of a compiled one, the digest is that of its bytes.

    To parse all modules takes longer than all else that decides a fingerprint. So what was found is kept for the next
    process.

    Args:
        file: its path.
        mtime_ns: when it was changed.
        size: in bytes.

    Raises:
        ConfigError: if it can't be parsed.
    """
    if not file.endswith(".py"):
        return Source(hashlib.sha256(Path(file).read_bytes()).hexdigest(), ())
    found = derived(
        Path(file), "digest", _method(), lambda content: json.dumps(astuple(_parsed(file, content))).encode()
    )
    digest, imports = json.loads(found)
    return Source(digest, tuple(Import(level, module, tuple(names)) for level, module, names in imports))


@functools.cache
def loaded_modules(file: str, mtime_ns: int, size: int, package: str) -> frozenset[str]:
    """Return the absolute names of the modules that a source file's import statements may load.

    Args:
        file, mtime_ns, size: see :func:`read_source`.
        package: the package that the file is in, or is.
    """
    statements = read_source(file, mtime_ns, size).imports
    return frozenset(module for statement in statements for module in statement.modules(package))


@functools.cache
def _method() -> bytes:
    """Return what else than the file decides what is found in it: the code here."""
    return b"".join(Path(file).read_bytes() for file in (__file__, syntax.__file__))


def _parsed(file: str, content: bytes) -> Source:
    try:
        tree = ast.parse(content, file)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{file} can't be parsed: {error}") from None
    return Source(tree_digest(tree), tuple(dict.fromkeys(_imports(tree))))


def _imports(node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(0, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield Import(node.level, node.module or "", tuple(alias.name for alias in node.names))
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        if name == "body" and isinstance(node, ast.If) and _is_type_checking(node.test):
            continue
        children = getattr(node, name, ())
        for child in children if isinstance(children, list) else ():
            yield from _imports(child)


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"
