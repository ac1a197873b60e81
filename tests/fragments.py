"""Code on pages that no test walks: run as far as a fragment can be, so that names and arguments are real ones."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import textwrap
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

#: where names are from that a fragment uses without an import
MODULES = (
    "pocket",
    "pocket.calibrators",
    "pocket.cuts",
    "pocket.histograms",
    "pocket.models",
    "pocket.objects",
    "pocket.parameters",
    "pocket.scale_factors",
    "pocket.scale_factors.measurement.templates",
    "pocket.weights",
)
IMPORTS = """
from analysis.zmumu.config import parameters
from analysis.zmumu.cuts import get_dimuon
from analysis.zmumu.workflow import ZmumuProcessor
from dataclasses import dataclass
from pathlib import Path
import awkward as ak
import numpy as np
"""


def names_of_a_page() -> dict[str, Any]:
    """Return what the first fragment of a page may use."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(IMPORTS, names)
    return names


def meant_by(name: str) -> Any:
    """Return what a fragment means by a name: of Pocketlaw, or with small letters something of the reader.

    Raises:
        NameError: if it is neither.
    """
    for module in map(importlib.import_module, MODULES):
        if hasattr(module, name) and not isinstance(getattr(module, name), ModuleType):
            return getattr(module, name)
    if not name.islower():
        raise NameError(f"no {name} in {', '.join(MODULES)}")
    return MagicMock(name=name)


def run_fragment(code: str, names: dict[str, Any]) -> None:
    """Run a fragment: code with ``...`` for what is left out, or arguments of a call.

    Raises:
        Exception: what is wrong with it.
    """
    tree = parsed(code)
    nodes = list(ast.walk(tree))
    own = {node.name for node in nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    own |= {name.asname or name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {name: meant_by(name) for name in used - own - names.keys() - vars(builtins).keys()}
    try:
        exec(compile(tree, "fragment", "exec"), names)
    except Exception as error:
        needed = r"missing|required|unknown (configuration|scale factor)"
        absent = isinstance(error, FileNotFoundError) or "MagicMock" in str(error)
        if not absent and not ("..." in code and re.search(needed, str(error))):
            raise


def parsed(code: str) -> ast.Module:
    """Return the syntax tree of a fragment without what it leaves out."""
    code = textwrap.dedent(code)
    code = re.sub(r",\s*\.\.\.(?=,?\s*[)\]}])|(?<=[(\[{])\s*\.\.\.,", "", code)
    failed: SyntaxError | None = None
    for form in forms(code):
        try:
            return ast.parse(form)
        except SyntaxError as error:
            failed = failed or error
    assert failed is not None
    raise failed


def forms(code: str) -> Iterator[str]:
    """Yield a fragment as statements, as items of a dictionary and as arguments."""
    yield code
    yield f"{{\n{code}\n}}"
    yield f"dict(\n{code}\n)"


def options_in(line: str) -> Mapping[str, list[str]]:
    """Return task → options of the commands ``law run`` in a line of a shell."""
    found: dict[str, list[str]] = {}
    for command in re.findall(r"\blaw run ([A-Z]\w+)((?: [^|;&`]*)?)", line):
        found.setdefault(command[0], []).extend(re.findall(r"(?<= )--[a-z][\w-]*", command[1]))
    return found
