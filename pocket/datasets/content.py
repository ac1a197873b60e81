"""Identity of the content of ROOT files, which the UUID isn't: a file that is changed in place keeps it."""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Iterable
from typing import Any

from pocket.io.nanoaod.ttree import structure
from pocket.io.remote.client import is_remote
from pocket.io.store.verification import find_output

#: bytes up to which all of a file is read
READ_WHOLE = 64 * 2**20
#: number and bytes of the samples of a larger one
SAMPLES = 32
SAMPLE_BYTES = 4096
# bytes that are in memory at once
_PART = 4 * 2**20


def content_id(file: Any, location: str, object_path: str) -> str:
    """Return an id of the content of an open ROOT file, the same for a copy elsewhere.

    A file of an output has the checksum that its manifest says, with which it is compared when its events are read. Of
    others up to :data:`READ_WHOLE` it is the checksum too. Larger ones would take too long: for them it is a digest of
    the structure, of the tree's object, which has the positions and sizes of all baskets, and of samples.

    Args:
        file: uproot's file.
        location: its path or URL.
        object_path: the tree whose events are used.
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
        # A server is asked for several ranges at once.
        if pending and (part is None or size + part[1] - part[0] > _PART):
            for chunk in source.chunks(pending, queue.Queue()):
                digest.update(chunk.raw_data)
            pending, size = [], 0
        if part is not None:
            pending.append(part)
            size += part[1] - part[0]
    return digest.hexdigest()
