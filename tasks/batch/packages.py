"""The installed packages that jobs need: all except those that only extras for other purposes require."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from pocket.errors import ConfigError
from pocket.parameters.shipped import engine_root

#: extras of pyproject.toml that no job needs
NOT_FOR_JOBS = ("catalogues", "check", "dask", "dev", "docs", "htcondor", "setup")


def package_files() -> list[Path]:
    """Return the files in site-packages that jobs need, relative to it and sorted."""
    if sys.prefix == sys.base_prefix:
        raise ConfigError(f"a bundle is made of the environment of setup.sh, but {sys.executable} is in none")
    needed, others = _declared_requirements()
    unneeded = with_requirements(others) - with_requirements(needed)
    folder = site_packages()
    left_out: set[Path] = set()
    for distribution in metadata.distributions(path=[str(folder)]):
        if canonicalize_name(distribution.metadata["Name"]) in unneeded:
            left_out.update(Path(str(file)) for file in distribution.files or ())
        elif json.loads(distribution.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
            raise ConfigError(
                f"package {distribution.metadata['Name']} is installed as a link to its code, which a bundle doesn't "
                "have: install it without --editable"
            )
    found = (path for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file())
    return sorted({path.relative_to(folder) for path in found} - left_out)


def site_packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def with_requirements(requirements: Iterable[str]) -> set[str]:
    """Return the names of the installed packages that requirements name, and of all packages that those require."""
    from packaging.requirements import Requirement

    # A package may be required again with more extras.
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(Requirement(text), frozenset[str]()) for text in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        try:
            required = metadata.requires(requirement.name) or []
        except metadata.PackageNotFoundError:
            continue
        seen.add(key)
        waiting += [(Requirement(text), key[1]) for text in required]
    return {name for name, _ in seen}


def _declared_requirements() -> tuple[list[str], list[str]]:
    """Return what Pocketlaw requires for jobs and for other purposes, by pyproject.toml or the package's metadata."""
    file = engine_root() / "pyproject.toml"
    if not file.is_file():
        extras = set(metadata.metadata("pocketlaw").get_all("Provides-Extra") or ()) - set(NOT_FOR_JOBS)
        return [f"pocketlaw[{','.join(sorted(extras))}]"], [f"pocketlaw[{','.join(NOT_FOR_JOBS)}]"]
    # tomllib takes long to import and is only needed to make a bundle.
    import tomllib

    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    declared = project["optional-dependencies"]
    return (
        [*project["dependencies"], *_of(declared, set(declared) - set(NOT_FOR_JOBS))],
        _of(declared, NOT_FOR_JOBS),
    )


def _of(extras: dict[str, list[str]], names: Iterable[str]) -> list[str]:
    return [requirement for name in names for requirement in extras.get(name, [])]
