"""Logs of jobs: a file for each job while there is work to do, and one archive of all once it is done."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from pocket.errors import PocketError
from pocket.io.store.publishing import replacing_file

#: Archive of the logs, in the control folder.
LOGS = "logs.zip"
#: Names of the logs, as law has them.
PATTERN = "stdall_*.txt"


def pack_logs(control: Path, keep: Collection[Path] = ()) -> int:
    """Move the logs of jobs into the archive beside them, except some that messages name, and return their number.

    The archive is replaced by one rename, after which the logs are removed. A later log of the same branches wins.
    """
    logs = sorted(path for path in control.glob(PATTERN) if path not in keep)
    if not logs:
        return 0
    archive = control / LOGS
    try:
        with replacing_file(archive) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            _copy_others(archive, packed, {path.name for path in logs})
            for path in logs:
                packed.write(path, path.name)
        for path in logs:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise PocketError(f"the logs in {control} can't be packed: {error.strerror or error}") from error
    return len(logs)


def _copy_others(archive: Path, packed: zipfile.ZipFile, names: Collection[str]) -> None:
    """Copy the logs that an archive has besides some; what is damaged is left out."""
    with contextlib.suppress(FileNotFoundError, zipfile.BadZipFile), zipfile.ZipFile(archive) as old:
        for info in old.infolist():
            if info.filename not in names:
                with contextlib.suppress(zipfile.BadZipFile, zlib.error):
                    packed.writestr(info, old.read(info), zipfile.ZIP_DEFLATED)
