"""The tasks that ``law run`` knows, told without loading them: their names, and what each of them does in one line."""

from __future__ import annotations

import ast
import configparser
import functools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

_BEGINNING = "usage: law run TASK [options]"
_END = "law run TASK --help prints the options of a task, law run PlotTemplates --version v1 runs the default analysis."
#: space between the name of a task and what it does
_GAP = "  "


def read_index() -> list[tuple[str, str]]:
    """Return module and name of each task in law's index, in the order of the modules in law.cfg."""
    path = Path(os.environ.get("LAW_HOME", ""), "index")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = [line.split(":")[:2] for line in lines if line.count(":") >= 2]
    order = {module: number for number, module in enumerate(_modules())}
    return sorted(((module, task) for module, task in found), key=lambda pair: order.get(pair[0], len(order)))


def describe_tasks(tasks: Sequence[tuple[str, str]], width: int = 0) -> str:
    """Return a line for each task, and how to see its options."""
    width = width or shutil.get_terminal_size().columns
    longest = max((len(task) for _, task in tasks), default=0)
    lines = []
    for module, task in tasks:
        head = f"  {task:<{longest}}{_GAP}"
        lines.append(f"{head}{_fitted(_summary(module, task), width - len(head))}".rstrip())
    return "\n".join([_BEGINNING, "", "tasks", *lines, "", *textwrap.wrap(_END, width)])


def _fitted(text: str, width: int) -> str:
    """Return a sentence without the clauses for which there is no space.

    >>> _fitted("Adds outputs, and normalises them: once", 36), _fitted("Adds outputs", 8)
    ('Adds outputs, and normalises them', 'Adds …')
    """
    if len(text) <= width:
        return text
    ends = [match.start() for match in re.finditer(r"[,:;] ", text[: max(width, 0) + 1])]
    return text[: ends[-1]] if ends else textwrap.shorten(text, max(width, 1), placeholder=" …")


def _modules(file: str = "") -> list[str]:
    """Return the modules with tasks in the order of law.cfg, which is that of a chain; inherited ones come first."""
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(file or os.environ.get("LAW_CONFIG_FILE", "law.cfg"), encoding="utf-8")
    own = list(parser["modules"]) if parser.has_section("modules") else []
    inherited = os.path.expandvars(parser.get("core", "inherit", fallback=""))
    return list(dict.fromkeys([*(_modules(inherited) if inherited else ()), *own]))


def _summary(module: str, task: str) -> str:
    """Return the first sentence of a task's docstring, empty if its file isn't found."""
    text = " ".join(_docstrings(module).get(task, "").split("\n\n")[0].replace("``", "").split())
    return text.partition(". ")[0].removesuffix(".")


@functools.cache
def _docstrings(module: str) -> dict[str, str]:
    """Return class → docstring of a module, cached since a module has several tasks."""
    name = Path(*module.split(".")).with_suffix(".py")
    path = next((path for path in (Path(folder or ".", name) for folder in sys.path) if path.is_file()), None)
    body = ast.parse(path.read_text(encoding="utf-8")).body if path else []
    return {node.name: ast.get_docstring(node) or "" for node in body if isinstance(node, ast.ClassDef)}
