"""Outputs that are containers, beside or instead of folders that earlier versions wrote."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from pathlib import Path

import pytest

from pocket.base.containers import folder_of, members
from pocket.errors import DamagedOutputError, RemoteStoreError
from pocket.io.store import is_complete, manifest_id, manifest_of, verify, why_incomplete
from pocket.io.store.compaction import compact
from pocket.io.store.output import receive_output
from pocket.io.store.packing import contents_of_output, size_of_output
from pocket.io.store.remote import download, is_uploaded, remove, upload
from pocket.io.store.remote_manifests import forget, remote_manifest
from tests.pocket.io.store.folder_storage import STORE, FolderStorage, fail_at
from tests.pocket.io.store.test_output import holds
from tests.pocket.io.store.writer import write
from tests.tasks.damage import rot, truncate

URL = f"{STORE}/task/output.zip"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    write(tmp_path / "local" / "output.zip", 1)
    return tmp_path / "local" / "output.zip"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_one_file_with_the_content_of_a_folder(output: Path, tmp_path: Path) -> None:
    write(tmp_path / "folder", 1)
    assert names(output.parent) == {"output.zip"}
    assert holds(output) == 1
    assert manifest_id(output) == manifest_id(tmp_path / "folder")
    assert is_complete(output, {"number": "1"})
    assert why_incomplete(output, {"number": "2"}) == f"{output}: input number has changed"
    verify(output)
    # its size and time of modification are known, so that its content isn't read to see that it is unchanged
    manifest = manifest_of(output)
    assert manifest is not None
    assert {record.mtime_ns for record in manifest.files.values()} == {output.stat().st_mtime_ns}
    assert size_of_output(output) == output.stat().st_size < 25_000


def test_folder_of_before_is_read_and_replaced(tmp_path: Path) -> None:
    container = tmp_path / "output.zip"
    write(tmp_path / "output", 1)
    assert holds(container) == 1
    assert is_complete(container)
    verify(container)
    write(container, 1)
    assert names(tmp_path) == {"output.zip"}
    # a container counts before a folder, which an earlier version has written meanwhile
    write(tmp_path / "output", 2)
    assert holds(container) == 1


def test_changed_content_is_noticed_and_a_copy_is_not(output: Path) -> None:
    os.utime(output)
    assert is_complete(output)
    write(output, 1)
    rot(output, members(output)["b.txt"].offset)
    # Where a disk loses bits, only whoever reads it for another output sees it.
    assert is_complete(output)
    os.utime(output)
    assert why_incomplete(output) == f"b.txt in {output} has changed since it was written"


def test_truncated_container_is_named(output: Path) -> None:
    truncate(output)
    sentence = f"{output} isn't a whole container: it was cut short, or something else wrote there"
    assert why_incomplete(output) == sentence
    with pytest.raises(DamagedOutputError, match=f"^{re.escape(sentence)}: run this again, which makes it anew$"):
        verify(output)
    # not even if there is a folder of before
    write(Path(folder_of(output)), 1)
    assert manifest_of(output) is None
    write(output, 1)
    assert names(output.parent) == {"output.zip"}
    assert holds(output) == 1


def test_damaged_container_is_named_and_counts_as_missing(output: Path) -> None:
    rot(output, members(output)["sub/c.txt"].offset)
    verify(output, {"a.txt"})
    with pytest.raises(DamagedOutputError, match=rf"^sub/c\.txt in {output} isn't what was written: .* run this again"):
        verify(output)
    assert names(output.parent) == {"damaged-output.zip"}
    assert not is_complete(output)
    write(output, 1)
    assert names(output.parent) == {"output.zip"}


def test_output_that_travels(output: Path, tmp_path: Path) -> None:
    received = tmp_path / "received.zip"
    receive_output(received, contents_of_output(output))
    assert received.read_bytes() == output.read_bytes()
    assert is_complete(received)


def outputs_of_before(folder: Path, number: int = 4) -> list[Path]:
    """Return outputs of an earlier version in folders of datasets."""
    outputs = [folder / "fingerprint" / dataset / f"{n}-{n + 1}" for dataset in "ab" for n in range(number // 2)]
    for n, output in enumerate(outputs):
        write(output, n)
    return outputs


def test_folders_become_containers(tmp_path: Path) -> None:
    outputs = outputs_of_before(tmp_path)
    manifests = [(output / "manifest.json").read_bytes() for output in outputs]
    (tmp_path / "fingerprint" / "a" / ".hidden.tmp-host-1-ab").mkdir()
    done = compact(tmp_path)
    # a folder, three files, a folder with one of them, and the manifest
    assert (done.outputs, done.inodes, done.left) == (4, 24, [])
    assert done.bytes_before > 4 * 18_000
    containers = [output.with_name(f"{output.name}.zip") for output in outputs]
    assert done.bytes_after == sum(path.stat().st_size for path in containers)
    for n, (container, manifest) in enumerate(zip(containers, manifests, strict=True)):
        assert holds(container) == n
        assert is_complete(container)
        assert members(container)["manifest.json"].content() == manifest
    assert sum(len(files) for _, _, files in os.walk(tmp_path)) == 4
    assert str(done).startswith("4 folders were packed: 24 files and folders became 4, 0.1 MB became 0.1 MB")
    again = compact(tmp_path)
    assert (again.outputs, again.left, str(again)) == (0, [], "no folders to pack")
    assert compact(tmp_path / "nothing").outputs == 0


def test_damaged_folder_stays_and_is_named(tmp_path: Path) -> None:
    outputs = outputs_of_before(tmp_path)
    rot(outputs[1] / "a.txt")
    done = compact(tmp_path)
    assert done.outputs == 3
    (sentence,) = done.left
    assert sentence.startswith(f"a.txt in {outputs[1]} isn't what was written")
    assert sentence.endswith("it stays a folder")
    assert (outputs[1] / "manifest.json").exists()


def test_interrupted_packing_leaves_each_output_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt_at(moment: int) -> None:
        steps = itertools.count()

        def at_a_step(function):  # type: ignore[no-untyped-def]
            def step(*arguments, **options):  # type: ignore[no-untyped-def]
                if next(steps) == moment:
                    raise Interrupted
                return function(*arguments, **options)

            return step

        for name in ("replace", "rename", "unlink", "mkdir"):
            monkeypatch.setattr(Path, name, at_a_step(getattr(Path, name)))
        monkeypatch.setattr(shutil, "rmtree", at_a_step(shutil.rmtree))

    for moment in itertools.count():
        outputs = outputs_of_before(tmp_path / str(moment), 2)
        with monkeypatch.context():
            interrupt_at(moment)
            try:
                compact(tmp_path / str(moment))
            except Interrupted:
                done = False
            else:
                done = True
            monkeypatch.undo()
        for n, output in enumerate(outputs):
            assert holds(output.with_name(f"{output.name}.zip")) == n
        compact(tmp_path / str(moment))
        assert sorted(path.name for path in (tmp_path / str(moment)).rglob("[!.]*-*")) == ["0-1.zip", "0-1.zip"]
        if done:
            break
    assert moment > 5


def test_upload_and_back(storage: FolderStorage, output: Path) -> None:
    upload(output, URL)
    assert is_uploaded(output, URL)
    assert not is_uploaded(output, f"{STORE}/elsewhere/output.zip")
    assert names(storage.path(URL).parent) == {"output.zip"}
    assert names(output.parent) == {"output.zip", ".uploaded"}
    manifest = manifest_of(output)
    assert remote_manifest(URL) == manifest
    before = output.read_bytes()
    output.unlink()
    download(URL, output)
    assert output.read_bytes() == before
    assert is_complete(output)
    assert is_uploaded(output, URL)
    upload(output, URL)
    download(URL, output)
    assert (storage.calls["upload"], storage.calls["download"]) == (1, 1)
    remove(URL)
    assert names(storage.path(URL).parent) == set()


def test_remote_folder_of_before(storage: FolderStorage, tmp_path: Path) -> None:
    folder, url = tmp_path / "local" / "output", folder_of(URL)
    write(folder, 1)
    upload(folder, url)
    container = folder.with_name("output.zip")
    assert remote_manifest(URL) == manifest_of(container)
    # what is there needn't be copied again, and what isn't here comes as a container
    upload(container, URL)
    assert is_uploaded(container, URL)
    assert names(storage.path(url).parent) == {"output"}
    shutil.rmtree(folder)
    download(URL, container)
    assert holds(container) == 1
    assert names(container.parent) == {"output.zip", ".uploaded"}
    # another output replaces it
    write(container, 2)
    assert not is_uploaded(container, URL)
    upload(container, URL)
    assert names(storage.path(url).parent) == {"output.zip"}
    assert holds(storage.path(URL)) == 2


def test_folder_of_before_is_uploaded_as_a_container(storage: FolderStorage, tmp_path: Path) -> None:
    write(tmp_path / "local" / "output", 1)
    upload(tmp_path / "local" / "output.zip", URL)
    assert names(storage.path(URL).parent) == {"output.zip"}
    assert holds(storage.path(URL)) == 1


@pytest.mark.parametrize("before", [None, 7])
def test_server_ends_during_an_upload(storage: FolderStorage, output: Path, before: int | None) -> None:
    if before is not None:
        write(output, before)
        upload(output, URL)
        write(output, 1)
    for number in itertools.count():
        fail_at(storage, number)
        try:
            upload(output, URL)
        except RemoteStoreError:
            pass
        else:
            break
        finally:
            storage.before = lambda operation, url: None
        assert is_complete(output)
        assert not is_uploaded(output, URL)
        if storage.path(URL).exists():
            assert holds(storage.path(URL)) in (before, 1)
        else:
            assert before is None
    assert number > 3
    assert holds(storage.path(URL)) == 1


def test_damaged_containers_are_not_copied(storage: FolderStorage, output: Path) -> None:
    upload(output, URL)
    rot(storage.path(URL), members(output)["b.txt"].offset)
    output.unlink()
    with pytest.raises(RemoteStoreError, match=rf"^{URL} isn't what its manifest says"):
        download(URL, output)
    truncate(storage.path(URL))
    forget()
    assert remote_manifest(URL) is None
    with pytest.raises(RemoteStoreError, match=rf"^{URL} has no manifest.json that can be read"):
        download(URL, output)
    write(output, 1)
    rot(output, members(output)["b.txt"].offset)
    with pytest.raises(Exception, match=rf"^b\.txt in {output} has changed since it was written"):
        upload(output, URL)
