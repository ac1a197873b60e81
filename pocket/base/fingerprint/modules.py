"""Origin of modules: their file, distribution and version, found without importing them."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

#: Packages of this project, whose code counts by content even if they are installed; one has PocketCoffea's name.
OWN_PACKAGES = frozenset({"analysis", "pocket", "pocket_coffea", "tasks"})
_ENGINE = frozenset({"pocket", "pocket_coffea", "tasks"})

#: Libraries whose version changes no number: formats, remote files, plots, parameters, workflows, terminal.
_NO_NUMBERS = frozenset({
    "XRootD", "aiohttp", "cloudpickle", "cramjam", "dask", "distributed", "fsspec", "fsspec_xrootd", "h5py", "htcondor",
    "htcondor2", "jinja2", "jsonschema", "law", "luigi", "lz4", "matplotlib", "mplhep", "omegaconf", "packaging",
    "psutil", "pyarrow", "pydantic", "pytest", "rich", "rucio", "setuptools", "tqdm", "typing_extensions", "uhi",
    "xrootd", "yaml", "zstandard",
})  # fmt: skip
_INSTALLED = frozenset({"dist-packages", "site-packages"})


@dataclass(frozen=True)
class Location:
    """Location of a module.

    Args:
        file: its source or compiled file; ``None`` for a package without ``__init__.py``.
        folders: the folders that hold a package's modules, empty for a plain module.
    """

    file: str | None
    folders: tuple[str, ...] = ()


def top_level(module: str) -> str:
    """Return the first part of a dotted name."""
    return module.partition(".")[0]


def locate(module: str, known: dict[str, Location | None] | None = None) -> Location | None:
    """Return the location of a module, ``None`` if it isn't found.

    Args:
        module: its absolute name.
        known: module → location of the modules that were found before; updated by this function.
    """
    known = {} if known is None else known
    if module not in known:
        parent, _, name = module.rpartition(".")
        package = locate(parent, known) if parent else None
        known[module] = _locate_in(package.folders if package else (), name) if parent else _locate_top(module)
    return known[module]


def _locate_in(folders: tuple[str, ...], name: str) -> Location | None:
    for folder in folders:
        # Strings are used, since path objects take longer than the file system here.
        base = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(file := os.path.join(base, "__init__.py")):  # noqa: PTH113, PTH118
            return Location(file, (base,))
        if os.path.isfile(file := f"{base}.py"):  # noqa: PTH113
            return Location(file)
        if os.path.isdir(base):  # noqa: PTH112
            return Location(None, (base,))
    return None


def is_library(module: str) -> bool:
    """Tell whether a module belongs to the standard library or to an installed distribution."""
    top = top_level(module)
    if top in OWN_PACKAGES or top == "__main__":
        return False
    if top in sys.builtin_module_names:
        # Modules of the interpreter itself have no file.
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None and (location := _locate_top(top)):
        file = location.file or location.folders[0]
    return top in sys.stdlib_module_names if file is None else _is_installed(file)


@functools.lru_cache(maxsize=4096)
def owner(module: str) -> str:
    """Return the owner of a module: ``library``, ``engine`` for this package and its tasks, or ``user``.

    The result is cached per name, since thousands of frames ask for it.
    """
    if top_level(module) in _ENGINE:
        return "engine"
    return "library" if is_library(module) else "user"


@functools.cache
def version(module: str) -> str:
    """Return the distribution and the significant version of a library's module, e.g. ``"awkward 2"``.

    Releases with the same first number promise the same results; manifests have the full version. A distribution that
    was installed from a folder, a repository or a file may be no release, so that its files count, too. For a library
    that affects no numbers, and for the standard library, only the name counts: the same code has the same meaning in
    another version of Python, for which other releases of NumPy may be installed.
    """
    top = top_level(module)
    if top in sys.stdlib_module_names:
        return "python"
    if top in _NO_NUMBERS:
        return top
    try:
        return _described(top)
    except metadata.PackageNotFoundError:
        return ", ".join(_described(name) for name in sorted(set(metadata.packages_distributions().get(top, ()))))


def _described(name: str) -> str:
    """Return what of a distribution counts.

    Raises:
        PackageNotFoundError: if there is no such distribution.
    """
    distribution = metadata.distribution(name)
    words = [name, _compatible(distribution.version)]
    # Installers write this file for all that they don't take from an index; packages of conda have that of their build.
    if distribution.read_text("direct_url.json") and (distribution.read_text("INSTALLER") or "").strip() != "conda":
        # Its own metadata and scripts have paths of the machine, and compiled files have no hash.
        files = sorted(
            f"{file} {file.hash.value}"
            for file in distribution.files or ()
            if file.hash and not file.parts[0].endswith((".dist-info", ".."))
        )
        words.append(hashlib.sha256("\n".join(files).encode()).hexdigest()[:12])
    return " ".join(words)


def _compatible(version: str) -> str:
    """Return the first number of a version, or the first two if it is 0: such releases may change results."""
    first, _, rest = version.partition(".")
    return f"0.{rest.partition('.')[0]}" if first == "0" else first


def number_library(module: str) -> str:
    """Return the distribution and version of a library's module if it affects numbers, else an empty string."""
    top = top_level(module)
    return "" if top in sys.stdlib_module_names or top in _NO_NUMBERS else version(module)


def public_name(module: str) -> str:
    """Return the name of a module that is the same in all versions of Python, which moves its internal modules."""
    return top_level(module) if top_level(module) in sys.stdlib_module_names else module


def _locate_top(name: str) -> Location | None:
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # The module was loaded by hand, without a spec.
        file = getattr(sys.modules.get(name), "__file__", None)
        folders = tuple(getattr(sys.modules.get(name), "__path__", ()))
    else:
        file = spec.origin if spec and spec.has_location else None
        folders = tuple((spec and spec.submodule_search_locations) or ())
    return Location(file, folders) if file or folders else None


@functools.cache
def _is_installed(file: str) -> bool:
    path = Path(file)
    return not _INSTALLED.isdisjoint(path.parts) or path.is_relative_to(sysconfig.get_path("stdlib"))
