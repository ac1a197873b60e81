"""Static closures of code: a module or a name, and everything that it uses, found without importing any of it.

Names are followed, not modules. Of a module, only these statements count: those that bind a used name, those that they
use in turn, and those that act when the module is run. So a package that re-exports its members, or another function in
the same module, isn't part of a closure.

Where the statements stand doesn't count: code that moves to another module has the same digest. A statement is known by
its syntax and by what its names lead to. Only if that is the same for statements of several modules, and they lead to
different ones, do the names of their modules count. The order of statements counts in modules that change objects when
they are run.
"""

from __future__ import annotations

import collections
import functools
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pocket.base.fingerprint.distributions import number_library
from pocket.base.fingerprint.graph import hash_of
from pocket.base.fingerprint.modules import ENGINE_PACKAGES, Location, is_library, locate, top_level
from pocket.base.fingerprint.sources import Binding, Import, Source, read_source
from pocket.errors import ConfigError, UnknownNameError


class Closure(str):
    """The digest of a closure: of the statements that count, wherever they stand, and of libraries that affect numbers.

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
        code: Iterable[str],
        modules: Mapping[str, str],
        libraries: Iterable[str],
        words: Iterable[str] = (),
        exact: Iterable[str] = (),
        reads: bool = False,
    ) -> Closure:
        """Return the digest of what counts of code, and of the libraries that it uses."""
        libraries = tuple(sorted(libraries))
        closure = super().__new__(cls, hash_of("code", [*code, *libraries]))
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
        search.roots += search.need(module, name) if name else search.need_all(module)
        return search

    return _remembered((reference, packages), [module], find)


def closure_of_imports(statements: Iterable[tuple[Import, str]]) -> Closure:
    """Return the digest of what import statements bind in modules that aren't libraries, and of all that it uses."""
    entered = tuple(statements)

    def find() -> _Search:
        search = _Search(functools.cache(lambda name: not is_library(name)))
        for statement, package in entered:
            search.roots += search.enter(statement, package)
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


#: A statement, as its module and position, or a whole module, without a position.
_Node = tuple[str, int | None]
#: A module and a name in it, with the attributes that are taken of that.
_Name = tuple[str, str]
#: What a name leads to: statements, modules, other names, and things of libraries, as text.
_Leads = list[_Node | _Name | str]

#: functions by which a module may bind names that its statements don't show
_BINDING = frozenset({"exec", "globals", "setattr", "vars"})


@dataclass
class _Module:
    """A module in a closure: its source, and the statements that count so far."""

    source: Source
    package: str
    counted: set[int] = field(default_factory=set)
    #: What the module imports for what it does when it is run.
    effects: _Leads = field(default_factory=list)


