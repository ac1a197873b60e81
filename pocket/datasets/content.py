"""Identity of the content of ROOT files. The UUID isn't enough: a file that is modified in place keeps it."""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Iterable
from typing import Any

from pocket.io.nanoaod.ttree import structure
from pocket.io.remote.client import is_remote
from pocket.io.store.verification import find_output

#: Largest file in bytes that is read completely.
READ_WHOLE = 64 * 2**20
#: Number of samples of a larger file, and bytes of each.
SAMPLES = 32
SAMPLE_BYTES = 4096
# Bytes that are in memory at the same time.
_PART = 4 * 2**20


def content_id(file: Any, location: str, object_path: str) -> str:
    """Return an id of the content of an open ROOT file, which is equal for its copies.

    For a file of an output, it is the checksum from the manifest, which is verified when the events are read. For other
    files up to :data:`READ_WHOLE`, it is the checksum as well. For larger ones, a checksum would take too long: it is a
    digest of the structure, of the tree's object, which has the positions and sizes of all baskets, and of samples.
    """
    if not is_remote(location) and (found := find_output(location)):
        return f"sha256:{found[2].sha256}"
    source = file.file.source
    size = int(source.num_bytes)
    if size <= READ_WHOLE:
        return f"sha256:{_digest(source, _parts(0, size))}"
    key = file.key(object_path)
    step = (size - SAMPLE_BYTES) // (SAMPLES - 1)
    samples = [(number * step, number * step + SAMPLE_BYTES) for number in range(SAMPLES)]
    parts = [*_parts(key.fSeekKey, key.fSeekKey + key.fNbytes), *samples]
    return f"sampled:{size}:{structure(file)}:{_digest(source, parts)}"


def _parts(start: int, stop: int) -> list[tuple[int, int]]:
    return [(first, min(first + _PART, stop)) for first in range(start, stop, _PART)]


def _digest(source: Any, ranges: Iterable[tuple[int, int]]) -> str:
    digest = hashlib.sha256()
    pending: list[tuple[int, int]] = []
    size = 0
    for part in (*ranges, None):
        # Several ranges are requested from a server at once.
        if pending and (part is None or size + part[1] - part[0] > _PART):
            for chunk in source.chunks(pending, queue.Queue()):
                digest.update(chunk.raw_data)
            pending, size = [], 0
        if part is not None:
            pending.append(part)
            size += part[1] - part[0]
    return digest.hexdigest()
