"""Places of public files: corrections in either layout of CMS, and certified sections that are shipped.

The current layout of corrections is ``<group>/<period>/<tag>/<file>``, that of jsonpog-integration and of its mirrors
``POG/<group>/<folder>/<file>``.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from pocket.errors import ConfigError
from pocket.parameters.eras import eras
from pocket.parameters.locations import expand_directories, local_path
from pocket.parameters.shipped import shipped_root

ROOT = "/cvmfs/cms-griddata.cern.ch/cat/metadata"
LATEST = "latest"
#: Period of what is for all eras, which is in no folder of jsonpog-integration: jer_smear.json.gz.
_OF_ALL = "JER-Smearing"
_SCHEME = "corrections://"
#: A name may begin with the root that it belongs to, an absolute path.
_OLD = re.compile(r"(?:(?P<root>/.*)/)?POG/(?P<group>\w+)/(?:(?P<folder>[^/]+)/)?(?P<file>[^/]+)")
_CURRENT = re.compile(
    r"(?:(?P<root>/.*)/)?(?P<group>\w+)/(?P<period>Run\d[^/]*|JER-Smearing)/(?P<tag>[^/]+)/(?P<file>[^/]+)"
)


@dataclass(frozen=True)
class CorrectionPlace:
    """Place of a file of a physics object group in a collection of corrections.

    The folder is that in jsonpog-integration, ``None`` if it is unknown, and the period that of the current layout,
    empty if none is known. A name in the layout of jsonpog-integration has no tag. Without a root, it is in the
    configured ones.
    """

    group: str
    folder: str | None
    period: str
    tag: str
    file: str
    root: str = ""

    @classmethod
    def of(cls, name: str) -> CorrectionPlace | None:
        """Return the place that a name stands for, ``None`` if it is in neither layout."""
        if name.startswith(f"{ROOT}/"):
            relative = name.removeprefix(f"{ROOT}/")
        elif name.startswith(_SCHEME):
            relative = name.removeprefix(_SCHEME)
        else:
            return None
        if match := _OLD.fullmatch(relative):
            found = match.groupdict(default="")
            return cls(**found, period=periods().get(found["folder"], ""), tag="")
        if match := _CURRENT.fullmatch(relative):
            found = match.groupdict(default="")
            folders = {period: folder for folder, period in periods().items()}
            return cls(**found, folder=folders.get(found["period"]))
        return None

    @property
    def old(self) -> str:
        """Path in the layout of jsonpog-integration, empty if it has no place there."""
        if self.folder is None:
            return ""
        return "/".join(filter(None, ("POG", self.group, self.folder, self.file)))

    @property
    def current(self) -> str:
        """Path in the current layout, of the latest version without a tag; empty if it has no place there."""
        return f"{self.group}/{self.period}/{self.tag or LATEST}/{self.file}" if self.period else ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths in a root at which the file may be, in this order.

        A version with a tag is only that version, unless the root was chosen for this file.
        """
        paths = (self.current, self.old if self.root else "") if self.tag else (self.old, self.current)
        return tuple(filter(None, paths))

    @property
    def name(self) -> str:
        """The name that parameters have for it."""
        return f"{_SCHEME}{self.root}{'/' if self.root else ''}{self.current if self.tag else self.old}"


def periods() -> dict[str, str]:
    """Return folder in jsonpog-integration → period in the current layout.

    Source: https://cms-analysis-corrections.docs.cern.ch
    """
    return {**{era.folder: era.period for era in eras().values() if era.folder}, "": _OF_ALL}


def candidates(scheme: str, relative: str, roots: Sequence[Path], chosen: bool) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the roots that are searched for a public file, in this order, each with the paths in it."""
    if scheme == "certification":
        # What is shipped has no folders, as in PocketCoffea.
        shipped = [] if chosen else [(shipped_root() / "params" / "datacert", (Path(relative).name,))]
        return [*((root, (relative,)) for root in roots), *shipped]
    place = CorrectionPlace.of(f"{_SCHEME}{relative}")
    if place is None:
        return [(root, (relative,)) for root in roots]
    if place.root:
        return [(Path(place.root), place.paths)]
    current = [] if chosen or not place.current else [(Path(ROOT), (place.current,))]
    return [*((root, place.paths) for root in roots), *current]


def not_found(name: str, places: Sequence[tuple[Path, tuple[str, ...]]], remedy: str) -> ConfigError:
    """Return the error for a public file that is nowhere, with all places."""
    roots = " or ".join(dict.fromkeys(str(root) for root, _ in places))
    paths = list(dict.fromkeys(path for _, paths in places for path in paths))
    forms = f", as {' or '.join(paths)}" if len(paths) > 1 else ""
    return ConfigError(f"{name} is not in {roots}{forms}: {remedy}")


def in_mirror(path: str, mirrors: Sequence[Path]) -> str:
    """Return the path of a file of the current layout, in a mirror if CVMFS isn't there; others stay as they are."""
    if not path.startswith(f"{ROOT}/") or os.access(path, os.R_OK):
        return path
    relative = path.removeprefix(f"{ROOT}/")
    group, period, _, file = (*relative.split("/", 3), "", "", "")[:4]
    folders = [folder for folder, known in periods().items() if known == period]
    for mirror in mirrors:
        for found in (mirror / relative, *(mirror / "POG" / group / folder / file for folder in folders)):
            if os.access(found, os.R_OK):
                return str(found)
    return path


def with_local_paths(value: Any) -> Any:
    """Return a value with the paths of files in registered directories, in lists and dictionaries, too."""
    if isinstance(value, dict):
        return {key: with_local_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(with_local_paths, value))
    return expand_directories(value) if isinstance(value, str) else value


def for_code(name: str, frame: FrameType) -> str:
    """Return a value of the parameters as code gets it: analyses get the path of a public file, if it is there."""
    if str(frame.f_globals.get("__name__")).partition(".")[0] in ("pocket", "collections"):
        return name
    with contextlib.suppress(ConfigError):
        return local_path(name)
    return name
