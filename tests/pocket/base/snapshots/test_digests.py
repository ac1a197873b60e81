from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pocket.base.snapshots import digests
from pocket.base.snapshots.digests import Digests, file_state, unchanged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    made.mkdir()
    return made


def checksums(folder: Path, *names: str) -> dict[str, str]:
    index = Digests(folder, folder.parent / "index.json")
    found = {name: file.sha256 for name, file in index.files(names).items()}
    index.save()
    return found


def age(path: Path, seconds: float) -> None:
    """Let a file be older than it is; the time of the change of its state can't be set."""
    now = path.stat().st_mtime - seconds
    os.utime(path, (now, now))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_checksums_of_what_is_there(folder: Path) -> None:
    (folder / "cuts.py").write_text("pt = 1")
    assert checksums(folder, "cuts.py", "gone.py") == {"cuts.py": sha256("pt = 1")}


def test_an_edit_right_after_is_seen_whatever_its_times(folder: Path) -> None:
    file = folder / "cuts.py"
    file.write_text("pt = 1")
    before = file.stat()
    checksums(folder, "cuts.py")
    file.write_text("pt = 2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checksums(folder, "cuts.py") == {"cuts.py": sha256("pt = 2")}


def test_a_file_that_nobody_touched_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "cuts.py").write_text("pt = 1")
    first = checksums(folder, "cuts.py")
    record = folder.parent / "index.json"
    later = record.stat().st_mtime + 60
    os.utime(record, (later, later))

    def read(*arguments: object) -> str:
        raise AssertionError("read again")

    monkeypatch.setattr(digests, "_checksum", read)
    assert checksums(folder, "cuts.py") == first
    (folder / "cuts.py").chmod(0o755)
    with pytest.raises(AssertionError, match="read again"):
        checksums(folder, "cuts.py")


@pytest.mark.parametrize("damage", ["", "[1]", '{"cuts.py": 1}', "\xff"])
def test_a_damaged_record_is_no_error(folder: Path, damage: str) -> None:
    (folder / "cuts.py").write_text("pt = 1")
    (folder.parent / "index.json").write_text(damage, encoding="latin-1")
    assert checksums(folder, "cuts.py") == {"cuts.py": sha256("pt = 1")}


def test_secrets_and_data_have_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "LARGEST", 100)
    (folder / "key.pem").write_text("")
    (folder / "large.bin").write_bytes(bytes(101))
    (folder / "small.bin").write_bytes(bytes(100))
    found = checksums(folder, "key.pem", "large.bin", "small.bin")
    assert [name for name, checksum in found.items() if checksum] == ["small.bin"]


def test_unchanged(folder: Path) -> None:
    (folder / "cuts.py").write_text("pt = 1")
    files = Digests(folder, folder.parent / "index.json").files(["cuts.py"])
    assert unchanged(folder, files)
    age(folder / "cuts.py", 1)
    assert not unchanged(folder, files)
    (folder / "cuts.py").unlink()
    assert not unchanged(folder, files)


def test_folders_have_no_state(folder: Path) -> None:
    assert file_state(str(folder)) is None
