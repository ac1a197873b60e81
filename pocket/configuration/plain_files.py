"""Configuration files as analyses: one file that ends in ``cfg = Configurator(...)``, and the modules beside it.

Such a file is no package, so it and its siblings are modules at the top level: ``import workflow`` finds the one beside
it. The names are those of one file at a time. What is loaded of another file is set aside, because both may have a
module ``workflow``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from pocket.base.fingerprint.modules import OWN_PACKAGES, is_library
from pocket.base.snapshots.process import import_root, original
from pocket.errors import ConfigError
from pocket.parameters.locations import project_root
from pocket.parameters.shipped import configuration_folder

#: Folders that this module put on the path, for the file that is in use.
_on_path: list[str] = []
#: Folders of the modules of all files that were in use.
_entered: dict[str, None] = {}


def is_plain_file(reference: str) -> bool:
    """Tell whether a reference is a configuration file and not a package."""
    return reference.endswith(".py")


def check_plain_file(reference: str) -> Path:
    """Return the path of a configuration file."""
    path = Path(reference)
    if not path.is_file():
        raise ConfigError(f"--analysis {reference}: there is no such file")
    return path


def names_of(path: Path) -> tuple[str, str]:
    """Return the names of the analysis and the configuration that a file stands for: of its folder, and its own."""
    # The folder may be the root of a snapshot, whose name is a checksum.
    return _for_store(Path(original(path)).parent.name), _for_store(path.stem)


def _for_store(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+=,@-]", "_", name).lstrip(".-") or "configuration"


def enter(path: Path) -> None:
    """Put the folder of a file on the path, and the root of its repository last, instead of those of another file."""
    folder, root = str(path.parent), str(import_root(path))
    others = [entry for entry in sys.path if entry not in _on_path]
    _on_path[:] = [entry for entry in (folder, root) if entry not in others]
    others = [root if entry == original(root) else entry for entry in others if entry != folder]
    sys.path[:] = list(dict.fromkeys([folder, *others, root]))
    _entered[_root_of_modules(path)] = None
    importlib.invalidate_caches()


def module_name(path: Path) -> str:
    """Return the name of a file's module, which no other package has."""
    name = re.sub(r"\W", "_", path.stem)
    return f"{name}_configuration" if name in OWN_PACKAGES or _is_installed(name) else name


def _is_installed(name: str) -> bool:
    try:
        return is_library(name)
    except (ImportError, ValueError):
        return False


def run(path: Path) -> ModuleType:
    """Run a configuration file, and return its module; the caller forgets what was loaded of it before."""
    spec = importlib.util.spec_from_file_location(module_name(path), path)
    assert isinstance(spec, ModuleSpec)
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with configuration_folder(path.parent):
        spec.loader.exec_module(module)
    return module


def modules_of(path: Path) -> list[str]:
    """Return the names of the loaded modules of a file: its own, and those from its folder and its repository."""
    return _modules_below([_root_of_modules(path)])


def modules_of_others(path: Path) -> list[str]:
    """Return the loaded modules that are set aside for a file: those of files before, and with names of its own."""
    own = {module_name(path), *beside(path.parent)}
    clashing = (name for name in list(sys.modules) if (top := name.partition(".")[0]) in own and _is_shared(top))
    return list(dict.fromkeys([*_modules_below(_entered), *clashing]))


def _root_of_modules(path: Path) -> str:
    """Return the folder whose modules are a file's; in the checkout, where others lie as well, only its own folder."""
    root = import_root(path)
    return str(path.parent if root == project_root() else root)


def _modules_below(roots: Iterable[str]) -> list[str]:
    folders = tuple(os.path.join(root, "") for root in roots)  # noqa: PTH118
    return [name for name, module in list(sys.modules.items()) if _is_below(module, folders) and _is_shared(name)]


def _is_shared(name: str) -> bool:
    """Tell whether a module may be forgotten, because it is the user's."""
    top = name.partition(".")[0]
    return top not in OWN_PACKAGES and top != "__main__" and not _is_installed(top)


def _is_below(module: ModuleType, folders: tuple[str, ...]) -> bool:
    # Some libraries put objects among the modules that answer for any attribute.
    own = getattr(module, "__dict__", {})
    paths = own.get("__path__", ())
    places = [own.get("__file__"), *(paths if isinstance(paths, Iterable) else ())]
    return any(isinstance(place, str) and f"{place}{os.sep}".startswith(folders) for place in places)


def beside(folder: Path) -> Iterator[str]:
    """Yield the names of the modules and folders in a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.name.removesuffix(".py")
            elif entry.is_dir() and entry.name.isidentifier():
                yield entry.name
