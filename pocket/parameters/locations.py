"""Portable names of the files that parameters name, so that no machine's path becomes part of the parameters.

A name is ``scheme://relative/path``. A scheme is a collection of public files (:data:`PUBLIC`), or a directory that an
analysis registered (:func:`register_configuration_dir`). Names are resolved only where a file is used.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.parameters.used_files import files_in_use


@dataclass(frozen=True)
class PublicFiles:
    """Collection of public files, which may exist in several places."""

    variable: str
    mounts: tuple[str, ...]
    origin: str


#: Scheme → collection of public files.
PUBLIC: Mapping[str, PublicFiles] = {
    "corrections": PublicFiles(
        variable="POCKET_CORRECTIONS",
        mounts=("/cvmfs/cms.cern.ch/rsync/cms-nanoAOD/jsonpog-integration",),
        origin="https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration",
    ),
    "certification": PublicFiles(
        variable="POCKET_CERTIFICATION",
        mounts=("/eos/user/c/cmsdqm/www/CAF/certification",),
        origin="https://cms-service-dqmdc.web.cern.ch/CAF/certification",
    ),
}

#: Schemes that have another meaning already.
_RESERVED = (*PUBLIC, "toys", "file", "http", "https", "root", "davs")


class _Directories(dict[str, Path]):
    """Registered directories by name; their paths on this machine aren't part of a fingerprint."""

    def __fingerprint__(self) -> str:
        return "directories"


_directories = _Directories()


def project_root() -> Path:
    """Return the folder with params/, datasets/ and analysis/: ``$POCKET_ROOT``, or else this file's checkout."""
    root = os.environ.get("POCKET_ROOT")
    return Path(root) if root else Path(__file__).resolve().parents[2]


def project_path(path: str | Path) -> Path:
    """Return a path; a relative one is relative to the project."""
    return project_root() / path


def register_configuration_dir(name: str, directory: str | Path) -> None:
    """Register a directory, so that YAML files can name files in it as ``${name:relative/path}``.

    The value in the composed parameters is ``name://relative/path``, which doesn't depend on the directory's path; the
    processor gets the path (:func:`expand_directories`).

    Args:
        name: letters, digits and underscores; registering it again replaces the directory.
        directory: the directory; a relative one is relative to the project.

    Raises:
        ConfigError: if the name is taken or invalid.
    """
    taken = name in _RESERVED or (OmegaConf.has_resolver(name) and name not in _directories)
    if taken or not name.isidentifier():
        reason = "is taken" if taken else "must consist of letters, digits and underscores"
        raise ConfigError(f"configuration directory {name!r}: the name {reason}")
    _directories[name] = project_path(directory)
    OmegaConf.register_resolver(name, lambda relative="": f"{name}://{str(relative).lstrip('/')}", replace=True)


def directory_names() -> frozenset[str]:
    """Return the names of the registered directories."""
    return frozenset(_directories)


def expand_directories(name: str) -> str:
    """Return the path of a file in a registered directory, or in a mirror of CVMFS; anything else stays as it is."""
    if name.startswith("/cvmfs/"):
        return str(_found_by_name("in_mirror")(name, public_roots("corrections")))
    scheme, separator, relative = name.partition("://")
    if not separator or scheme not in _directories:
        return name
    return str(_directories[scheme] / relative.lstrip("/"))


def _found_by_name(function: str) -> Any:
    # The import is by name to keep the module out of fingerprints, which hold the names of files, not their places.
    return getattr(importlib.import_module("pocket.parameters.public_places"), function)


def local_path(name: str) -> str:
    """Return the path of a file on this machine.

    Args:
        name: ``scheme://relative/path``, or a path, which is returned as it is.

    Raises:
        ConfigError: if no copy of a public file is found; the error names the searched folders.
    """
    path = _find(name)
    if (used := files_in_use()) is not None:
        used.note(name, path)
    return path


def _find(name: str) -> str:
    scheme, separator, relative = name.partition("://")
    if not separator or scheme not in PUBLIC:
        return expand_directories(name)
    public = PUBLIC[scheme]
    chosen = bool(os.environ.get(public.variable))
    places = _found_by_name("candidates")(scheme, relative, public_roots(scheme), chosen)
    for root, paths in places:
        for path in paths:
            # Unlike Path.is_file, this raises no error for a mount that is broken or closed to this user.
            if os.access(root / path, os.R_OK):
                return str(root / path)
    remedy = f"mount CVMFS or EOS, or set {public.variable} to a copy of {public.origin}"
    raise _found_by_name("not_found")(name, places, "name a root that has it" if relative.startswith("/") else remedy)


def public_roots(scheme: str) -> tuple[Path, ...]:
    """Return the folders that are searched for public files: the variable's, or the mounts and the mirror."""
    chosen = os.environ.get(PUBLIC[scheme].variable)
    if chosen:
        return (Path(chosen),)
    return (*map(Path, PUBLIC[scheme].mounts), project_path("data") / scheme)
