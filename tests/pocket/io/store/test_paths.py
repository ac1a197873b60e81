from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.io.store import store_path, store_root
from pocket.io.store.paths import own_folder
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
