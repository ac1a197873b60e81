"""Import statements and calls of a PocketCoffea configuration, rewritten to Pocketlaw's with the same numbers."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

from pocket.compat.awkward_names import SLOTS
from pocket.compat.configurator import Configurator
from pocket.compat.histograms import LEFT_OUT
from pocket.compat.import_names import PACKAGE
from pocket.compat.old_vectors import old_vectors
from pocket.compat.own_modules import Module, OwnModules, dotted_parts
from pocket.compat.public_names import best_module, counterpart, module_with, public_places
from pocket.compat.source_edits import from_import
from pocket.compat.steps import NOT_CALLED
from pocket.errors import ConfigError

#: Comment of names that stay as they are.
ONLY_THERE = "only pocket_coffea has it"
_SEQUENCE = "default_calibrators_sequence"
_SEQUENCE_PLACE = f"{PACKAGE}.lib.calibrators.common"
#: Attributes of PocketCoffea's workflows and weights that ours don't have, or with other values.
WORKFLOW_ATTRIBUTES = frozenset({
    "_categories", "_columns", "_era", "_hasSubsamples", "_preselections", "_skim", "_subsamples", "_xsec",
    "custom_axes", "delayed_branches", "era", "output", "output_format", *NOT_CALLED,
})  # fmt: skip
WEIGHT_ATTRIBUTES = frozenset({"get_weight_class_from_name", "weight_classes"})
#: Name here → the attributes with which PocketCoffea's class stays.
_UNLESS = {
    "BaseProcessorABC": WORKFLOW_ATTRIBUTES,
    "WeightLambda": WEIGHT_ATTRIBUTES,
    "WeightWrapper": WEIGHT_ATTRIBUTES,
}
#: Function here → argument that is written out, its value in PocketCoffea, and its position.
_DEFAULTS = {
    "count_hist": ("stop", "9", 3),
    **dict.fromkeys(("get_HLTsel", "get_HLTsel_custom", "get_L1sel", "get_L1sel_custom"), ("on_missing", '"false"', 2)),
}


@dataclass
class Rewriting:
    """The rewriting of all modules of a configuration file.

    Args:
        place: returns where a file or folder is in the new package; ``None`` if it isn't in it.
        configuration_needs: reasons why the configuration needs PocketCoffea's Configurator.
        weights: names of its weights that only PocketCoffea's list of weights has.
        data: relative path in the sources → the file that it stands for, for those whose path changes.
        ours: names whose import is ours now → the place here.
        theirs: names that are imported from PocketCoffea's still → the reason, which may be empty.
        written_out: arguments that are written out, with their places.
    """

    modules: OwnModules
    place: Callable[[Path], Path | None]
    configuration_needs: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    data: Mapping[str, Path] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    written_out: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kept = dict(self._find_kept())

    def text(self, module: Module) -> str:
        """Return the rewritten text of a module."""
        for call in module.registrations:
            module.source.remove(call)
        for node in module.imports():
            if isinstance(node, ast.Import):
                self._import(module, node)
            elif not node.level:
                self._import_from(module, node)
        self._write_out(module)
        self._paths(module)
        _write_fields(module)
        return module.source.result()

    def _find_kept(self) -> Iterator[tuple[str, str]]:
        """Yield the counterparts that can't stand for PocketCoffea's here, and why."""
        every = {name for module in self.modules.modules.values() for name in module.identifiers}
        for name, attributes in _UNLESS.items():
            if used := sorted(attributes & every):
                yield name, f"with {', '.join(used)}"
        if vectors := [one for module in self.modules.modules.values() for one in old_vectors(module.source.tree)]:
            yield "BaseProcessorABC", f"for {', '.join(dict.fromkeys(vectors))}"
        for name in ("Configurator", *_DEFAULTS):
            if any(not all(self._calls(module, name)) for module in self.modules.modules.values()):
                yield name, "not only called by its name with plain arguments"
        if self.weights:
            yield "common_weights", f"for {', '.join(self.weights)}"
        yield from ((name, "it leaves out fields that have no histogram") for name in LEFT_OUT)
        if self.configuration_needs:
            yield "Configurator", ", ".join(self.configuration_needs)

    def _calls(self, module: Module, name: str) -> Iterator[ast.Call | None]:
        """Yield the calls of a counterpart in a module, and ``None`` for all other uses of it."""
        own = self._local_names(module, name)
        for node in ast.walk(module.source.tree):
            if isinstance(node, ast.Attribute) and node.attr == name:
                yield None
            if not (isinstance(node, ast.Name) and node.id in own):
                continue
            parent = module.source.parents[node]
            if isinstance(parent, ast.Call) and parent.func is node:
                yield parent if _is_plain(parent) and not (name == "Configurator" and parent.args) else None
            elif not isinstance(parent, ast.arg):
                # An annotation holds for a derived class as well as for its base.
                yield None

    def _local_names(self, module: Module, name: str) -> set[str]:
        found = {own for own, value in module.names.items() if _is(value, name)}
        for node in module.imports():
            if isinstance(node, ast.ImportFrom) and _is_theirs(node.module):
                found |= {alias.asname or name for alias in node.names if alias.name == name}
        return found

    def _import(self, module: Module, node: ast.Import) -> None:
        statements, rest, changed = [], [], False
        for alias in node.names:
            own = None if _is_theirs(alias.name) else self.modules.find(alias.name)
            if module.is_needless(alias):
                changed = True
            elif own is not None:
                statements += self._import_own(module, node, alias, own)
                changed = True
            elif _is_theirs(alias.name) and alias.asname and (home := self._home(module, alias.name, alias.asname)):
                statements.append(_import_module(home, alias.asname))
                changed = True
            else:
                if _is_theirs(alias.name):
                    self.theirs.setdefault(alias.name, "")
                rest.append(alias.name if alias.asname is None else f"{alias.name} as {alias.asname}")
        if changed:
            module.source.replace_import(node, [f"import {', '.join(rest)}"] * bool(rest) + statements)

    def _import_own(self, module: Module, node: ast.Import, alias: ast.alias, own: Path) -> list[str]:
        top, _, inner = alias.name.partition(".")
        if alias.asname or not inner:
            return [self._relative_import(module, own, alias.asname or top, module.place(node))]
        first = self.modules.find(top)
        assert first is not None
        last = f"_{alias.name.replace('.', '_')}"
        return [
            self._relative_import(module, first, top, module.place(node)),
            self._relative_import(module, own, last, module.place(node)),
        ]

    def _relative_import(self, module: Module, own: Path, name: str, where: str) -> str:
        parent, _, last = self._relative(module, own, where).rpartition(".")
        dots = parent if parent.strip(".") else f"{parent}."
        if not last:
            raise ConfigError(f"{where}: the module {name} holds the whole package, so import what is in it by name")
        return from_import(dots, [(last, name)])

    def _relative(self, module: Module, own: Path, where: str) -> str:
        """Return the relative name of an own module, such as ``..common.cuts``."""
        here, there = self.place(module.path), self.place(own)
        if there is None or here is None:
            raise ConfigError(f"{where}: {own} is outside of the package, so import what is in it by its module's name")
        begin = here.parent.parts
        parts = there.parts if own.is_dir() else dotted_parts(there, where)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(begin, parts, strict=False)))
        return "." * (len(begin) - common + 1) + ".".join(parts[common:])

    def _import_from(self, module: Module, node: ast.ImportFrom) -> None:
        assert node.module is not None
        if _is_theirs(node.module):
            self._import_theirs(module, node)
            return
        names = [alias for alias in node.names if not module.is_needless(alias)]
        own = self.modules.find(node.module)
        if own is None and len(names) == len(node.names):
            return
        if not names:
            module.source.replace_import(node, [])
            return
        relative = node.module if own is None else self._relative(module, own, module.place(node))
        if len(names) < len(node.names) or not _replace_module(module, node, relative):
            module.source.replace_import(
                node, [from_import(relative, [(alias.name, alias.asname or alias.name) for alias in names])]
            )

    def _import_theirs(self, module: Module, node: ast.ImportFrom) -> None:
        assert node.module is not None
        is_star = node.names[0].name == "*"
        aliases = list(self._of_star(module, node)) if is_star else [(a.name, a.asname or a.name) for a in node.names]
        places: dict[tuple[str, str], Mapping[str, str]] = {}
        statements, theirs = [], []
        for alias in aliases:
            value = _value(node.module, alias[0])
            if isinstance(value, ModuleType):
                home = self._home(module, value.__name__, alias[1])
                if home or not _is_theirs(value.__name__):
                    statements.append(_import_module(home or value.__name__, alias[1]))
                    continue
            known = {} if counterpart(value) in self._kept else public_places(value)
            if known:
                places[alias] = known
            else:
                theirs.append(alias)
                self.theirs[alias[0]] = self._kept.get(counterpart(value) or "", "")
        while places and (best := best_module(places.values())):
            chosen = [alias for alias, known in places.items() if best in known]
            renamed = [(places.pop(alias)[best], alias[1]) for alias in chosen]
            self.ours |= {alias[0]: f"{best}.{name}" for alias, (name, _) in zip(chosen, renamed, strict=True)}
            if not is_star and renamed == aliases and _replace_module(module, node, best):
                return
            statements.append(from_import(best, renamed))
        if theirs:
            statements.append(from_import(node.module, theirs, ONLY_THERE))
        module.source.replace_import(node, statements)

    def _of_star(self, module: Module, node: ast.ImportFrom) -> Iterator[tuple[str, str]]:
        """Yield the names of a star import that the module uses, or those that import it."""
        assert node.module is not None
        found = importlib.import_module(node.module)
        public = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
        used = self.modules.wider_use(module.path)
        earlier = _bound_elsewhere(module, node)
        for name in sorted(public):
            if name in used and name not in earlier and _is_bound(module, name, getattr(found, name)):
                yield name, name

    def _home(self, module: Module, theirs: str, name: str) -> str | None:
        """Return the module here that has all that is used of a module of PocketCoffea by a local name."""
        values: dict[str, object] = {}
        for node in ast.walk(module.source.tree):
            if not (isinstance(node, ast.Name) and node.id == name):
                continue
            parent = module.source.parents[node]
            if not isinstance(parent, ast.Attribute):
                return None
            values[parent.attr] = getattr(importlib.import_module(theirs), parent.attr, None)
        home = module_with(values)
        if home is None:
            self.theirs.setdefault(theirs, "")
        else:
            self.ours[theirs] = home
        return home

    def _write_out(self, module: Module) -> None:
        """Write out arguments whose defaults differ."""
        for name, (argument, value, position) in _DEFAULTS.items():
            for call in () if name in self._kept else self._calls(module, name):
                assert call is not None
                if len(call.args) <= position and all(keyword.arg != argument for keyword in call.keywords):
                    module.source.add_argument(call, f"{argument}={value}")
                    self.written_out.setdefault(f"{argument}={value} of {name}", []).append(module.place(call))
        for call in () if "Configurator" in self._kept else self._calls(module, "Configurator"):
            assert call is not None
            given = next((keyword for keyword in call.keywords if keyword.arg == "calibrators"), None)
            if given is None:
                module.source.add_argument(call, f"calibrators={_SEQUENCE}")
            elif isinstance(given.value, ast.Constant) and given.value.value is None:
                module.source.replace(given.value, _SEQUENCE)
            else:
                continue
            if not _is_bound_by_import(module, _SEQUENCE):
                module.source.insert_import(from_import(_SEQUENCE_PLACE, [(_SEQUENCE, _SEQUENCE)], ONLY_THERE))
                self.theirs[_SEQUENCE] = ""
            self.written_out.setdefault(f"calibrators={_SEQUENCE} of Configurator", []).append(module.place(call))

    def _paths(self, module: Module) -> None:
        """Change relative paths of files to those in the package, since they are relative to the working directory."""
        here = self.place(module.path)
        assert here is not None
        needs_import = False
        for node in ast.walk(module.source.tree):
            value = node.value if isinstance(node, ast.Constant) else None
            file = self.data.get(value) if isinstance(value, str) else None
            if file is None or isinstance(module.source.parents[node], ast.JoinedStr):
                continue
            assert isinstance(node, ast.Constant)
            there = self.place(file)
            if there is None:
                module.source.replace(node, repr(str(file)))
                continue
            relative = Path(os.path.relpath(there, here.parent)).as_posix()
            module.source.replace(node, f'os.path.join(os.path.dirname(__file__), "{relative}")')
            needs_import = needs_import or not _imports_os(module, node)
        if needs_import:
            module.source.insert_import("import os")


def _write_fields(module: Module) -> None:
    """Write fields of tuples as awkward 2 has them: ``pairs["0"]`` for ``pairs.slot0``."""
    for node in ast.walk(module.source.tree):
        if isinstance(node, ast.Attribute) and node.attr in SLOTS and isinstance(node.ctx, ast.Load):
            stop = module.source.span(node)[1]
            start = module.source.span(node.value)[1]
            # The value may be in parentheses.
            before, _, _ = module.source.part(start, stop).rpartition(".")
            module.source.replace_part(start + len(before.encode()), stop, f'["{SLOTS[node.attr]}"]')


def _is_theirs(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] == PACKAGE


def _is(value: object, name: str) -> bool:
    return value is Configurator if name == "Configurator" else counterpart(value) == name


def _is_plain(call: ast.Call) -> bool:
    return not any(isinstance(one, ast.Starred) for one in call.args) and all(one.arg for one in call.keywords)


def _value(module: str, name: str) -> Any:
    found = importlib.import_module(module)
    try:
        return getattr(found, name)
    except AttributeError:
        return importlib.import_module(f"{module}.{name}")


def _import_module(module: str, name: str) -> str:
    parent, _, last = module.rpartition(".")
    if parent:
        return from_import(parent, [(last, name)])
    return f"import {module}" if module == name else f"import {module} as {name}"


def _replace_module(module: Module, node: ast.ImportFrom, name: str) -> bool:
    """Replace only the name of the module in an import statement; return whether that was possible."""
    start, stop = module.source.span(node)
    match = re.match(r"from\s+([\w.]+)\s+import\b", module.source.part(start, stop))
    if match is None:
        return False
    module.source.replace_part(start + match.start(1), start + match.end(1), name)
    return True


def _bound_elsewhere(module: Module, star: ast.ImportFrom) -> set[str]:
    """Return the names that other import statements at the top of a module bind by name, or an earlier star has."""
    found: set[str] = set()
    for node in module.source.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) or node is star:
            continue
        for alias in node.names:
            if alias.name != "*":
                found.add(alias.asname or alias.name.partition(".")[0])
            elif node.lineno < star.lineno and _is_theirs(getattr(node, "module", None)):
                earlier = importlib.import_module(node.module)  # type: ignore[union-attr,arg-type]
                found |= {name for name in vars(earlier) if _is_bound(module, name, getattr(earlier, name))}
    return found


def _is_bound(module: Module, name: str, value: object) -> bool:
    """Tell whether a name has a value in a loaded module; in one that wasn't loaded it may have."""
    return not module.names or module.names.get(name) is value


def _is_bound_by_import(module: Module, name: str) -> bool:
    return any((alias.asname or alias.name) == name for node in module.imports() for alias in node.names)


def _imports_os(module: Module, before: ast.Constant) -> bool:
    return any(
        isinstance(node, ast.Import) and node.lineno < before.lineno and any(_is_os(alias) for alias in node.names)
        for node in module.source.tree.body
    )


def _is_os(alias: ast.alias) -> bool:
    return alias.name == "os" and alias.asname is None
