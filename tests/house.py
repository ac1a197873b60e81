"""Figures of the house, which ``python -m tests.house`` prints: how the code is divided, what a fingerprint holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

from pocket.base.fingerprint.imports import code_closure

REPOSITORY = Path(__file__).absolute().parents[1]
PACKAGES = ("pocket", "tasks", "analysis", "benchmarks")
ENTRY = "pocket.engine.run"
#: calls that make containers which may change
MAKERS = {"Counter", "OrderedDict", "WeakKeyDictionary", "defaultdict", "deque", "dict", "list", "set"}
#: methods that change a container
CHANGES = {"add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "insert"}
CHANGES |= {"intersection_update", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"}
#: variable of a module that functions change → why it must be one
STATE = {
    "pocket.base.fingerprint.imports._known": "closures are searched once, and again if a file has changed",
    "pocket.base.fingerprint.patches._packages": "analyses of this process, each of which may replace others' code",
    "pocket.base.fingerprint.places._outside": "folders of analyses that were loaded, for portable names of paths",
    "pocket.base.fingerprint.reads._added_folders": "sys.path, which user code changes, is one for a process",
    "pocket.base.fingerprint.reads._known_folders": "sys.path, which user code changes, is one for a process",
    "pocket.base.fingerprint.syntax._files": "files are parsed once, and again if they have changed",
    "pocket.base.fingerprint.syntax._forms": "code objects have no hash of their own, so their ids are keys",
    "pocket.base.fingerprint.syntax._nodes": "code objects have no hash of their own, so their ids are keys",
    "pocket.base.runtime.kept._tables": "tables are kept from the start of a command until its first task runs",
    "pocket.base.snapshots.process._known": "snapshots of this process, for messages with original paths",
    "pocket.base.snapshots.trees._in_use": "descriptors that lock a snapshot until the process ends",
    "pocket.compat.histograms.LEFT_OUT": "functions run before a migration asks what they left out",
    "pocket.compat.parameter_forms._tags": "PocketCoffea sets tags for all later parameters",
    "pocket.compat.parameters._folders": "PocketCoffea registers folders for all later parameters",
    "pocket.compat.refused_names._imported": "names that several modules import have one remark",
    "pocket.configuration.plain_files._entered": "sys.modules is one for a process",
    "pocket.configuration.plain_files._on_path": "sys.path is one for a process",
    "pocket.executors.base._sharing": "processes that luigi forks share the cores, and can't be given an object",
    "pocket.io.nanoaod.schema._known": "schemas of up to 16 trees, which take as long as a small file to make",
    "pocket.io.remote.attempts._failed": "a server that has failed is avoided by all readers for some minutes",
    "pocket.io.store.provenance._begin": "time and memory are those of the process since it began an output",
    "pocket.io.store.remote_manifests._lists": "lists of remote folders, valid for seconds",
    "pocket.io.store.remote_manifests._manifests": "manifests of remote outputs, by the time of their folder",
    "pocket.parameters.defaults._texts": "writing YAML takes longer than merging outputs",
    "pocket.parameters.plain._known": "resolving parameters takes longer than all else before the first event",
    "pocket.plots.quick_drawing._known": "layouts of up to 1000 formulas, which take most of the time to draw",
    "tasks.batch.htcondor._not_let_in": "a pool that refuses the bindings is asked by commands afterwards",
    "tasks.batch.control.WORKFLOWS": "registry of batch systems",
    "tasks.core.graph._graph": "luigi tells about tasks by events, without an object of the command",
    "tasks.core.report._report": "luigi makes its worker itself, so the report of the command isn't given to it",
    "tasks.core.several._groups": "luigi's parameters are strings, so a group of tasks is known by its key",
    "tasks.core.snapshot._began": "the start of the command",
    "tasks.core.terminal._going_on": "a signal handler tells what continues",
    "tasks.framework.analysis_task._passed_on": "law compares the parameters of two classes for each task again",
    "tasks.framework.pool._pool": "workers serve all tasks of a command",
    "tasks.framework.pool._sender": "a worker has one pipe to its command",
    "tasks.settings.batch_systems.BATCH_SYSTEMS": "registry of batch systems",
}

_CHECKS = "a check or a message that no fingerprint of an output holds"
_LATE = "it is needed for few inputs, and takes long to load or would be part of every fingerprint"
#: module and the module that it imports by a string → why
STRING_IMPORTS = {
    "pocket.plan.workflow -> pocket.parameters.public_places": _CHECKS,
    "pocket.executors.remote -> pocket.executors.travel": _LATE,
    "pocket.interactive.templates -> pocket.io.store": _LATE,
    "pocket.parameters.locations -> pocket.parameters.public_places": _CHECKS,
    "pocket.parameters.values -> pocket.parameters.public_places": _CHECKS,
}


def source_of(module: str) -> Path:
    """Return the file of a module of this project."""
    base = REPOSITORY / module.replace(".", "/")
    return base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"


def bases_of(task: type) -> list[str]:
    """Return the classes of this project that a task is made of, itself among them."""
    return [base.__name__ for base in task.__mro__ if base.__module__.partition(".")[0] == "tasks"]


def code_lines(path: Path) -> int:
    """Return how many lines of a file are code: neither empty, nor comments, nor docstrings."""
    text = path.read_text(encoding="utf-8")
    documented = {line for node in ast.walk(ast.parse(text)) for line in _docstring_lines(node)}
    return sum(
        1
        for number, line in enumerate(text.splitlines(), start=1)
        if number not in documented and line.strip() and not line.lstrip().startswith("#")
    )


def _docstring_lines(node: ast.AST) -> range:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return range(0)
    if not ast.get_docstring(node, clean=False):
        return range(0)
    first = node.body[0]
    return range(first.lineno, (first.end_lineno or first.lineno) + 1)


def engine_closure() -> dict[str, int]:
    """Return the modules of which something is in every processor's fingerprint → their lines of code."""
    return {module: code_lines(source_of(module)) for module in code_closure(ENTRY).modules}


