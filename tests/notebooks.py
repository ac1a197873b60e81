"""Runs notebooks of docs/notebooks cell by cell, and shows what they show."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def load_pages() -> ModuleType:
    """Return the module that makes pages of notebooks."""
    spec = importlib.util.spec_from_file_location("notebook_pages", ROOT / "docs" / "hooks" / "notebook_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_notebook(notebook: str, /, **parameters: Any) -> tuple[dict[str, Any], list[Any]]:
    """Run a notebook.

    Args:
        notebook: name of the file without its suffix.
        parameters: replace names of the cell that is tagged for it.

    Returns:
        The names that it defines, and the values that its cells end with.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: list[Any] = []
    path = ROOT / "docs" / "notebooks" / f"{notebook}.py"
    for cell in load_pages().read_cells(path):
        if cell.is_text:
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path, "exec"), names)
        if "parameters" in cell.head:
            assert parameters.keys() <= names.keys()
            names |= parameters
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), path, "eval"), names)
            show(value)
            shown.append(value)
    return names, shown


def show(value: Any) -> None:
    """Show a value as a notebook does, which must work."""
    assert repr(value)
    for method in ("_repr_html_", "_repr_png_"):
        # matplotlib's figures return None, and leave it to the notebook to show them.
        content = getattr(value, method, lambda: None)()
        assert content is None or len(content)
