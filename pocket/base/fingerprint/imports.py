"""Static closures of code: a module or a name, and everything that it uses, found without importing any of it.

Names are followed, not modules. Of a module, only these statements count: those that bind a used name, those that they
use in turn, and those that act when the module is run. So a package that re-exports its members, or another function in
the same module, isn't part of a closure.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pocket.base.fingerprint.distributions import number_library
from pocket.base.fingerprint.graph import hash_of
from pocket.base.fingerprint.modules import ENGINE_PACKAGES, Location, is_library, locate, top_level
from pocket.base.fingerprint.sources import Binding, Import, Source, read_source
from pocket.errors import ConfigError, UnknownNameError


class Closure(str):
    """The digest of a closure: of the statements that count of each module, and of libraries that affect numbers.

    ``exact`` is the one with texts and names, ``reads`` whether a statement may read such of other code.
    """

    modules: Mapping[str, str]
    libraries: tuple[str, ...]
    words: tuple[str, ...]
    exact: str
    reads: bool
    __slots__ = ("exact", "libraries", "modules", "reads", "words")

    def __new__(
        cls,
        modules: Mapping[str, str],
        libraries: Iterable[str],
        words: Iterable[str] = (),
        exact: Iterable[str] = (),
        reads: bool = False,
    ) -> Closure:
        """Return the digest of the counted statements of modules, and of the libraries they use."""
        libraries = tuple(sorted(libraries))
        closure = super().__new__(
            cls, hash_of("modules", [*(f"{name} {modules[name]}" for name in sorted(modules)), *libraries])
        )
        closure.modules = dict(sorted(modules.items()))
        closure.libraries = libraries
        closure.words = tuple(words)
        closure.exact = hash_of(closure, sorted(exact))
        closure.reads = reads
        return closure


def code_closure(reference: str, package: str | Collection[str] | None = None) -> Closure:
    """Return the digest of a module's code, or of one name in it, and of all that it uses, directly or not.

    By default, all code that isn't an installed library is followed; of libraries, the version counts. Of the engine's
    own code, only ``pocket`` is followed.

    Imports count wherever they stand, also in functions, but not under ``if TYPE_CHECKING``. Of a package that is only
    run because one of its modules is imported, the statements that act count. Imports by computed names aren't
    followed.

    Args:
        reference: absolute name of the module, or ``module:name``.
        package: the package or packages to follow, beside that of the reference; all others are left out.

    Raises:
        ConfigError: if the module or a package isn't found, or one of the sources can't be parsed.
        UnknownNameError: if the module has no such name.

    Examples:
        >>> closure = code_closure("pocket.errors:PocketError")
        >>> list(closure.modules)
        ['pocket.errors']
    """
    module, _, name = reference.partition(":")
    if locate(module) is None:
        raise ConfigError(f"module {module!r} can't be found on the Python path")
    top = top_level(module)
    if package is None and top == "pocket":
        package = top
    packages = (package,) if isinstance(package, str) else None if package is None else tuple(package)
    for each in packages or ():
        if locate(each) is None:
            raise UnknownNameError("package", each, (top, "pocket"), f"code_closure({reference!r})")

    def find() -> _Search:
        is_known = functools.cache(is_library)
        followed = tuple(f"{each}." for each in (top, *(packages or ())))
        search = _Search(lambda name: f"{name}.".startswith(followed) or (packages is None and not is_known(name)))
        if name:
            search.check_bound(module, name)
            search.need(module, name)
        else:
            search.need_all(module)
        return search

    return _remembered((reference, packages), [module], find)


def closure_of_imports(statements: Iterable[tuple[Import, str]]) -> Closure:
    """Return the digest of what import statements bind in modules that aren't libraries, and of all that it uses."""
    entered = tuple(statements)

    def find() -> _Search:
        search = _Search(functools.cache(lambda name: not is_library(name)))
        for statement, package in entered:
            search.enter(statement, package)
        return search

    return _remembered(entered, [statement.base(package) for statement, package in entered], find)


#: Closures that were found, with the states of the files and folders that they were found in.
_known: dict[object, tuple[Closure, dict[str, tuple[int, int] | None]]] = {}


def _remembered(key: object, modules: Iterable[str], find: Callable[[], _Search]) -> Closure:
    """Return a closure, which is computed again only if one of its files has changed."""
    # Other folders may have modules of the same names as those in which the search begins.
    tops = sorted({top_level(module) for module in modules})
    key = key, tuple(locate(top) for top in tops)
    found = _known.get(key)
    if found is None or any(_state(place) != state for place, state in found[1].items()):
        search = find()
        # States were taken before each file was read, so that a change in between is noticed the next time.
        found = _known[key] = search.closure(), search.places
    return found[0]


