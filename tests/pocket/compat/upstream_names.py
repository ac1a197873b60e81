"""The public names of PocketCoffea's modules, found without importing it.

``python -m tests.pocket.compat.upstream_names /path/to/PocketCoffea`` writes ``upstream_names.json`` anew: module → the
names with a letter in front that it defines, or imports from its other modules. Only names are kept.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

FILE = Path(__file__).with_name("upstream_names.json")
PACKAGE = "pocket_coffea"


def public_names(checkout: Path) -> dict[str, list[str]]:
    """Return module → its public names, of a checkout of PocketCoffea."""
    sources = {_module(checkout, file): file for file in sorted((checkout / PACKAGE).rglob("*.py"))}
    trees = {module: ast.parse(file.read_text()) for module, file in sources.items()}
    packages = {module: _package(module, file) for module, file in sources.items()}
    found = {module: sorted(_names(module, trees, packages)) for module in trees}
    return {module: [name for name in names if f"{module}.{name}" not in trees] for module, names in found.items()}


def _module(checkout: Path, file: Path) -> str:
    return ".".join(file.relative_to(checkout).with_suffix("").parts).removesuffix(".__init__")


def _package(module: str, file: Path) -> str:
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


def _names(module: str, trees: Mapping[str, ast.Module], packages: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for node in _statements(trees[module].body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, packages[module])
            if base.partition(".")[0] != PACKAGE:
                continue
            for alias in node.names:
                if alias.name != "*":
                    # A module that is imported is found under its own name.
                    found |= {alias.asname or alias.name} if f"{base}.{alias.name}" not in trees else set()
                elif base in trees:
                    found |= _names(base, trees, packages)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in found if name[0].isalpha()}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, also those in blocks."""
    for node in body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        yield node
        for part in ("body", "orelse", "finalbody") if isinstance(node, ast.If | ast.Try | ast.With) else ():
            yield from _statements(getattr(node, part, []))


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def main() -> None:
    """Write the names of the checkout in the arguments."""
    FILE.write_text(f"{json.dumps(public_names(Path(sys.argv[1])), indent=1)}\n")


if __name__ == "__main__":
    main()
