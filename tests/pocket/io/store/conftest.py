from __future__ import annotations

from pathlib import Path

import pytest

from pocket.io.store import remote, remote_manifests
from tests.pocket.io.store.folder_storage import FolderStorage


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStorage:
    """The remote store in a folder of the test."""
    storage = FolderStorage(tmp_path / "remote")
    storage.folder.mkdir()
    monkeypatch.setattr(remote, "_storage", storage)
    remote._remove_abandoned.cache_clear()
    remote_manifests.forget()
    return storage
