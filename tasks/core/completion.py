"""Names of analyses for completion in the shell, which reads files instead of importing an analysis.

There is one file per analysis, ``$LAW_HOME/names/REFERENCE`` with ``%`` for ``/``. Each line has an option and the
names that it takes. Commands write it when they have loaded the analysis; ``tasks/command/completion.sh`` reads it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.base.snapshots.process import original
from pocket.io.store.publishing import replacing_file
from tasks.settings.options import resource_names

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis

#: folder in ``$LAW_HOME``
FOLDER = "names"
#: environment variable of batch jobs, which don't write names
_OF_JOBS = "POCKET_RECORDS"


def keep_names(reference: str, analysis: Analysis) -> None:
    """Write the names of an analysis, unless they are in the file already or it can't be written."""
    home = os.environ.get("LAW_HOME")
    if not home or _OF_JOBS in os.environ:
        return
    path = Path(home, FOLDER, file_name(original(reference)))
    # Names with spaces or signs of the shell can't be completed.
    lines = ([option, *filter(_is_plain, names)] for option, names in names_of(analysis).items())
    content = "".join(f"{' '.join(line)}\n" for line in lines).encode()
    # Names are a convenience, so no error of theirs may reach the user.
    with contextlib.suppress(OSError):
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(path) as file:
            file.write(content)


def file_name(reference: str) -> str:
    """Return the name of the file for a reference.

    >>> file_name("../mine")
    '..%mine'
    """
    return reference.replace("/", "%")


def names_of(analysis: Analysis) -> dict[str, list[str]]:
    """Return option → the names that it takes."""
    configs = [*analysis.configs, *analysis.broken]
    found = analysis.configs.values()
    return {
        "--config": configs,
        "--compare": [*configs, "none"],
        "--scale-factor": list(analysis.scale_factors),
        "--model": list(analysis.models),
        "--variables": _each(config.variables for config in found),
        "--variable": _each(config.variables for config in found),
        "--categories": _each(config.categories.names for config in found),
        "--filter-samples": _each(config.samples for config in found),
        "--filter-datasets": _each(config.definitions for config in found),
        "--resources": resource_names(),
        "--executor": ["iterative", "futures", "dask", *analysis.executors],
    }


def _each(several: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in several for name in names))


def _is_plain(name: str) -> bool:
    return bool(name) and name.isascii() and all(sign.isalnum() or sign in "_-.+:" for sign in name)
