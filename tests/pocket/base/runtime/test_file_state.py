from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pocket.base.runtime import file_state
from pocket.base.runtime.file_state import checksum, file_checksum, near_files
from tests.tasks.damage import rot


def test_a_content_is_read_once_and_another_one_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def note(path: Path) -> str:
        read.append(path.name)
        return file_checksum(path)

    monkeypatch.setattr(file_state, "file_checksum", note)
    path = tmp_path / "a"
    path.write_bytes(b"0" * 100)
    digests = [checksum(path), checksum(str(path))]
    assert read == ["a"]
    # in place, with size and time of before
    rot(path)
    digests.append(checksum(path))
    # another file of the same name, size and time
    stat = path.stat()
    (tmp_path / "b").write_bytes(b"2" * 100)
    os.utime(tmp_path / "b", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tmp_path / "b").replace(path)
    digests.append(checksum(path))
    assert digests[0] == digests[1] == hashlib.sha256(b"0" * 100).hexdigest()
    assert len(set(digests)) == 3
    assert digests[3] == hashlib.sha256(b"2" * 100).hexdigest()


def test_a_file_that_is_written_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "written"
    path.write_bytes(b"old")

    def write_meanwhile(file: Path) -> str:
        digest = file_checksum(file)
        if file.read_bytes() == b"old":
            file.write_bytes(b"newer")
        return digest

    monkeypatch.setattr(file_state, "file_checksum", write_meanwhile)
    assert checksum(path) == hashlib.sha256(b"newer").hexdigest()


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        checksum(tmp_path / "none")


def test_nearest_files(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "selection.yaml").touch()
    assert near_files(tmp_path / "params" / "selecton.yaml") == f", did you mean {tmp_path}/params/selection.yaml?"
    assert near_files(tmp_path / "param" / "selection.yaml") == f", did you mean {tmp_path}/params?"
    assert near_files(tmp_path / "other" / "x" / "a.yaml") == f": there is no folder {tmp_path}/other"
    assert near_files(tmp_path / "params" / "plotting.yaml") == ""
