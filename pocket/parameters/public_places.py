"""Further places of public files: corrections in CMS' current layout in CVMFS, and certified sections that are shipped.

The current layout of corrections is ``<group>/<period>/<tag>/<file>``, that of jsonpog-integration and of its mirrors
``POG/<group>/<folder>/<file>``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from pocket.errors import ConfigError
from pocket.parameters.locations import expand_directories, local_path
from pocket.parameters.shipped import shipped_root

ROOT = "/cvmfs/cms-griddata.cern.ch/cat/metadata"
LATEST = "latest"
#: Folder in jsonpog-integration → period in the current layout: https://cms-analysis-corrections.docs.cern.ch
PERIODS = {
    "2016preVFP_UL": "Run2-2016preVFP-UL-NanoAODv9",
    "2016postVFP_UL": "Run2-2016postVFP-UL-NanoAODv9",
    "2017_UL": "Run2-2017-UL-NanoAODv9",
    "2018_UL": "Run2-2018-UL-NanoAODv9",
    "2022_Summer22": "Run3-22CDSep23-Summer22-NanoAODv12",
    "2022_Summer22EE": "Run3-22EFGSep23-Summer22EE-NanoAODv12",
    "2023_Summer23": "Run3-23CSep23-Summer23-NanoAODv12",
    "2023_Summer23BPix": "Run3-23DSep23-Summer23BPix-NanoAODv12",
    "2024_Summer24": "Run3-24CDEReprocessingFGHIPrompt-Summer24-NanoAODv15",
    "2025_Prompt": "Run3-25Prompt-Summer24-NanoAODv15",
}


def further_paths(scheme: str, relative: str) -> list[Path]:
    """Return the paths at which a public file may also be.

    Args:
        scheme: ``corrections`` or ``certification``.
        relative: its path in the collection.
    """
    if scheme == "certification":
        # What is shipped has no folders, as in PocketCoffea.
        return [shipped_root() / "params" / "datacert" / Path(relative).name]
    current = current_path(relative)
    return [current] if current else []


def current_path(relative: str) -> Path | None:
    """Return the path in the current layout of ``POG/<group>/<folder>/<file>``, ``None`` if it has no place there."""
    top, _, rest = relative.partition("/")
    group, _, rest = rest.partition("/")
    folder, _, file = rest.partition("/")
    return Path(ROOT, group, PERIODS[folder], LATEST, file) if top == "POG" and folder in PERIODS else None


def in_mirror(path: str, mirrors: Sequence[Path]) -> str:
    """Return the path of a file of the current layout, in a mirror if CVMFS isn't there; others stay as they are.

    Args:
        path: any path.
        mirrors: folders with copies of the corrections, in either layout.
    """
    if not path.startswith(f"{ROOT}/") or os.access(path, os.R_OK):
        return path
    relative = path.removeprefix(f"{ROOT}/")
    group, period, _, file = (*relative.split("/", 3), "", "", "")[:4]
    folders = [folder for folder, known in PERIODS.items() if known == period]
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
    """Return a value of the parameters as code gets it: analyses get the path of a public file, if it is there.

    Args:
        name: the value.
        frame: the code that reads it.
    """
    if str(frame.f_globals.get("__name__")).partition(".")[0] in ("pocket", "omegaconf"):
        return name
    with contextlib.suppress(ConfigError):
        return local_path(name)
    return name
