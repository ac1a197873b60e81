"""Copies in a store that fails at any moment; tests/services/test_remote_store.py has a real server."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pocket.errors import PocketError, RemoteStoreError
from pocket.io.store import is_complete, manifest_id, read_manifest, write_output
from pocket.io.store.remote import download, is_uploaded, remove, upload
from tests.pocket.io.store.folder_storage import STORE, FolderStorage, fail_at
from tests.pocket.io.store.test_output import holds
from tests.pocket.io.store.writer import write

URL = f"{STORE}/task/output"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    write(tmp_path / "local" / "output", 1)
    return tmp_path / "local" / "output"


def test_upload_and_back(storage: FolderStorage, output: Path) -> None:
    assert not is_uploaded(output, URL)
    upload(output, URL)
    assert is_uploaded(output, URL)
    assert not is_uploaded(output, f"{STORE}/elsewhere/output")
    copy = storage.path(URL)
    assert holds(copy) == 1
    assert manifest_id(copy) == manifest_id(output)
    assert {path.name for path in copy.parent.iterdir()} == {"output"}

    manifest = (output / "manifest.json").read_bytes()
    shutil.rmtree(output)
    download(URL, output)
    assert (output / "manifest.json").read_bytes() == manifest
    assert holds(output) == 1
    assert is_complete(output)
    assert is_uploaded(output, URL)
    assert {path.name for path in output.parent.iterdir()} == {"output"}
    # with the times of the files, so that nothing is read again
    records = read_manifest(output)
    assert records is not None
    assert all((output / name).stat().st_mtime_ns == record.mtime_ns for name, record in records.files.items())


def test_what_is_there_is_not_copied_again(storage: FolderStorage, output: Path) -> None:
    upload(output, URL)
    (output / ".uploaded").unlink()
    upload(output, URL)
    download(URL, output)
    assert is_uploaded(output, URL)
    assert storage.calls["upload"] == 4
    assert storage.calls["download"] == 0


def test_manifest_that_a_server_gives_although_it_was_replaced(
    storage: FolderStorage, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(output, URL)
    old = (output / "manifest.json").read_bytes()
    write(output, 2)
    upload(output, URL)
    answers, read = [old, old], storage.read
    monkeypatch.setattr(storage, "read", lambda url: answers.pop() if answers else read(url))
    download(URL, tmp_path / "copy")
    assert (holds(tmp_path / "copy"), answers) == (2, [])


def test_same_content_made_from_other_inputs_is_copied(storage: FolderStorage, output: Path) -> None:
    upload(output, URL)
    first = read_manifest(output)
    with write_output(output, task="Write", inputs={"number": "another"}, number=1) as folder:
        for name in read_manifest(storage.path(URL)).files:  # type: ignore[union-attr]
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes((storage.path(URL) / name).read_bytes())
    second = read_manifest(output)
    assert first is not None
    assert second is not None
    assert first.id == second.id
    # The copy would come back as made from the inputs of before.
    assert not is_uploaded(output, URL)
    upload(output, URL)
    assert read_manifest(storage.path(URL)) == second
    shutil.rmtree(output)
    download(URL, output)
    assert read_manifest(output) == second


@pytest.mark.parametrize("before", [None, 7])
def test_server_ends_during_an_upload(storage: FolderStorage, output: Path, before: int | None) -> None:
    if before is not None:
        write(output, before)
        upload(output, URL)
        write(output, 1)
    for number in itertools.count():
        failed = fail_at(storage, number)
        try:
            upload(output, URL)
        except RemoteStoreError as error:
            message = str(error)
        else:
            break
        assert failed
        assert message.startswith(f"{output} is complete but not in the remote store, ")
        assert message.endswith(" can't be reached: [FATAL] Connection error")
        assert is_complete(output)
        assert not is_uploaded(output, URL)
        # nothing, or what was there before; moved aside in the worst case
        if storage.path(URL).exists():
            assert holds(storage.path(URL)) in (before, 1)
        else:
            assert before is None or failed[0] == "rename"
    assert number >= 6
    storage.before = lambda operation, url: None
    upload(output, URL)
    assert holds(storage.path(URL)) == 1
    assert is_uploaded(output, URL)


@pytest.mark.parametrize("before", [None, 7])
def test_server_ends_during_a_download(storage: FolderStorage, output: Path, before: int | None) -> None:
    upload(output, URL)
    shutil.rmtree(output)
    if before is not None:
        write(output, before)
    for number in itertools.count():
        failed = fail_at(storage, number)
        try:
            download(URL, output)
        except RemoteStoreError:
            assert failed
            assert {path.name for path in output.parent.iterdir()} == ({"output"} if before else set())
            assert before is None or holds(output) == before
        else:
            break
    assert number == 4
    assert holds(output) == 1


def test_answer_of_the_rename_is_lost(storage: FolderStorage, output: Path) -> None:
    def before(operation: str, url: str) -> None:
        if operation == "rename":
            storage.path(url).rename(storage.path(URL))

    storage.before = before
    upload(output, URL)
    assert holds(storage.path(URL)) == 1


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize("wrong", [damage, Path.unlink])
def test_damaged_copy_does_not_come_back(storage: FolderStorage, output: Path, wrong: Callable[[Path], None]) -> None:
    upload(output, URL)
    shutil.rmtree(output)
    wrong(storage.path(URL) / "sub" / "c.txt")
    with pytest.raises(RemoteStoreError, match=f"^{URL}/sub/c.txt (isn't what its manifest says|can't be read)"):
        download(URL, output)
    assert not list(output.parent.iterdir())


def test_store_is_full_during_a_download(storage: FolderStorage, output: Path) -> None:
    def before(operation: str, url: str) -> None:
        if operation == "download":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(output))

    upload(output, URL)
    shutil.rmtree(output)
    storage.before = before
    with pytest.raises(PocketError, match=f"^can't write {output} in the store: No space left on device"):
        download(URL, output)
    assert not list(output.parent.iterdir())


def test_no_copy(storage: FolderStorage, tmp_path: Path) -> None:
    with pytest.raises(RemoteStoreError, match=f"^{URL} has no manifest.json that can be read"):
        download(URL, tmp_path / "local" / "output")


@pytest.mark.parametrize("wrong", [damage, Path.unlink])
def test_damaged_output_is_not_copied(storage: FolderStorage, output: Path, wrong: Callable[[Path], None]) -> None:
    wrong(output / "b.txt")
    with pytest.raises(PocketError, match=f"^b.txt in {output} (has changed since it was written|can't be read)"):
        upload(output, URL)
    assert not list(storage.path(URL).parent.iterdir())


def test_output_is_written_again_during_its_upload(storage: FolderStorage, output: Path) -> None:
    numbers = iter((2, 3))

    def before(operation: str, url: str) -> None:
        if operation == "upload" and url.endswith("b.txt") and (number := next(numbers, 0)):
            write(output, number)

    storage.before = before
    upload(output, URL)
    assert holds(output) == 3
    assert holds(storage.path(URL)) == 3
    assert is_uploaded(output, URL)


def test_copy_is_replaced_during_its_download(storage: FolderStorage, output: Path, tmp_path: Path) -> None:
    upload(output, URL)
    other = tmp_path / "other" / "output"
    write(other, 2)
    replaced = False

    def before(operation: str, url: str) -> None:
        nonlocal replaced
        if operation == "download" and url.endswith("b.txt") and not replaced:
            replaced = True
            upload(other, URL)

    shutil.rmtree(output)
    storage.before = before
    download(URL, output)
    assert holds(output) == 2


def test_many_writers(storage: FolderStorage, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def write_often(first: int) -> None:
        try:
            for number in range(first, first + 10):
                write(tmp_path / str(first), number, URL)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write_often, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert holds(storage.path(URL)) in (109, 209, 309)
    assert is_complete(storage.path(URL))
    assert [path.name for path in storage.path(URL).parent.iterdir()] == ["output"]


def test_abandoned_uploads_are_removed_after_a_day(storage: FolderStorage, output: Path) -> None:
    folder = storage.path(URL).parent
    old, new, other = (folder / name for name in (f".x.tmp-{'0' * 16}", f".x.old-{'1' * 16}", ".x.tmp-y"))
    for path in (old, new, other):
        path.mkdir(parents=True)
    for path in (old, other):
        os.utime(path, (time.time() - 90_000,) * 2)
    upload(output, URL)
    assert {path.name for path in folder.iterdir()} == {"output", new.name, other.name}


def test_remove(storage: FolderStorage, output: Path) -> None:
    upload(output, URL)
    remove(URL)
    assert not list(storage.path(URL).parent.iterdir())
    remove(URL)
    remove(f"{STORE}/nothing/output")
    assert is_complete(output)
