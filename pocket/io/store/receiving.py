"""Outputs that were made where the store isn't, and arrive as the content of their files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pocket.errors import DamagedOutputError
from pocket.io.store.manifest import NAME, parse_manifest
from pocket.io.store.output import replacing_unless_equal
from pocket.io.store.publishing import readable_errors, sync


def receive_output(directory: Path, contents: Mapping[str, bytes], replaces: str | None = None) -> None:
    """Put an output at its place, completely or not at all.

    Args:
        directory: folder of the output.
        contents: name → content of each file, the manifest among them.
        replaces: as for :func:`pocket.io.store.write_output`.

    Raises:
        DamagedOutputError: if the files aren't those of the manifest.
        PocketError: if the store can't be written.
    """
    manifest = parse_manifest(contents.get(NAME, b""))
    files = {name: content for name, content in contents.items() if name != NAME}
    if manifest is None or manifest.files.keys() != files.keys():
        raise DamagedOutputError(f"the output for {directory} didn't arrive as it was written: run this again")
    for name, record in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != record.sha256:
            raise DamagedOutputError(f"{name} of {directory} didn't arrive as it was written: run this again")
    with replacing_unless_equal(directory, replaces) as folder, readable_errors(directory):
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name != NAME:
                # Else the content would be read again with each look at the output.
                os.utime(path, ns=(manifest.files[name].mtime_ns,) * 2)
            sync(path)
        sync(folder)
