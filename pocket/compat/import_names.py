"""Import hook that finds PocketCoffea's modules in our folder of the same names, and never in the real package.

A file has the replacement of each name that isn't in the folder. This module knows only where both are, so that every
process can install the hook without loading them. For a name that isn't in the folder a stand-in is imported
(:mod:`pocket.compat.refused_names`).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

from pocket.compat.refused_names import RefusedModule, names_that_are_refused

#: The package whose names are ours.
PACKAGE = "pocket_coffea"
_FOLDER = Path(__file__).parent


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
    """Return the sentence about a module of PocketCoffea, or a name in one, that isn't here, ``None`` without any.

    The sentence about a package holds for all in it.
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


class NamesFinder(MetaPathFinder):
    """Finder of PocketCoffea's modules in our folder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the place of a module of PocketCoffea or of its stand-in, ``None`` for any other module."""
        if fullname.partition(".")[0] != PACKAGE:
            return None
        folder = _FOLDER.joinpath(*fullname.split(".")[:-1])
        spec = PathFinder.find_spec(fullname, [str(folder)], target)
        if spec is None:
            sentence = replacement(fullname)
            return ModuleSpec(fullname, _StandInLoader(sentence), is_package=True) if sentence else None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _NamesLoader(spec.loader.name, spec.loader.path)
        return spec


class _NamesLoader(SourceFileLoader):
    """Loader of a module of our folder, in which there are stand-ins for names that aren't there."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)

        def explained(name: str) -> str | None:
            # A module may have imported the name from the one where it is explained.
            return replacement(f"{module.__name__}.{name}") or _by_last_part().get(name)

        vars(module).setdefault("__getattr__", names_that_are_refused(module.__name__, explained))


class _StandInLoader(Loader):
    """Loader of a module that isn't in our folder."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return RefusedModule(spec.name, self._sentence)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""
