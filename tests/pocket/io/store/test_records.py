from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from pocket.base.fingerprint import specification
from pocket.base.snapshots.trees import make_snapshot, read_tree
from pocket.io.store.records import (
    installed_packages,
    keep_code,
    keep_lock,
    keep_record,
    keep_specification,
    read_specification,
    record_file,
)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def read_record(kind: str, identifier: str, store: Path | None = None) -> bytes | None:
    path = record_file(kind, identifier, store)
    return gzip.decompress(path.read_bytes()) if path.exists() else None


def snapshot(folder: Path, text: str, name: str = "code") -> Path:
    (folder / name / "pkg").mkdir(parents=True, exist_ok=True)
    (folder / name / "pkg" / "cuts.py").write_text(text)
    (folder / name / "run.sh").write_text("#!/bin/sh\n")
    (folder / name / "run.sh").chmod(0o755)
    (folder / "snapshots").mkdir(exist_ok=True)
    return make_snapshot(read_tree(folder / name, folder / "index.json"), folder / "snapshots")


def test_a_record_is_found_again(store: Path) -> None:
    keep_record("lock", "abcdef", lambda: b"content")
    assert record_file("lock", "abcdef") == store / ".records" / "lock" / "ab" / "abcdef.txt.gz"
    assert read_record("lock", "abcdef") == read_record("lock", "abcdef", store) == b"content"
    assert read_record("lock", "abcdee") is None
    assert [path.name for path in record_file("lock", "abcdef").parent.iterdir()] == ["abcdef.txt.gz"]


def test_a_record_is_made_once() -> None:
    def again() -> bytes:
        raise AssertionError("made again")

    keep_record("lock", "abcdef", lambda: b"content")
    keep_record("lock", "abcdef", again)
    assert read_record("lock", "abcdef") == b"content"


def test_a_damaged_record_is_none() -> None:
    keep_specification("abcdef", lambda: specification({"cut": {"pt": 25.0}}))
    file = record_file("spec", "abcdef")
    file.write_bytes(file.read_bytes()[:-9])
    assert read_specification(file) is None


def test_specifications() -> None:
    spec = specification({"cut": {"pt": 25.0}})
    keep_specification("0123456789ab", lambda: spec)
    assert read_specification(record_file("spec", "0123456789ab")) == spec
    keep_record("spec", "other", lambda: json.dumps({"digest": ""}).encode())
    assert read_specification(record_file("spec", "other")) is None
    assert read_specification(record_file("spec", "none")) is None


def test_code_is_an_archive_of_the_same_bytes(tmp_path: Path) -> None:
    first = snapshot(tmp_path, "pt = 1\n")
    identifier = keep_code([("checkout", first)])
    file = record_file("code", identifier)
    content = file.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        assert {member.name: member.mode for member in archive} == {
            "checkout/pkg/cuts.py": 0o644,
            "checkout/run.sh": 0o755,
        }
        found = archive.extractfile("checkout/pkg/cuts.py")
        assert found is not None
        assert found.read() == b"pt = 1\n"
    # from another place, at another time
    file.unlink()
    (tmp_path / "again").mkdir()
    assert keep_code([("checkout", snapshot(tmp_path / "again", "pt = 1\n", "elsewhere"))]) == identifier
    assert file.read_bytes() == content


def test_other_code_has_another_id(tmp_path: Path) -> None:
    first = snapshot(tmp_path, "pt = 1\n")
    ids = {
        keep_code([("checkout", first)]),
        keep_code([("outside", first)]),
        keep_code([("checkout", first), ("outside", first)]),
        keep_code([("checkout", snapshot(tmp_path, "pt = 2\n"))]),
    }
    assert len(ids) == 4


def test_lock_has_what_is_installed_and_what_should_be(tmp_path: Path) -> None:
    before = keep_lock(tmp_path)
    (tmp_path / "requirements.lock").write_text("numpy==99\n")
    identifier = keep_lock(tmp_path)
    assert identifier != before
    content = read_record("lock", identifier)
    assert content is not None
    lines = content.decode().splitlines()
    assert "numpy==99" in lines
    assert set(installed_packages()) <= set(lines)


def test_installed_packages_are_those_of_the_metadata() -> None:
    from importlib.metadata import version

    names = dict(line.split("==") for line in installed_packages())
    for package in ("numpy", "law"):
        assert names[package] == version(package)


def code_of(store: Path, identifier: str) -> list[str]:
    content = read_record("code", identifier, store)
    assert content is not None
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


@pytest.mark.parametrize(
    ("mode", "same_group", "held"),
    [(0o644, True, True), (0o600, True, False), (0o640, True, True), (0o640, False, False), (0o604, False, True)],
)
def test_private_files_are_in_no_record_that_others_read(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, same_group: bool, held: bool
) -> None:
    made = snapshot(tmp_path, "private = 1\n")
    (tmp_path / "code" / "pkg" / "cuts.py").chmod(mode)
    store.mkdir()
    store.chmod(0o750)
    if not same_group:
        group = store.stat().st_gid + 1
        stat = Path.stat
        monkeypatch.setattr(
            Path,
            "stat",
            lambda path, **more: SimpleNamespace(st_mode=0o40750, st_gid=group) if path == store else stat(path),
        )
    expected = ["checkout/pkg/cuts.py", "checkout/run.sh"] if held else ["checkout/run.sh"]
    assert code_of(store, keep_code([("checkout", made)])) == expected


def test_a_private_folder_hides_its_files(store: Path, tmp_path: Path) -> None:
    made = snapshot(tmp_path, "private = 1\n")
    (tmp_path / "code" / "pkg").chmod(0o700)
    store.mkdir(mode=0o755)
    assert code_of(store, keep_code([("checkout", made)])) == ["checkout/run.sh"]


def test_a_private_store_has_all(store: Path, tmp_path: Path) -> None:
    made = snapshot(tmp_path, "private = 1\n")
    (tmp_path / "code" / "pkg" / "cuts.py").chmod(0o600)
    store.mkdir(mode=0o700)
    assert code_of(store, keep_code([("checkout", made)])) == ["checkout/pkg/cuts.py", "checkout/run.sh"]
