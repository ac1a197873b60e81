"""Configuration files in a folder of repositories."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Names of folders without configurations.
_SKIPPED = {".git", "__pycache__", ".ipynb_checkpoints", "site-packages", "node_modules"}

#: What the root of a repository has.
_ROOT = (".git", "pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True)
class Configuration:
    """A configuration file.

    Args:
        root: the folder that was searched.
        path: the file.
    """

    root: Path
    path: Path

    @property
    def repository(self) -> Path:
        """The root of the repository that the file is in, or else the searched folder."""
        parents = [self.root, *(path for path in self.path.parents if path.is_relative_to(self.root))]
        return next((path for path in parents if any((path / name).exists() for name in _ROOT)), self.root)

    @property
    def name(self) -> str:
        """The path of the file in the searched folder."""
        return f"{self.root.name}/{self.path.relative_to(self.root)}"


def find_configurations(folders: list[Path]) -> list[Configuration]:
    """Return the configuration files in some folders: modules with a ``cfg`` that a ``Configurator`` call makes.

    Args:
        folders: folders, which are searched through all levels.
    """
    found = []
    for folder in folders:
        root = folder.resolve()
        found += [Configuration(root, path) for path in _python_files(root) if makes_configurator(path)]
    return found


def _python_files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.py")):
        if not _SKIPPED & set(path.relative_to(root).parts):
            yield path


def makes_configurator(path: Path) -> bool:
    """Tell whether a module assigns the result of ``Configurator(…)`` to ``cfg``."""
    content = path.read_text(errors="replace")
    if "Configurator" not in content:
        return False
    try:
        tree = ast.parse(content)
    except SyntaxError:
        return False
    return any(_assigns(node) for node in tree.body)


def _assigns(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    function = node.value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "Configurator" and any(isinstance(target, ast.Name) and target.id == "cfg" for target in targets)
