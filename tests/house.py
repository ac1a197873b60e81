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


def source_of(module: str) -> Path:
    """Return the file of a module of this project."""
    base = REPOSITORY / module.replace(".", "/")
    return base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"


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
    print(f"circles of imports: {len(found)}")
    for group in found:
        print(f"  {', '.join(group)}")


if __name__ == "__main__":
    main()
