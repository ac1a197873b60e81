"""Report of outputs in the store that an earlier version made, which are not found again."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pocket.io.store.manifest import Manifest, is_complete, read_manifest

_log = logging.getLogger(__name__)

#: first version whose fingerprints hold no path, and whose manifests name the records of what decided the output
SINCE = "0.2"
#: entry of a manifest's ``info`` that outputs have since then
RECORDS = "records"
#: file in a version's folder that tells that its older outputs were reported
REPORTED = f".before-{SINCE}-reported"


@functools.cache
def report_older(version: Path) -> None:
    """Tell once how many outputs of a task, configuration and version were made by an earlier version of the code.

    They have other fingerprints than what is made now, so that nothing finds them again. They are not touched.

    Args:
        version: folder of the fingerprints, ``<store>/<analysis>/<Task>/<config>/<version>``.
    """
    if os.path.lexists(version / REPORTED):
        return
    number = sum(map(_is_older, _visible(version)))
    if not number:
        return
    text = "1 output in {} was" if number == 1 else f"{number} outputs in {{}} were"
    stay = "it stays, but is" if number == 1 else "they stay, but are"
    _log.info("%s made before %s: %s not found again", text.format(version), SINCE, stay)
    # Where nothing can be written, it is told again.
    with contextlib.suppress(OSError):
        (version / REPORTED).touch()


def _is_older(fingerprint: Path) -> bool:
    """Whether the output with a fingerprint is complete, and of an earlier version."""
    # One branch tells of all, since the code is in the fingerprint.
    found = _first_output(fingerprint)
    return found is not None and RECORDS not in found[1].info and is_complete(found[0])


def _first_output(folder: Path) -> tuple[Path, Manifest] | None:
    """Return an output that is in a folder, or the folder itself, with its manifest."""
    if (manifest := read_manifest(folder)) is not None:
        return folder, manifest
    return next(filter(None, map(_first_output, _visible(folder))), None)


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the folders in a folder, without those that are being written."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield folder / entry.name
