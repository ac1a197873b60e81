"""Corrections in CVMFS, in CMS' current layout ``<group>/<period>/<tag>/<file>`` and in that of jsonpog-integration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import OmegaConf

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
#: Group → period → tag, for files that parameters name without one.
_tags: dict[str, Mapping[str, str]] = {}


def set_tags(tags: Mapping[str, Mapping[str, str]]) -> None:
    """Set group → period → tag, for files that are named without one; the latest ones by default."""
    _tags.clear()
    _tags.update(tags)


def _path(period: str, group: str, file: str, tag: str | None = None) -> str:
    return f"{ROOT}/{group}/{period}/{tag or _tags.get(group, {}).get(period, LATEST)}/{file}"


# PocketCoffea's form, ${cvmfs:<period>,<group>,<file>,<tag>}.
OmegaConf.register_resolver("cvmfs", _path, replace=True)


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
