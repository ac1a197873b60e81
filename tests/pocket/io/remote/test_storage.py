"""What needs no server; tests/services/test_remote_store.py writes to real ones."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from pocket.errors import RemoteStoreError
from pocket.io.remote import storage
from pocket.io.remote.attempts import first_readable
from pocket.io.remote.storage import XRootDStorage

URL = "root://127.0.0.1:1//store/a"


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "first_readable", lambda urls, read, pauses: first_readable(urls, read, pauses=()))


def test_nobody_listens(tmp_path: Path) -> None:
    there = XRootDStorage()
    file = tmp_path / "a.txt"
    file.write_text("a")
    for done, act in {
        "listed": partial(there.list, URL),
        "read": partial(there.read, URL),
        "written": partial(there.upload, file, URL),
        "removed": partial(there.remove, URL),
    }.items():
        with pytest.raises(RemoteStoreError, match=rf"^{URL} can't be {done}: \[FATAL\] (Connection|Invalid)"):
            act()
    with pytest.raises(RemoteStoreError, match=rf"^{URL} can't be read: \[FATAL\]"):
        there.download(URL, tmp_path / "b.txt")
    with pytest.raises(RemoteStoreError, match=rf"^{URL}/new can't be written: \[FATAL\]"):
        there.rename(URL, f"{URL}/new")


def test_local_files_are_not_the_server_s(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        XRootDStorage().upload(tmp_path / "nothing.txt", URL)
