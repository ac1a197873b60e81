"""Cached manifests of a remote store: one list per folder, and each manifest read once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from pocket.base.containers import folder_of
from pocket.io.remote.storage import Entry
from pocket.io.remote.threads import in_threads
from pocket.io.store import remote
from pocket.io.store.manifest import Manifest, parse_manifest

# Seconds for which the list of a folder is valid, since branches are looked up one after the other.
_HOLDS = 5.0
_lists: dict[str, tuple[float, Mapping[str, Entry]]] = {}
# URL of the output and time of its folder or container → manifest.
_manifests: dict[tuple[str, int], Manifest] = {}


def remote_manifest(url: str) -> Manifest | None:
    """Return the manifest of an output in the remote store, possibly some seconds old; ``None`` if there is none."""
    folder, _, name = url.rpartition("/")
    there = _list(folder)
    entry = there.get(name) or there.get(folder_of(name))
    if entry is None:
        return None
    key = (url, entry.mtime)
    if key not in _manifests:
        manifest = parse_manifest(remote.read_manifest_text(url) or b"")
        if manifest is None:
            return None
        _manifests[key] = manifest
    return _manifests[key]


def look_up(urls: Iterable[str]) -> None:
    """Read the manifests of many outputs in parallel, so that :func:`remote_manifest` has them cached."""
    wanted = list(urls)
    for folder in {url.rpartition("/")[0] for url in wanted}:
        _list(folder)
    in_threads(remote_manifest, wanted)


def look_again() -> None:
    """Forget the lists of folders, since other users may have uploaded outputs meanwhile."""
    _lists.clear()


def forget() -> None:
    """Forget all lists and manifests, after a change of the remote store."""
    look_again()
    _manifests.clear()


def _list(folder: str) -> Mapping[str, Entry]:
    known = _lists.get(folder)
    now = time.monotonic()
    if known is None or now - known[0] > _HOLDS:
        known = _lists[folder] = (now, remote.storage().list(folder))
    return known[1]
