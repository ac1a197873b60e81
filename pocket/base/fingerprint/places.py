"""Portable names of paths on this machine.

They are relative to the checkout, the analysis, the store, the home directory, or the folder of the installed packages.
"""

from __future__ import annotations

import functools
import os
import re
import sysconfig
from pathlib import Path

from pocket.base.snapshots.process import original

#: Environment variables that name the checkout, the store and the home directory.
_VARIABLES = ("POCKET_ROOT", "POCKET_STORE", "HOME")
#: Folders with the packages of analyses outside of the checkout, in the order of loading.
_outside: dict[str, None] = {}


def register_outside(folder: str | os.PathLike[str]) -> None:
    """Note a folder with an analysis package and the modules beside it, so that paths in it get a portable name."""
    _outside.pop(os.fspath(folder), None)
    _outside[os.fspath(folder)] = None


def portable(text: str) -> str:
    """Return a string with portable names, such as ``<checkout>/analysis/zmumu``, instead of this machine's paths."""
    if os.sep not in text:
        return text
    for root, name in _roots(tuple(_outside), *map(os.environ.get, _VARIABLES)):
        if root in text:
            text = _pattern(root).sub(name.replace("\\", r"\\"), text)
    return text


def located(text: str) -> str:
    """Return the path of this machine that a string from :func:`portable` stands for."""
    roots = _named(tuple(_outside)[-1:], *map(os.environ.get, _VARIABLES))
    found = [(name, folder) for folder, name in roots if f"{text}/".startswith(f"{name}/")]
    if not found:
        return text
    # The innermost one counts, and the first of several with this name.
    named, folder = max(found, key=lambda pair: len(pair[0]))
    return folder + text[len(named) :]


@functools.cache
def _pattern(root: str) -> re.Pattern[str]:
    # Only whole folder names match, wherever they begin in the string: in a URL, or after a colon.
    return re.compile(rf"(?<![\w.-]){re.escape(root)}(?=$|[^\w.-])")


def _named(outside: tuple[str, ...], project: str | None, store: str | None, home: str | None) -> list[tuple[str, str]]:
    engine = str(Path(__file__).resolve().parents[3])
    named = [(project or engine, "<checkout>"), *((folder, "<analysis>") for folder in reversed(outside))]
    named += [(folder, "<packages>") for folder in _packages()]
    # The engine has the same names where it is installed.
    named += [(f"{engine}/{package}", f"<checkout>/{package}") for package in ("pocket", "tasks")]
    return [*named, *((folder, name) for folder, name in ((store, "<store>"), (home, "<home>")) if folder)]


@functools.cache
def _packages() -> tuple[str, ...]:
    return tuple(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))


@functools.lru_cache(maxsize=16)
def _roots(outside: tuple[str, ...], project: str | None, store: str | None, home: str | None) -> list[tuple[str, str]]:
    """Return folder → name, the innermost folder first."""
    named = _named(outside, project, store, home)
    found: dict[str, str] = {}
    # Links in a snapshot lead to files of the original, so both have names.
    originals = [(original(folder), name) for folder, name in named]
    folders = [(os.path.abspath(folder), name) for folder, name in [*named, *originals]]  # noqa: PTH100  Links stay.
    for folder, name in folders:
        if folder.strip(os.sep):
            found.setdefault(folder, name)
            found.setdefault(os.path.realpath(folder), name)
    # A snapshot of code consists of links to the folders in it, and one of these folders may have a name of its own,
    # such as a checkout beside an analysis.
    for folder, name in folders:
        for entry in _links(folder):
            found.setdefault(os.path.realpath(os.path.join(folder, entry)), f"{name}/{entry}")  # noqa: PTH118
    return sorted(found.items(), key=lambda item: -len(item[0]))


def _links(folder: str) -> list[str]:
    if not os.path.isdir(folder):  # noqa: PTH112
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_symlink() and entry.is_dir())
