"""Import hook that finds PocketCoffea's modules in our folder of the same names, and never in the real package.

``pocket.compat`` holds the folder, and a file with the replacement of each name that isn't in it. This module knows
only where they are, so that every process can install the hook without loading them.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from pocket.errors import ConfigError

#: The package whose names are ours.
PACKAGE = "pocket_coffea"
_FOLDER = Path(__file__).parents[2] / "compat"


def install_import_names() -> None:
    """Find PocketCoffea's names in our folder from now on, in this process.

    Modules that were loaded from elsewhere, such as the real package or an earlier snapshot, are forgotten.
    """
    if any(isinstance(finder, NamesFinder) for finder in sys.meta_path[:1]):
        return
    sys.meta_path[:] = [NamesFinder(), *(finder for finder in sys.meta_path if not _is_earlier(finder))]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.partition(".")[0] == PACKAGE and not file.startswith(str(_FOLDER)):
            del sys.modules[name]


def _is_earlier(finder: object) -> bool:
    """Tell whether a finder is one of this module, or of the module as it was loaded before a snapshot was taken."""
    return type(finder).__name__ == NamesFinder.__name__


def replacement(name: str) -> str | None:
    """Return the sentence about a name of PocketCoffea that isn't here, ``None`` if there is no such name.

    Args:
        name: a module, or a name in one, such as ``pocket_coffea.lib.jets.load_jet_factory``; the sentence about a
            package holds for all in it.
    """
    parts = name.split(".")
    found = (_replacements().get(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((sentence for sentence in found if sentence), None)


@functools.cache
def _replacements() -> Mapping[str, str]:
    import yaml

    read: Mapping[str, str] = yaml.safe_load((_FOLDER / "replacements.yaml").read_text(encoding="utf-8"))
    return {f"{PACKAGE}.{name}": sentence for name, sentence in read.items()}


@functools.cache
def _by_last_part() -> Mapping[str, str]:
    return {name.rpartition(".")[2]: sentence for name, sentence in _replacements().items()}


def _refusal(name: str, sentence: str) -> ConfigError:
    return ConfigError(f"{name} of PocketCoffea isn't here: {sentence}")


class NamesFinder(MetaPathFinder):
    """Finder of PocketCoffea's modules in our folder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the place of a module of PocketCoffea, ``None`` for any other module.

        Raises:
            ConfigError: if the module isn't here, with its replacement.
        """
        if fullname.partition(".")[0] != PACKAGE:
            return None
        folder = _FOLDER.joinpath(*fullname.split(".")[:-1])
        spec = PathFinder.find_spec(fullname, [str(folder)], target)
        if spec is None:
            if sentence := replacement(fullname):
                raise _refusal(fullname, sentence)
            return None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _NamesLoader(spec.loader.name, spec.loader.path)
        return spec


class _NamesLoader(SourceFileLoader):
    """Loader of a module of our folder, in which names that aren't there raise their replacement."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        super().exec_module(module)
        vars(module).setdefault("__getattr__", _missing(module.__name__))


def _missing(module: str) -> Callable[[str], Any]:
    def missing(name: str) -> Any:
        # A module may have imported the name from the one where it is explained.
        of_package = None if name.startswith("__") else replacement(f"{module}.{name}")
        if sentence := of_package or _by_last_part().get(name):
            raise _refusal(f"{module}.{name}", sentence)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return missing
