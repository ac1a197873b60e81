"""Static import graph: the digest of a module together with all it imports, without importing any of it."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pocket.errors import ConfigError
from pocket.fingerprint.graph import hash_of
from pocket.fingerprint.modules import locate
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
        yield from _with_parents(base)
        yield from (f"{base}.{name}" for name in self.names if name != "*")


@dataclass(frozen=True)
class _Source:
    digest: str
    imports: tuple[Import, ...]


def code_closure(module_name: str, package: str | Collection[str] = "pocket") -> str:
    """Return the digest of a module's code and of all modules it imports, directly or not.

    Imports count wherever they stand, also in functions, but not under ``if TYPE_CHECKING``. Importing a module
    runs its parent packages, so they count too. Imports by a name computed at run time can't be seen.

    Args:
        module_name: absolute name of the module.
        package: the package or packages to follow; others are left out.

    Raises:
        ConfigError: if the module isn't found, or one of the sources can't be parsed.
    """
    packages = (package,) if isinstance(package, str) else tuple(package)
    if locate(module_name) is None:
        raise ConfigError(f"module {module_name!r} can't be found on the Python path")
    return closure_digest([module_name], lambda name: any(f"{name}.".startswith(f"{top}.") for top in packages))


def closure_digest(modules: Iterable[str], follow: Callable[[str], bool]) -> str:
    """Return the digest of the code of modules and of all that they import.

    Args:
        modules: absolute names; names that aren't modules are left out.
        follow: tells whether an imported module counts.

    Raises:
        ConfigError: if one of the sources can't be parsed.
    """
    to_do = list(modules)
    digests: dict[str, str] = {}
    seen = set(to_do)
    while to_do:
        name = to_do.pop()
        location = locate(name)
        if location is None or location.file is None:
            continue
        stat = Path(location.file).stat()
        source = _read(location.file, stat.st_mtime_ns, stat.st_size)
        digests[name] = source.digest
        package = name if location.folders else name.rpartition(".")[0]
        found = {found for statement in source.imports for found in statement.modules(package)}
        new = {module for module in found.union(_with_parents(name)) - seen if follow(module)}
        seen |= new
        to_do += new
    return hash_of("modules", [f"{name} {digests[name]}" for name in sorted(digests)])


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


@functools.cache
def _read(file: str, mtime_ns: int, size: int) -> _Source:
    content = Path(file).read_bytes()
    if not file.endswith(".py"):
        return _Source(hashlib.sha256(content).hexdigest(), ())
    try:
        tree = ast.parse(content, file)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{file} can't be parsed: {error}") from None
    return _Source(tree_digest(tree), tuple(dict.fromkeys(_imports(tree))))


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
