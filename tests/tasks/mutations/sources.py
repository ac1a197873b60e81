"""Edits of Python code that find it by the object that it defines, wherever that stands."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Lines of a file that define an object, counted from 0, the last one excluded."""

    file: Path
    first: int
    last: int


def find(folder: Path, name: str) -> Place:
    """Return where an object is defined: a function, a class, a method ``Class.method``, a module's variable, or
    an attribute that is set in a module.

    Args:
        folder: the package to look in.
        name: its name; ``module:name`` where several modules have one.
    """
    module, _, name = name.rpartition(":")
    files = [file for file in sorted(folder.rglob("*.py")) if not module or file.stem == module]
    found = [Place(file, *lines) for file in files for lines in _definitions(file, name.split("."))]
    assert len(found) == 1, f"{name} is defined {len(found)} times in {folder}"
    return found[0]


def _definitions(file: Path, names: list[str]) -> list[tuple[int, int]]:
    text = file.read_text(encoding="utf-8")
    if names[-1] not in text:
        return []
    nodes: list[ast.stmt] = ast.parse(text).body
    if not any(".".join(names) in _names(node) for node in nodes):
        for name in names[:-1]:
            classes = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name]
            nodes = [child for node in classes for child in node.body]
        names = names[-1:]
    return [
        (
            min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))]) - 1,
            node.end_lineno,
        )
        for node in nodes
        if ".".join(names) in _names(node) and node.end_lineno is not None
    ]


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets]
    return [ast.unparse(node.target)] if isinstance(node, ast.AnnAssign) else []


def replace(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a text in the definition of an object, where it must be once."""
    place = find(folder, name)
    lines = place.file.read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(lines[place.first : place.last])
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
    lines[place.first : place.last] = [text.replace(old, new)]
    place.file.write_text("".join(lines), encoding="utf-8")


def insert_before(folder: Path, name: str, text: str) -> None:
    """Insert lines in front of an object."""
    place = find(folder, name)
    lines = place.file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(place.first, f"{text}\n")
    place.file.write_text("".join(lines), encoding="utf-8")


def append(folder: Path, name: str, text: str) -> None:
    """Append lines to the module that defines an object."""
    place = find(folder, name)
    place.file.write_text(f"{place.file.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def rename(folder: Path, name: str, old: str, new: str) -> None:
    """Rename a variable in the definition of an object."""
    place = find(folder, name)
    lines = place.file.read_text(encoding="utf-8").splitlines(keepends=True)
    text, count = re.subn(rf"\b{old}\b", new, "".join(lines[place.first : place.last]))
    assert count, f"{old!r} isn't in {name}"
    lines[place.first : place.last] = [text]
    place.file.write_text("".join(lines), encoding="utf-8")
