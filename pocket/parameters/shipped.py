"""Files of the project, of plugins, or those that Pocketlaw ships: parameters, dataset definitions and settings of law.

A wheel has its files inside of the package, in ``pocket/data``. In a checkout they are the top-level ``params/``,
``datasets/`` and ``law.cfg``, so the project's files are the shipped ones. The repository of an analysis that uses an
installed Pocketlaw has files of its own. One rule holds for all: the project's file goes before that of a plugin, and
that before the shipped one.

This isn't in :mod:`pocket.parameters.locations`, because the fingerprint of whatever finds a file by its name holds the
content of that module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from pocket.base.fingerprint.modules import OWN_PACKAGES
from pocket.base.plugins import plugin_folders
from pocket.errors import ConfigError
from pocket.parameters.locations import project_path, project_root

#: folder of the shipped files in an installed package
DATA = "data"
#: Folder of the configuration file that is being loaded.
_beside: ContextVar[Path | None] = ContextVar("configuration_folder", default=None)


def engine_root() -> Path:
    """Return the folder that has the package ``pocket``: a checkout, or the folder of the installed packages."""
    return Path(__file__).resolve().parents[2]


def shipped_root() -> Path:
    """Return the folder with the shipped ``params/``, ``datasets/`` and ``law.cfg``."""
    data = engine_root() / "pocket" / DATA
    return data if data.is_dir() else engine_root()


def find_file(path: str | Path) -> Path:
    """Return the path of a file of the project, or else of a plugin or the shipped file with this name."""
    found = project_path(path)
    return next((root / path for root in _roots() if (root / path).exists()), found)


def find_files(folder: str, pattern: str) -> list[Path]:
    """Return the files in a folder of the project, of plugins and in the shipped one, sorted by name.

    Raises:
        ConfigError: if two plugins have a file of one name that the project hasn't.
    """
    own, *of_plugins, shipped = ({path.name: path for path in (root / folder).glob(pattern)} for root in _roots())
    added: dict[str, Path] = {}
    for each in of_plugins:
        for name in each.keys() - own.keys():
            if name in added:
                raise ConfigError(f"two plugins have {folder}/{name}, {added[name]} and {each[name]}: have your own")
            added[name] = each[name]
    found = shipped | added | own
    return [found[name] for name in sorted(found)]


def _roots() -> tuple[Path, ...]:
    """Return the folders that have files, first the one that goes before the others."""
    return (project_root(), *plugin_folders().values(), shipped_root())


def analysis_packages() -> dict[str, str]:
    """Return name → package of the analyses of the project.

    They are the packages in the folder ``analysis``, and those at the top whose ``__init__.py`` makes an ``Analysis``,
    as in the repository of one analysis.
    """
    root = project_root()
    found = {
        path.parent.name: path.parent.name
        for path in root.glob("*/__init__.py")
        if path.parent.name not in OWN_PACKAGES and "Analysis(" in path.read_text(encoding="utf-8", errors="replace")
    }
    found |= {path.parent.name: f"analysis.{path.parent.name}" for path in (root / "analysis").glob("*/__init__.py")}
    return dict(sorted(found.items()))


def analysis_package(reference: str) -> str:
    """Return the dotted package of an analysis that a name stands for."""
    if "." in reference:
        return reference
    return analysis_packages().get(reference, f"analysis.{reference}")


@contextlib.contextmanager
def configuration_folder(folder: Path) -> Iterator[None]:
    """Look for the files that a configuration names in its own folder first, inside of this block."""
    token = _beside.set(folder)
    try:
        yield
    finally:
        _beside.reset(token)


def definition_file(file: str | Path) -> str:
    """Return the path of a file with definitions of datasets; one in the project stays relative to it.

    It lies beside the configuration file, in the project, or in the working directory, whichever has it first.
    """
    places = [folder for folder in (_beside.get(), project_root(), Path.cwd()) if folder is not None]
    path = next((folder / file for folder in places if (folder / file).exists()), project_path(file))
    return str(file) if path == project_path(file) else str(path.absolute())
