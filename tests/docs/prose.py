"""Prose of the repository: pages without their code, and docstrings, line by line where they stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import REPOSITORY

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
MODULES = [
    path
    for folder in ("pocket", "tasks", "analysis", "benchmarks")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
    if "skeleton" not in path.parts
]
_FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
#: sections of options that law has written
_OF_LAW = re.compile(r"^### .*law's own$.*?(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?\1|<!--.*?-->|\]\([^)]*\)|https?://\S+", re.DOTALL)
#: roles of Sphinx, literals and examples of docstrings
_LITERAL = re.compile(r":\w+:`[^`]*`|``.+?``|^ *(>>>|\.\.\.) .*$", re.MULTILINE | re.DOTALL)


def blanked(found: re.Match[str]) -> str:
    """Return the newlines of a match alone, so that lines keep their numbers, and a word for a gap in a line."""
    lines = found[0].count("\n")
    return "\n" * lines if lines else " X "


def page_text(path: Path) -> str:
    """Return the prose of a page."""
    text = _OF_LAW.sub(blanked, path.read_text(encoding="utf-8"))
    return _CODE.sub(blanked, _FENCE.sub(blanked, text))


def docstring_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and prose of all docstrings of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield node.body[0].lineno, _CODE.sub(blanked, _LITERAL.sub(blanked, text))


def module_text(path: Path) -> str:
    """Return the docstrings of a module at their lines, and nothing else."""
    lines: dict[int, str] = {}
    for start, text in docstring_texts(path):
        lines.update({start + number: line for number, line in enumerate(text.splitlines())})
    return "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))


def write_prose(folder: Path) -> list[Path]:
    """Write the prose of all pages and modules below a folder, and return the files."""
    written = []
    for path in [*PAGES, *MODULES]:
        text = page_text(path) if path.suffix == ".md" else module_text(path)
        target = folder / f"{path.relative_to(REPOSITORY)}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n", encoding="utf-8")
        written.append(target)
    return written
