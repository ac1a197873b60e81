"""Replicas of CMS files at the sites that Rucio knows."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pocket.datasets.catalogues import rucio_query
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError

#: Logical name of a file → pairs of site and address.
Replicas: TypeAlias = dict[str, list[tuple[str, str]]]

#: Name of coffea's map of the sites' addresses.
_MAP = ".sites_map.json"

# Errors of Rucio's client that don't depend on the dataset: of its configuration, of the proxy, and of the connection.
_OF_RUCIO = re.compile(
    r": (no answer within|ConfigNotFound|CannotAuthenticate|MissingClientParameter|\w*(Connect|Timeout)\w*:)"
)

#: Seconds for importing coffea, which is slow on a busy machine.
MARGIN = 30.0


def rucio_replicas(dataset: str, settings: Settings, folder: Path) -> Replicas:
    """Return the replicas of a dataset's files that Rucio knows.

    The folder keeps coffea's map of the sites' addresses, which is renewed after ten minutes.
    """
    found = _query({"dataset": dataset, "timeout": settings.timeout}, settings, folder, f"Rucio on {dataset}")
    if not found:
        raise DatasetError(f"Rucio knows no files of {dataset}")
    return found


def is_unreachable(error: DatasetError) -> bool:
    """Tell whether an error of :func:`rucio_replicas` means that Rucio wouldn't answer other questions either.

    Examples:
        >>> is_unreachable(DatasetError("Rucio on /A/x/NANOAODSIM: no answer within 180 s"))
        True
        >>> is_unreachable(DatasetError("Rucio knows no files of /A/x/NANOAODSIM"))
        False
    """
    return bool(_OF_RUCIO.search(str(error)))


def site_replicas(places: Sequence[tuple[str, str]], settings: Settings, folder: Path) -> Replicas:
    """Return the addresses of files that are known to be at one site, from pairs of logical name and site."""
    return _query({"places": list(places)}, settings, folder, "the sites' addresses")


def _query(request: Mapping[str, Any], settings: Settings, folder: Path, what: str) -> Replicas:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    # coffea doesn't write its map atomically, so each process has its own. The folder may be another user's.
    place = folder if folder.is_dir() and os.access(folder, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix=".query-") as own:
        try:
            if settings.sites_map:
                shutil.copyfile(settings.sites_map, Path(own) / _MAP)
            elif (folder / _MAP).exists():
                shutil.copy2(folder / _MAP, own)
        except OSError as error:
            raise DatasetError(f"the map of sites {settings.sites_map} can't be read: {error.strerror}") from error
        answer = _run(request, settings, Path(own), what)
        if place and not settings.sites_map and (Path(own) / _MAP).exists():
            (Path(own) / _MAP).replace(place / _MAP)
    if "error" in answer:
        raise DatasetError(f"{what}: {answer['error']}")
    return replicas_of(answer["replicas"])


def _run(request: Mapping[str, Any], settings: Settings, folder: Path, what: str) -> dict[str, Any]:
    # A client asks several times, and waits in between.
    seconds = MARGIN + settings.timeout * (settings.retries + 1)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    try:
        result = subprocess.run(
            # With -P, the folder of the program isn't searched for modules.
            [sys.executable, "-P", rucio_query.__file__],
            input=json.dumps(request),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise DatasetError(f"{what}: no answer within {seconds:.0f} s") from None
    try:
        answer: dict[str, Any] = json.loads(result.stdout)
    except ValueError:
        last = (result.stderr.strip() or "no message").splitlines()[-1]
        raise DatasetError(f"{what}: {last}") from None
    return answer


def replicas_of(content: Mapping[str, Any]) -> Replicas:
    """Return replicas from JSON, which has no tuples."""
    return {name: [(site, address) for site, address in places] for name, places in content.items()}
