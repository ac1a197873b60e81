"""Report of outputs in the store that an earlier version made and this version doesn't use."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pocket.io.store.manifest import Manifest, is_complete, read_manifest

_log = logging.getLogger(__name__)

#: First version whose fingerprints contain no paths, and whose manifests name the records of an output.
SINCE = "0.2"
#: Entry of a manifest's ``info`` that outputs have since then.
RECORDS = "records"
#: File in a version's folder that records that its older outputs were reported.
REPORTED = f".before-{SINCE}-reported"


@functools.cache
def report_older(version: Path) -> None:
    """Report once how many outputs in ``<store>/<analysis>/<Task>/<config>/<version>`` an earlier version made."""
    # They have other fingerprints than new outputs, so they are never used again. They aren't removed.
    if os.path.lexists(version / REPORTED):
        return
    number = sum(map(_is_older, _visible(version)))
    if not number:
        return
    text = "1 output in {} was" if number == 1 else f"{number} outputs in {{}} were"
    stay = "it stays, but is" if number == 1 else "they stay, but are"
    _log.info("%s made before %s: %s not found again", text.format(version), SINCE, stay)
    # If nothing can be written, it is reported again next time.
    with contextlib.suppress(OSError):
        (version / REPORTED).touch()


def _is_older(fingerprint: Path) -> bool:
    """Tell whether the output with a fingerprint is complete and was made by an earlier version."""
    # One branch is enough, since the code is in the fingerprint.
    found = _first_output(fingerprint)
    return found is not None and RECORDS not in found[1].info and is_complete(found[0])


def _first_output(folder: Path) -> tuple[Path, Manifest] | None:
    """Return an output in a folder, or the folder itself if it is one, with its manifest."""
    if (manifest := read_manifest(folder)) is not None:
        return folder, manifest
    return next(filter(None, map(_first_output, _visible(folder))), None)


def _visible(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield folder / entry.name
