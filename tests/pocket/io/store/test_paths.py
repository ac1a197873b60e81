from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocket.errors import ConfigError, PocketError
from pocket.io.store import store_path, store_root
from pocket.io.store.paths import opened, own_folder, private_folder
from tests.entries import check_each


def test_root_is_the_variable_or_lies_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", "/somewhere/pocketlaw")
    monkeypatch.setenv("POCKET_STORE", "/store")
    assert store_root() == Path("/store")
    monkeypatch.delenv("POCKET_STORE")
    assert store_root() == Path("/somewhere/pocketlaw/store")
    monkeypatch.delenv("POCKET_ROOT")
    with pytest.raises(ConfigError, match="POCKET_STORE is not set"):
        store_root()
    monkeypatch.setenv("POCKET_STORE", "/data/$HOME")
    with pytest.raises(
        ConfigError, match=r"outputs can't go to /data/\$HOME: set POCKET_STORE to a folder without '\$'"
    ):
        store_root()


def test_path_is_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", "/store")
    path = store_path("zmumu", "MergeOutputs", "tnp", "v1", "0123456789ab")
    assert path == Path("/store/zmumu/MergeOutputs/tnp/v1/0123456789ab")


@check_each("name", ["", ".", "..", "a/b", ".hidden", "-v", "a b", "a\n", "é", "a" * 129])
@check_each("position", range(5))
def test_names_that_are_no_folder_names(name: str, position: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", "/store")
    names = ["zmumu", "Task", "tnp", "v1.2_x+y", "0a"]
    kind = ("analysis", "task", "config", "version", "fingerprint")[position]
    names[position] = name
    with pytest.raises(ConfigError, match=f"^{kind} .* can't be part of a path"):
        store_path(*names)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to somebody else")
def test_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".htcondor"
    assert own_folder(folder) == folder
    folder.mkdir()
    assert own_folder(folder) == folder
    os.chown(folder, 12345, -1)
    assert own_folder(folder) == tmp_path / f".htcondor-{os.geteuid()}"
    # On a file server that has another number for this user, new files would have it too.
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    os.chown(folder, 0, -1)
    assert own_folder(folder) == folder


def test_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shared" / ".jobs"
    folder.parent.mkdir()
    folder.parent.chmod(0o2775)
    for _ in range(2):
        assert private_folder(folder) == folder
        assert folder.stat().st_mode & 0o777 == 0o700
        # as an earlier version made it
        folder.chmod(0o2775)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(PocketError, match="link can't be made: "):
        private_folder(tmp_path / "link")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchmod", lambda descriptor, mode: None)
        with pytest.raises(PocketError, match=r"^others may write to .*: chmod 700 "):
            private_folder(folder)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    monkeypatch.setattr("pocket.io.store.paths._owner_of_new", lambda folder: 12345)
    with pytest.raises(PocketError, match=r"\.jobs belongs to somebody else, who could change what your jobs run"):
        private_folder(folder)


def test_an_opened_folder_is_itself_whatever_takes_its_place(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "mine")
    (folder / "script").write_text("mine")
    with opened(folder) as place:
        folder.rename(tmp_path / "away")
        folder.mkdir()
        (folder / "script").write_text("theirs")
        assert (place / "script").read_text() == "mine"
        assert (folder / "script").read_text() == "theirs"