def _state(place: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(place)  # noqa: PTH116  Strings are faster for thousands of files.
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


#: functions by which a module may bind names that its statements don't show
_BINDING = frozenset({"exec", "globals", "setattr", "vars"})


@dataclass
class _Module:
    """A module in a closure: its source, and the statements that count so far."""

    source: Source
    package: str
    counted: set[int] = field(default_factory=set)
    #: Imports of the used names: without them, a change from one function to another would go unnoticed.
    imported: set[str] = field(default_factory=set)


class _Search:
    """Follows names from module to module."""

    def __init__(self, follow: Callable[[str], bool]) -> None:
        self._follow = follow
        self._locations: dict[str, Location | None] = {}
        self._modules: dict[str, _Module | None] = {}
        self._needed: set[tuple[str, str, bool]] = set()
        self._whole: set[str] = set()
        self._libraries: set[str] = set()
        #: Top-level packages whose location was looked up.
        self._seen: set[str] = set()
        #: File or folder → its state when it was read.
        self.places: dict[str, tuple[int, int] | None] = {}

    def closure(self) -> Closure:
        digests = {}
        words, exact = [], []
        reads = False
        for name, module in self._modules.items():
            if module is not None and (module.counted or module.imported):
                statements = [module.source.statements[position] for position in sorted(module.counted)]
                counted = [statement.digest for statement in statements]
                digests[name] = hash_of("module", [*counted, *sorted(module.imported)])
                words += [statement.words for statement in statements]
                exact.append(hash_of(name, [statement.exact for statement in statements]))
                # The engine's own code decides nothing by texts, which the tests look at.
                reads |= top_level(name) not in ENGINE_PACKAGES and any(statement.reads for statement in statements)
        return Closure(digests, self._libraries, words, exact, reads)

    def need_all(self, name: str) -> None:
        if name in self._whole:
            return
        self._whole.add(name)
        module = self._module(name)
        if module is None:
            return
        for position in range(len(module.source.statements)):
            self._count(name, module, position)
        for binding in module.source.bindings:
            if binding.statement.names == ("*",):
                self.enter(binding.statement, module.package)
            elif binding.name in module.source.exported:
                self._bind(name, module, binding, ())
        for bindings in self._public(name).values():
            for binding in bindings:
                self._bind(name, module, binding, ())

    def need(self, name: str, attribute: str, rest: tuple[str, ...] = (), inside: bool = False) -> None:
        """Count the statements that bind a name in a module, ``inside`` if the module itself uses it."""
        module = self._module(name)
        if module is None:
            # The package has no __init__.
            if self._follow(name) and self._locate(f"{name}.{attribute}"):
                self._need_module(f"{name}.{attribute}", rest)
            return
        positions = module.source.binders.get(attribute, [])
        bindings = module.source.imported.get(attribute, [])
        if not positions and not bindings:
            bindings = self._public(name).get(attribute, [])
        if not positions and not bindings:
            if self._locate(f"{name}.{attribute}"):
                self._need_module(f"{name}.{attribute}", rest)
            else:
                # The name is bound in a way that can't be seen, such as a star import or a module's __getattr__.
                self.need_all(name)
            return
        for position in positions:
            self._count(name, module, position)
        for binding in bindings:
            self._bind(name, module, binding, rest, inside)

    def check_bound(self, name: str, attribute: str) -> None:
        location = self._locate(name)
        module = self._module(name)
        if module is None or location is None or not str(location.file).endswith(".py"):
            return
        source = module.source
        known = [*source.binders, *source.imported, *self._public(name)]
        hidden = "*" in known or "__getattr__" in known or not _BINDING.isdisjoint(source.used)
        if attribute not in known and not hidden and not self._locate(f"{name}.{attribute}"):
            raise UnknownNameError("name", attribute, [each for each in known if not each.startswith("__")], name)

    def enter(self, statement: Import, package: str) -> None:
        """Count the statements that an import binds."""
        base = statement.base(package)
        if not self._follow(base):
            self._note_library(base)
            return
        if not statement.names:
            self.need_all(base)
        for name in statement.names:
            if name == "*":
                self.need_all(base)
            else:
                self.need(base, name)

    def _count(self, name: str, module: _Module, position: int) -> None:
        if position in module.counted:
            return
        module.counted.add(position)
        statement = module.source.statements[position]
        for imported in statement.imports:
            self.enter(imported, module.package)
        for chain in statement.uses:
            first, *rest = chain.split(".")
            if first in module.source.binders or first in module.source.imported:
                self.need_once(name, first, tuple(rest), inside=True)

    def need_once(self, name: str, attribute: str, rest: tuple[str, ...], inside: bool = False) -> None:
        """Count the statements that bind a name in a module, unless they were counted with these attributes."""
        key = (name, ".".join([attribute, *rest]), inside)
        if key not in self._needed:
            self._needed.add(key)
            self.need(name, attribute, rest, inside)

    def _bind(self, name: str, module: _Module, binding: Binding, rest: tuple[str, ...], inside: bool = False) -> None:
        statement = binding.statement
        base = statement.base(module.package)
        # Inside of the module, the normal form has the own name of what is imported.
        bound = module.source.aliases.get(binding.name, binding.name) if inside else binding.name
        if not self._follow(base):
            module.imported.add(f"{bound} is {base} {' '.join(statement.names)}")
            self._note_library(base)
        elif statement.names:
            target = statement.names[0]
            is_own = (base, target) == (name, binding.name)  # A package imports its own module.
            if not is_own:
                module.imported.add(f"{bound} is {target} of {base}")
            if is_own or self._is_module_of(base, target):
                self._need_module(f"{base}.{target}", rest)
            else:
                self.need_once(base, target, rest)
        elif binding.whole:
            module.imported.add(f"{bound} is {base}")
            self._need_module(base, rest)
        else:
            module.imported.add(f"import {base}")
            inner = tuple(base.split(".")[1:])
            if rest[: len(inner)] == inner:
                self._need_module(base, rest[len(inner) :])
            else:
                self.need_all(base)
                self._need_module(binding.name, rest)

    def _is_module_of(self, base: str, target: str) -> bool:
        module = self._module(base)
        if module is None:
            return self._locate(f"{base}.{target}") is not None
        bound = target in module.source.binders or any(
            # A package may import only its own module of the same name.
            each.statement.names != (each.name,) or each.statement.base(module.package) != base
            for each in module.source.imported.get(target, [])
        )
        return not bound and self._locate(f"{base}.{target}") is not None

    def _need_module(self, name: str, rest: tuple[str, ...]) -> None:
        """Count the attribute that is taken of a module, or all of the module if the attribute isn't known."""
        if not rest:
            self.need_all(name)
        elif name not in self._whole:
            self.need_once(name, rest[0], rest[1:])

    def _module(self, name: str) -> _Module | None:
        """Return a module, and count the statements that act when it and its packages are run."""
        if name in self._modules:
            return self._modules[name]
        self._modules[name] = None
        location = self._locate(name)
        if location is None or location.file is None or not self._follow(name):
            return None
        for place in (location.file, *location.folders):
            self.places.setdefault(place, _state(place))
        stat = os.stat(location.file)  # noqa: PTH116  Strings are faster for thousands of files.
        source = read_source(location.file, stat.st_mtime_ns, stat.st_size)
        is_package = bool(location.folders)
        module = _Module(source, name if is_package else name.rpartition(".")[0])
        self._modules[name] = module
        for parent in itertools.accumulate(name.split(".")[:-1], "{}.{}".format):
            self._module(parent)
        for position, statement in enumerate(source.statements):
            if statement.acts:
                self._count(name, module, position)
        if not is_package:
            self._follow_for_effect(module)
        return module

    def _public(self, name: str) -> dict[str, list[Binding]]:
        """Return name → imports of what a package loads when it is used, which the stub beside its code lists."""
        location = self._locate(name)
        stub = f"{location.file}i" if location and location.file and location.folders else ""
        state = _state(stub) if stub else None
        if state is None:
            return {}
        self.places.setdefault(stub, state)
        return read_source(stub, *state).imported

    def _follow_for_effect(self, module: _Module) -> None:
        """Follow imports whose name is never used: they are there for what the module does when it is run."""
        source = module.source
        for binding in source.bindings:
            base = binding.statement.base(module.package)
            if binding.statement.names == ("*",):
                self.enter(binding.statement, module.package)
            elif binding.name not in source.used and binding.name not in source.exported and self._follow(base):
                target = f"{base}.{binding.statement.names[0]}" if binding.statement.names else base
                module.imported.add(f"import {target}")
                if self._module(base) is None or not binding.statement.names or self._locate(target):
                    self.need_all(target)

    def _locate(self, name: str) -> Location | None:
        return locate(name, self._locations)

    def _note_library(self, module: str) -> None:
        top = top_level(module)
        if top not in self._seen:
            self._seen.add(top)
            if (library := number_library(top)) and is_library(top):
                self._libraries.add(library)
