"""Pages of the API: one for each package with public names, which mkdocstrings fills from their docstrings."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pocket"
#: packages with public names, by the names of their stub files, the module of errors, and the tasks
FACES = (
    "pocket",
    *(f"pocket.{path.parent.name}" for path in sorted(PACKAGE.glob("*/*.pyi"))),
    "pocket.errors",
    "tasks",
)


def on_config(config: Any) -> Any:
    """Let the packages be found in shells without setup.sh, too; mkdocs restores the path after it has loaded hooks."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return config


def public_names(face: str) -> list[str]:
    """Return the public names of a package that aren't packages themselves, sorted without regard to case."""
    module = importlib.import_module(face)
    if face == "pocket.errors":
        return [
            name for name, value in vars(module).items() if getattr(value, "__module__", "") == face and name[0] != "_"
        ]
    names = [name for name in module.__all__ if f"{face}.{name}" not in FACES]
    return sorted(names, key=str.lower)


def page_of(face: str) -> str:
    """Return the path of the page of a package."""
    return f"reference/api/{face.replace('.', '-')}.md"


def to_markdown(face: str) -> str:
    """Return the page of a package: its own docstring's first sentence, and an entry for each public name."""
    doc = (importlib.import_module(face).__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
    entries = "\n\n".join(f"::: {face}.{name}" for name in public_names(face))
    return f"# `{face}`\n\n{doc}\n\n{entries}\n"


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each package with public names; mkdocs calls this."""
    from mkdocs.structure.files import File

    for face in FACES:
        files.append(File.generated(config, page_of(face), content=to_markdown(face)))
    return files
