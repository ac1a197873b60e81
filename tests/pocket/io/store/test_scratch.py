"""test_output.py kills writers that fill their outputs in a scratch space at any moment."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pocket.errors import ConfigError, PocketError
from pocket.io.store import is_complete, manifest_id, read_manifest, scratch, write_output
from pocket.io.store.remote import is_uploaded
from pocket.io.store.scratch import VARIABLE, copy_file
from tests.pocket.io.store.folder_storage import STORE, FolderStorage
from tests.pocket.io.store.test_output import ROOT, holds
from tests.pocket.io.store.writer import write


@pytest.fixture(autouse=True)
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scratch space, in use."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The place of an output in a store."""
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "out"


def test_the_store_sees_whole_files_only(place: Path, space: Path) -> None:
    with write_output(place, task="T", inputs={}) as folder:
        assert folder.parent == space
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_bytes(b"abc")
        assert list(place.parent.iterdir()) == []
    assert list(space.iterdir()) == []
    assert [path.name for path in place.parent.iterdir()] == ["out"]
    assert (place / "sub" / "file").read_bytes() == b"abc"
    manifest = read_manifest(place)
    assert manifest is not None
    record = manifest.files["sub/file"]
    assert record.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    # with the time in the store, else the content would be read with each look at the output
    assert record.mtime_ns == (place / "sub" / "file").stat().st_mtime_ns
    assert is_complete(place)


def test_same_output_as_one_that_is_filled_in_the_store(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place, 1)
    other = place.with_name("other")
    monkeypatch.delenv(VARIABLE)
    write(other, 1)
    assert holds(place) == holds(other) == 1
    assert manifest_id(place) == manifest_id(other)
    manifests = [read_manifest(each) for each in (place, other)]
    assert [list(manifest.files) for manifest in manifests if manifest] == [["a.txt", "b.txt", "sub/c.txt"]] * 2


@pytest.mark.parametrize("used", [True, False])
def test_calls_of_the_store(place: Path, used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not used:
        monkeypatch.setenv(VARIABLE, "")
    command = [sys.executable, "-m", "tests.pocket.io.store.counted_writer", str(place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    counted = json.loads(done.stdout)
    # three files, the manifest, the folder, one in it, and their parent, of which no content is listed
    folders = {"os.mkdir": 2, "os.rename": 1}
    if used:
        assert counted == {**folders, "open": 4 + 3}
    else:
        # each file once more, for its checksum, and all once more, to be on the disk
        assert counted["open"] == 4 + 3 + 3 + 4
        assert {name: counted[name] for name in folders} == folders


def test_an_equal_output_written_meanwhile_stays(place: Path) -> None:
    with write_output(place, task="T", inputs={"a": "1"}) as ours:
        (ours / "x").write_text("ours")
        with write_output(place, task="T", inputs={"a": "1"}) as theirs:
            (theirs / "x").write_text("theirs")
        assert (place / "x").read_text() == "theirs"
    assert (place / "x").read_text() == "theirs"
    with write_output(place, task="T", inputs={"a": "1"}) as ours:
        (ours / "x").write_text("last")
    assert (place / "x").read_text() == "last"
    assert is_complete(place)


def fail(place: Path, error: BaseException) -> None:
    with write_output(place, task="T", inputs={}) as folder:
        (folder / "half").write_text("…")
        raise error


def test_what_was_there_stays_if_the_body_fails(place: Path, space: Path) -> None:
    for expected in ([], ["out"]):
        with pytest.raises(KeyboardInterrupt):
            fail(place, KeyboardInterrupt())
        assert [path.name for path in place.parent.iterdir()] == expected
        assert list(space.iterdir()) == []
        write(place, 1)
    assert holds(place) == 1


def test_the_manifests_name_is_reserved(place: Path, space: Path) -> None:
    with pytest.raises(ConfigError, match="the name is reserved"), write_output(place, task="T", inputs={}) as folder:
        (folder / "manifest.json").write_text("{}")
    assert [*place.parent.iterdir(), *space.iterdir()] == []


@pytest.mark.parametrize("reason", ["not there", "too little", "no parent"])
def test_without_space_the_store_is_filled(
    place: Path, space: Path, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "not there":
        space.rmdir()
    if reason == "too little":
        monkeypatch.setattr(scratch, "LEAST_FREE", shutil.disk_usage(space).total + 1)
    if reason == "no parent":
        place = place.with_name("deep") / "out"
    with write_output(place, task="T", inputs={}) as folder:
        assert folder.parent == place.parent
        (folder / "file").touch()
    assert is_complete(place)


def test_a_store_that_cannot_be_written_is_said_before_the_output_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(PocketError, match=r"^can't write .*/file/out in the store: Not a directory"),
        write_output(tmp_path / "file" / "out", task="T", inputs={}),
    ):
        pytest.fail("the body must not run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_scratch_space(place: Path, space: Path) -> None:
    sentence = (
        rf"^can't fill {place} in the scratch space {space} of \S+: No space left on device: let jobs ask for more"
    )
    with pytest.raises(PocketError, match=sentence), write_output(place, task="T", inputs={}):
        Path("/dev/full").write_text("x")
    with pytest.raises(FileNotFoundError):
        fail(place, FileNotFoundError())
    assert [*place.parent.iterdir(), *space.iterdir()] == []


def test_a_full_store(place: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(*arguments: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "file")

    monkeypatch.setattr(scratch, "copy_file", copy)
    with pytest.raises(PocketError, match=rf"^can't write {place} in the store: No space left on device \(file\)"):
        write(place, 1)
    assert [*place.parent.iterdir(), *space.iterdir()] == []


def test_a_copy_of_which_the_store_lost_a_part(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "sync_open", lambda descriptor: os.ftruncate(descriptor, 5))
    with pytest.raises(
        PocketError, match=rf"^can't write {place} in the store: the copy has 5 of 6000 bytes \(.*a.txt"
    ):
        write(place, 1)
    assert list(place.parent.iterdir()) == []


def test_large_files_are_copied_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_BLOCK", 1000)
    content = os.urandom(4321)
    (tmp_path / "file").write_bytes(content)
    record = copy_file(tmp_path / "file", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    assert record.size == 4321
    with pytest.raises(FileExistsError):
        copy_file(tmp_path / "file", tmp_path / "copy")


@pytest.mark.parametrize("replaced", [False, True])
def test_uploads_read_the_scratch_space(
    place: Path, space: Path, replaced: bool, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{STORE}/task/out"
    read: list[Path] = []
    upload = storage.upload

    def noting(file: Path, place: str) -> str:
        read.append(file)
        return upload(file, place)

    monkeypatch.setattr(storage, "upload", noting)
    with write_output(place, task="T", inputs={}, remote=url) as folder:
        (folder / "x").write_text("ours")
        if replaced:
            # equal, so it stays, and is what has to be copied
            with write_output(place, task="T", inputs={}) as theirs:
                (theirs / "x").write_text("theirs")
    expected = place if replaced else folder
    assert read == [expected / "x", expected / "manifest.json"]
    assert is_uploaded(place, url)
    assert (storage.path(url) / "x").read_text() == ("theirs" if replaced else "ours")
    assert list(space.iterdir()) == []