def rooms() -> tuple[str, ...]:
    """Return the packages and loose modules at the top of ``pocket``, and the other packages."""
    inside = sorted(
        path.stem
        for path in (REPOSITORY / "pocket").iterdir()
        if (path / "__init__.py").exists() or (path.suffix == ".py" and path.stem != "__init__")
    )
    return (*(f"pocket.{name}" for name in inside), *PACKAGES[1:])


def loose_modules() -> tuple[str, ...]:
    """Return the modules at the top of ``pocket`` that are in no package."""
    return tuple(sorted(path.stem for path in (REPOSITORY / "pocket").glob("*.py")))


def module_state() -> Iterator[str]:
    """Yield the variables of modules that functions set or change, as far as their own module shows it."""
    for path in sorted(path for package in ("pocket", "tasks") for path in (REPOSITORY / package).rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        yield from (f"{module}.{name}" for name in state_in(path.read_text(encoding="utf-8")))


def string_imports() -> Iterator[str]:
    """Yield ``module -> imported`` of the modules of ours that others of ours import by a string."""
    for path in sorted(path for package in ("pocket", "tasks") for path in (REPOSITORY / package).rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        yield from (f"{module} -> {name}" for name in strings_imported(path.read_text(encoding="utf-8")))


def strings_imported(source: str) -> list[str]:
    """Return the modules of ours that a module imports by a string, each once."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=name) | ast.Name(name), args=[ast.Constant(value=str(imported)), *_]
            ) if name in {"import_module", "__import__"} and imported.partition(".")[0] in PACKAGES:
                found.add(imported)
    return sorted(found)


def state_in(source: str) -> list[str]:
    """Return the names of the variables of a module that it changes after they are made, or sets by ``global``."""
    tree = ast.parse(source)
    made = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _may_change(statement.value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            made |= {target.id for target in targets if isinstance(target, ast.Name)}
    changed: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Global(names):
                made |= {*names}
                changed |= {*names}
            case ast.Call(func=ast.Attribute(value=ast.Name(name), attr=method)) if method in CHANGES:
                changed.add(name)
            case ast.Subscript(value=ast.Name(name), ctx=ast.Store() | ast.Del()):
                changed.add(name)
    return sorted(made & changed)


def _may_change(value: ast.expr | None) -> bool:
    """Whether an expression makes a container that may change."""
    match value:
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name)):
            return name in MAKERS
        case ast.Dict() | ast.DictComp() | ast.List() | ast.ListComp() | ast.Set() | ast.SetComp():
            return True
        case _:
            return False


def circles() -> list[tuple[str, ...]]:
    """Return the groups of modules that import each other in a circle, wherever the imports stand."""
    graph = grimp.build_graph("pocket", "tasks", "analysis", exclude_type_checking_imports=True, cache_dir=None)
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return [tuple(sorted(group)) for group in _strongly_connected(edges) if len(group) > 1]


def _strongly_connected(edges: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Yield the groups of nodes that are reached from each other."""

    def reached(start: str, along: Mapping[str, set[str]]) -> set[str]:
        found, left = {start}, [start]
        while left:
            new = along.get(left.pop(), set()) - found
            found |= new
            left += new
        return found

    backwards: dict[str, set[str]] = {}
    for module, imported in edges.items():
        for name in imported:
            backwards.setdefault(name, set()).add(module)
    done: set[str] = set()
    for module in sorted(edges):
        if module not in done:
            group = reached(module, edges) & reached(module, backwards)
            done |= group
            yield group


def main() -> None:
    """Print the figures."""
    closure = engine_closure()
    print(f"closure of {ENTRY}: {len(closure)} modules, {sum(closure.values())} lines of code without docstrings")
    print(f"rooms: {len(rooms())}: {', '.join(rooms())}")
    print(f"loose modules of pocket: {', '.join(loose_modules())}")
    found = circles()
    print(f"imports by a string: {len(list(string_imports()))}")
    print(f"circles of imports: {len(found)}")
    for group in found:
        print(f"  {', '.join(group)}")


if __name__ == "__main__":
    main()