class _Search:
    """Follows names from module to module."""

    def __init__(self, follow: Callable[[str], bool]) -> None:
        self._follow = follow
        self._locations: dict[str, Location | None] = {}
        self._modules: dict[str, _Module | None] = {}
        #: What the search began with leads to.
        self.roots: _Leads = []
        self._found: dict[_Name, _Leads] = {}
        #: Statement or whole module → what each of its names leads to.
        self._uses: dict[_Node, list[tuple[str, _Leads]]] = {}
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
            if module is not None and (module.counted or module.effects):
                statements = [module.source.statements[position] for position in sorted(module.counted)]
                digests[name] = hash_of("module", [statement.digest for statement in statements])
                words += [statement.words for statement in statements]
                exact.append(hash_of(name, [statement.exact for statement in statements]))
                # The engine's own code decides nothing by texts, which the tests look at.
                reads |= top_level(name) not in ENGINE_PACKAGES and any(statement.reads for statement in statements)
        return Closure(self._counted(), digests, self._libraries, words, exact, reads)

    def _counted(self) -> list[str]:
        """Return what counts: what the search began with, the statements that this leads to, and what modules do."""
        known = self._identities()
        statements = {f"{identity} {self._shown(self._uses[node], known)}" for node, identity in known.items()}
        effects = {self._effect(name, module, known) for name, module in self._modules.items() if module is not None}
        return [self._shown([("", self.roots)], known), *sorted(statements), "", *sorted(effects)]

    def _identities(self) -> dict[_Node, str]:
        """Return what each statement and each whole module is known by: its syntax, unless others have the same."""
        known = {node: self._digest(node) for node in self._uses}
        while True:
            alike: dict[str, list[_Node]] = {}
            for node, identity in known.items():
                alike.setdefault(identity, []).append(node)
            several = [nodes for nodes in alike.values() if len(nodes) > 1]
            differ = [nodes for nodes in several if len({self._shown(self._uses[node], known) for node in nodes}) > 1]
            if not differ:
                return known
            known |= {node: f"{known[node]} of {node[0]}" for nodes in differ for node in nodes}

    def _shown(self, uses: Iterable[tuple[str, _Leads]], known: Mapping[_Node, str]) -> str:
        """Return names and what they lead to as text."""
        return " ".join(f"{name}={'+'.join(self._ends(leads, known))}" for name, leads in uses)

    def _ends(self, leads: _Leads, known: Mapping[_Node, str], passed: frozenset[_Name] = frozenset()) -> Iterator[str]:
        for each in leads:
            if isinstance(each, str):
                yield each
            elif isinstance(each[1], str):
                if each not in passed:
                    yield from self._ends(self._found[each], known, passed | {each})
            else:
                yield known[each]

    def _digest(self, node: _Node) -> str:
        name, position = node
        module = self._modules[name]
        statements = module.source.statements if module is not None else ()
        if position is None:
            return hash_of("module", [statement.digest for statement in statements])
        return statements[position].digest

    def _effect(self, name: str, module: _Module, known: Mapping[_Node, str]) -> str:
        """Return what a module does when it is run, and the order of statements where that may decide something."""
        statements = {position: module.source.statements[position] for position in sorted(module.counted)}
        names = collections.Counter(bound for statement in statements.values() for bound in statement.binds)
        early = {at for at, each in statements.items() if any(self._is_own(module, one) for one in each.early)}
        again = {at for at, each in statements.items() if any(names[bound] > 1 for bound in each.binds)}
        acting = {at for at, each in statements.items() if each.acts}
        if acting or again or any(statements[at].calls for at in early):
            ordered = [known[name, at] for at in statements if at in early | again | acting]
        else:
            ordered = []
        return " ".join([*ordered, "imports", self._shown([("", module.effects)], known)])

    def _is_own(self, module: _Module, name: str) -> bool:
        """Tell whether a name in a module is of code that is followed."""
        bases = (each.statement.base(module.package) for each in module.source.imported.get(name, ()))
        return name in module.source.binders or any(map(self._follow, bases))

    def need_all(self, name: str) -> _Leads:
        module = self._module(name)
        if module is None:
            return []
        node = (name, None)
        if node not in self._uses:
            uses = self._uses[node] = []
            for position in range(len(module.source.statements)):
                uses.append(("", [self._count(name, module, position)]))
            for binding in module.source.bindings:
                if binding.statement.names == ("*",):
                    uses.append(("*", self.enter(binding.statement, module.package)))
                elif binding.name in module.source.exported:
                    uses.append((binding.name, self._bind(name, module, binding, ())))
            for public, bindings in self._public(name).items():
                for binding in bindings:
                    uses.append((public, self._bind(name, module, binding, ())))
        return [node]

    def need(self, name: str, attribute: str, rest: tuple[str, ...] = ()) -> _Leads:
        """Count the statements that bind a name in a module, and return them."""
        module = self._module(name)
        if module is None:
            # The package has no __init__.
            is_module = self._follow(name) and self._locate(f"{name}.{attribute}")
            return self._need_module(f"{name}.{attribute}", rest) if is_module else []
        positions = module.source.binders.get(attribute, [])
        bindings = module.source.imported.get(attribute, [])
        if not positions and not bindings:
            bindings = self._public(name).get(attribute, [])
        if not positions and not bindings:
            if self._locate(f"{name}.{attribute}"):
                return self._need_module(f"{name}.{attribute}", rest)
            # The name is bound in a way that can't be seen, such as a star import or a module's __getattr__.
            return self.need_all(name)
        counted: _Leads = [self._count(name, module, position) for position in positions]
        return counted + [each for binding in bindings for each in self._bind(name, module, binding, rest)]

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

    def enter(self, statement: Import, package: str) -> _Leads:
        """Count the statements that an import binds, and return them."""
        base = statement.base(package)
        if not self._follow(base):
            return [self._library(statement, package)]
        if not statement.names:
            return self.need_all(base)
        found = (self.need_all(base) if name == "*" else self.need(base, name) for name in statement.names)
        return list(itertools.chain.from_iterable(found))

    def _count(self, name: str, module: _Module, position: int) -> _Node:
        node = (name, position)
        if position not in module.counted:
            module.counted.add(position)
            statement = module.source.statements[position]
            uses = self._uses[node] = []
            for imported in statement.imports:
                uses.append(("import", self.enter(imported, module.package)))
            for chain in statement.uses:
                first, *rest = chain.split(".")
                if first in module.source.binders or first in module.source.imported:
                    # In the syntax, names have their own name instead of that under which they are imported.
                    own = module.source.aliases.get(first, first)
                    uses.append((own, self.need_once(name, first, tuple(rest))))
        return node

    def need_once(self, name: str, attribute: str, rest: tuple[str, ...]) -> _Leads:
        """Count the statements that bind a name in a module, unless they were counted with these attributes."""
        key = (name, ".".join([attribute, *rest]))
        if key not in self._found:
            # The search may come back to the name meanwhile.
            self._found[key] = []
            self._found[key] = self.need(name, attribute, rest)
        return [key]

    def _bind(self, name: str, module: _Module, binding: Binding, rest: tuple[str, ...]) -> _Leads:
        statement = binding.statement
        base = statement.base(module.package)
        if not self._follow(base):
            return [self._library(statement, module.package)]
        if statement.names:
            target = statement.names[0]
            # A package may import its own module.
            if (base, target) == (name, binding.name) or self._is_module_of(base, target):
                return self._need_module(f"{base}.{target}", rest)
            return self.need_once(base, target, rest)
        if binding.whole:
            return self._need_module(base, rest)
        inner = tuple(base.split(".")[1:])
        if rest[: len(inner)] == inner:
            return self._need_module(base, rest[len(inner) :])
        return self.need_all(base) + self._need_module(binding.name, rest)

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

    def _need_module(self, name: str, rest: tuple[str, ...]) -> _Leads:
        """Count the attribute that is taken of a module, or all of the module if the attribute isn't known."""
        return self.need_once(name, rest[0], rest[1:]) if rest else self.need_all(name)

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
                module.effects += self.enter(binding.statement, module.package)
            elif binding.name not in source.used and binding.name not in source.exported and self._follow(base):
                target = f"{base}.{binding.statement.names[0]}" if binding.statement.names else base
                if self._module(base) is None or not binding.statement.names or self._locate(target):
                    module.effects += self.need_all(target)

    def _locate(self, name: str) -> Location | None:
        return locate(name, self._locations)

    def _library(self, statement: Import, package: str) -> str:
        """Return what an import takes of a library, whose version counts."""
        base = statement.base(package)
        top = top_level(base)
        if top not in self._seen:
            self._seen.add(top)
            if (library := number_library(top)) and is_library(top):
                self._libraries.add(library)
        return f"{base}:{','.join(statement.names)}"
