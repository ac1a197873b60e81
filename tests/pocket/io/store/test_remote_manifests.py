from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import RemoteStoreError
from pocket.io.store import manifest_id, remote_manifests
from pocket.io.store.remote import remove
from pocket.io.store.remote_manifests import forget, look_again, look_up, remote_manifest
from tests.pocket.io.store.folder_storage import STORE, FolderStorage
from tests.pocket.io.store.writer import write

URLS = [f"{STORE}/{folder}/{number}" for folder in ("a", "b") for number in range(20)]


@pytest.fixture
def ids(storage: FolderStorage, tmp_path: Path) -> dict[str, str | None]:
    """Ids of outputs that are there: the even ones."""
    ids = {}
    for number, url in enumerate(URLS[::2]):
        write(tmp_path / str(number), number, url)
        ids[url] = manifest_id(tmp_path / str(number))
    storage.calls.clear()
    return ids


def id_of(url: str) -> str | None:
    manifest = remote_manifest(url)
    return manifest.id if manifest else None


def test_one_list_per_folder(storage: FolderStorage, ids: dict[str, str | None]) -> None:
    look_up(URLS)
    assert {url: id_of(url) for url in URLS} == {url: ids.get(url) for url in URLS}
    assert storage.calls == {"list": 2, "read": 20}
    assert id_of(f"{STORE}/nothing/output") is None


def test_what_comes_later_is_found(
    storage: FolderStorage, ids: dict[str, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert id_of(URLS[1]) is None
    write(tmp_path / "new", 1, URLS[1])
    assert id_of(URLS[1]) is None
    monkeypatch.setattr(remote_manifests, "_HOLDS", 0.0)
    assert id_of(URLS[1]) == manifest_id(tmp_path / "new")


def test_look_again(storage: FolderStorage, ids: dict[str, str | None], tmp_path: Path) -> None:
    assert [id_of(URLS[0]), id_of(URLS[1])] == [ids[URLS[0]], None]
    write(tmp_path / "new", 1, URLS[1])
    storage.calls.clear()
    look_again()
    assert [id_of(URLS[0]), id_of(URLS[1])] == [ids[URLS[0]], manifest_id(tmp_path / "new")]
    # what was there isn't read again
    assert storage.calls == {"list": 1, "read": 1}


def test_forget(storage: FolderStorage, ids: dict[str, str | None]) -> None:
    assert id_of(URLS[0]) == ids[URLS[0]]
    remove(URLS[0])
    assert id_of(URLS[0]) == ids[URLS[0]]
    forget()
    assert id_of(URLS[0]) is None


def test_no_manifest(storage: FolderStorage, ids: dict[str, str | None]) -> None:
    for number, content in enumerate((None, b"", b"{}")):
        folder = storage.path(f"{STORE}/c/{number}")
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "manifest.json").write_bytes(content)
        assert remote_manifest(f"{STORE}/c/{number}") is None


def test_server_is_down(storage: FolderStorage) -> None:
    def down(operation: str, url: str) -> None:
        raise RemoteStoreError(f"{url} can't be listed")

    storage.before = down
    with pytest.raises(RemoteStoreError, match="/a can't be listed"):
        look_up(URLS[:20])
