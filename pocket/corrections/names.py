"""Names of the corrections in correctionlib files, cached beside the store, since loading may take seconds."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable
from pathlib import Path

from pocket.base.runtime.file_state import checksum, near_files
from pocket.base.runtime.remarks import remark
from pocket.corrections.files import names_of
from pocket.errors import ConfigError, UnknownNameError
from pocket.io.store.paths import store_root
from pocket.io.store.publishing import replacing_file
from pocket.parameters.checksums import FileContent
from pocket.parameters.locations import local_path


def check_corrections(corrections: Iterable[tuple[str, str]]) -> None:
    """Check that corrections, (file, name) of each, exist in their files.

    A file that isn't on this machine is skipped: another step may make it, and jobs may have it. One with nearly the
    name of a file that is there is noted.
    """
    for file, name in corrections:
        try:
            path = local_path(file)
            content = FileContent(path, checksum(path))
        except FileNotFoundError as error:
            if meant := near_files(Path(str(error.filename)), only_beside=True):
                remark(f"correction file {error.filename} isn't on this machine{meant}")
            continue
        except (ConfigError, OSError):
            continue
        known = _names(content)
        if name not in known:
            raise UnknownNameError("correction", name, known, Path(file).name)


@functools.lru_cache(maxsize=256)
def _names(content: FileContent) -> tuple[str, ...]:
    """Return the names of the corrections in a file, including compound ones."""
    place = None
    with contextlib.suppress(ConfigError):
        place = store_root() / "cache" / "corrections" / f"{content.sha256}.json"
    if place is not None:
        with contextlib.suppress(OSError, ValueError):
            return tuple(map(str, json.loads(place.read_bytes())))
    names = names_of(content)
    if place is not None:
        # It is no error here if the store can't be written.
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            with replacing_file(place) as file:
                file.write(json.dumps(names).encode())
    return names
