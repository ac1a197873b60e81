"""Outputs of further stores, which are used where they are and stay as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pocket.base.containers import SUFFIX
from pocket.errors import DamagedOutputError
from pocket.io.store import manifest_of, write_output
from tasks.core.console import short_path
from tasks.core.targets import COMPLETE, WOULD_RUN, State, StoreTarget, fetch_verified
from tests.tasks.damage import rot

PLACE = "a/Task/main/v1"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture(params=["", SUFFIX], ids=["folder", "container"])
def name(request: pytest.FixtureRequest) -> str:
    """Name of an output."""
    return f"aa{request.param}"


def write(store: Path, name: str, content: str, **inputs: str) -> Path:
    with write_output(store / PLACE / name, task="T", inputs=inputs) as folder:
        (folder / "content.txt").write_text(content)
    return store / PLACE / name


def target(own: Path, name: str, *read: Path, inputs: Mapping[str, str] | None = None) -> StoreTarget:
    return StoreTarget(own / PLACE / name, lambda: inputs or {}, read=read)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def state_of(folder: Path) -> dict[str, str]:
    """Return the content of everything in a folder, by name."""
    files = {path: path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}
    return {str(path): hashlib.sha256(content).hexdigest() for path, content in files.items()}


def test_the_first_store_that_has_it_complete_is_read(own: Path, tmp_path: Path, name: str) -> None:
    stores = [tmp_path / store for store in ("damaged", "archive", "older")]
    first, second, _ = (write(store, name, store.name) for store in stores)
    (first if name.endswith(SUFFIX) else first / "content.txt").write_text("")
    before = {store: state_of(store) for store in stores}
    found = target(own, name, *stores)
    assert found.exists()
    assert (found.directory.readlink(), found.location) == (second, second)
    assert found.manifest == manifest_of(second)
    assert found.state() == State(COMPLETE, (f"in {tmp_path}/archive",))
    assert short_path(found.directory) == str(second)
    fetch_verified([found])
    assert {store: state_of(store) for store in stores} == before


def test_the_own_output_comes_first(own: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "archive", name, "theirs")
    place = write(own, name, "mine")
    found = target(own, name, tmp_path / "archive")
    assert found.exists()
    assert not place.is_symlink()
    assert found.state() == State(COMPLETE)


def test_new_work_goes_to_the_own_store(own: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "archive", name, "theirs", files="one")
    before = state_of(tmp_path / "archive")
    found = target(own, name, tmp_path / "archive", inputs={"files": "two"})
    assert not found.exists()
    assert found.state() == State(WOULD_RUN, ("input files has changed",))
    place = write(own, name, "mine", files="two")
    assert found.exists()
    assert not place.is_symlink()
    assert state_of(tmp_path / "archive") == before
    assert names(place.parent) == [name]


def test_what_is_damaged_there_is_made_again_here(own: Path, tmp_path: Path, name: str) -> None:
    theirs = write(tmp_path / "archive", name, "theirs")
    file = theirs if name.endswith(SUFFIX) else theirs / "content.txt"
    rot(file, file.read_bytes().index(b"theirs"))
    before = state_of(tmp_path / "archive")
    found = target(own, name, tmp_path / "archive")
    assert found.exists()
    with pytest.raises(DamagedOutputError, match="its checksum is another one"):
        fetch_verified([found])
    assert not found.exists()
    place = write(own, name, "mine")
    assert found.exists()
    assert not place.is_symlink()
    assert state_of(tmp_path / "archive") == before


def test_a_folder_that_stands_for_a_container(own: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "archive", "aa", "theirs")
    found = target(own, f"aa{SUFFIX}", tmp_path / "archive")
    assert found.exists()
    assert (found.place, found.location) == (own / PLACE / "aa", folder)
    place = write(own, f"aa{SUFFIX}", "mine")
    assert names(place.parent) == [place.name]
    assert folder.is_dir()


def test_removing_it_removes_the_link(own: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "archive", name, "theirs")
    before = state_of(tmp_path / "archive")
    found = target(own, name, tmp_path / "archive")
    assert found.exists()
    found.remove()
    assert names(own / PLACE) == []
    assert state_of(tmp_path / "archive") == before
    assert found.exists()


def test_a_store_that_is_gone(own: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "archive", name, "theirs")
    found = target(own, name, tmp_path / "archive")
    assert found.exists()
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    assert not found.exists()
    assert target(own, name, tmp_path / "elsewhere").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "nowhere")
    place = write(own, name, "mine")
    assert found.exists()
    assert not place.is_symlink()
