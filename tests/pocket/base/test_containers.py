from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from pocket.base.containers import (
    BrokenContainerError,
    existing_place,
    last_content,
    members,
    read_last,
    write_container,
)

FILES = {
    "raw.h5": b"",
    "columns/TT/SR/nominal/TT_2018.parquet": random.Random(1).randbytes(50_000),
    "columns/é.parquet": b"",
    "manifest.json": b'{"id": "a"}' * 5000,
}


def hdf5() -> bytes:
    """Return an HDF5 file."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["numbers"] = np.arange(1000)
    return content.getvalue()


@pytest.fixture
def container(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content or hdf5())
    write_container(tmp_path / "out.zip", tmp_path / "folder", list(FILES)[:-1], "manifest.json")
    return tmp_path / "out.zip"


def test_any_reader_of_archives_reads_it(container: Path) -> None:
    with zipfile.ZipFile(container) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert contents == {name: content or hdf5() for name, content in FILES.items()}
    assert {name: member.content() for name, member in members(container).items()} == contents
    assert read_last(container, "manifest.json") == FILES["manifest.json"]
    assert read_last(container, "raw.h5") is None


def test_equal_files_make_equal_containers(container: Path, tmp_path: Path) -> None:
    write_container(tmp_path / "again.zip", tmp_path / "folder", list(FILES)[:-1], "manifest.json")
    assert (tmp_path / "again.zip").read_bytes() == container.read_bytes()
    with pytest.raises(FileExistsError):
        write_container(container, tmp_path / "folder", list(FILES)[:-1], "manifest.json")


def test_the_first_file_is_opened_as_hdf5(container: Path) -> None:
    with h5py.File(container) as file:
        assert file["numbers"][5:8].tolist() == [5, 6, 7]


def test_parts_of_a_file_are_read(container: Path) -> None:
    name = "columns/TT/SR/nominal/TT_2018.parquet"
    file = members(container)[name].open()
    assert file.stem == "TT_2018"
    assert file.seek(-10, io.SEEK_END) == 49_990
    assert file.read(20) == FILES[name][-10:]
    assert file.read(1) == b""
    file.seek(100)
    assert file.read(3) == FILES[name][100:103]
    assert file.seek(7, io.SEEK_CUR) == 110
    assert file.tell() == 110


def test_archives_above_4_gb(tmp_path: Path, container: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python writes the form of large archives from this size on.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 40)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    write_container(tmp_path / "large.zip", tmp_path / "folder", list(FILES)[:-1], "manifest.json")
    assert (tmp_path / "large.zip").read_bytes() != container.read_bytes()
    assert {name: member.content() for name, member in members(tmp_path / "large.zip").items()} == {
        name: content or hdf5() for name, content in FILES.items()
    }
    assert read_last(tmp_path / "large.zip", "manifest.json") == FILES["manifest.json"]
    with h5py.File(tmp_path / "large.zip") as file:
        assert file["numbers"][()].tolist() == list(range(1000))


def test_what_was_cut_short_has_no_last_file(container: Path, tmp_path: Path) -> None:
    content = container.read_bytes()
    short = tmp_path / "short.zip"
    for size in [0, 10, 512, len(content) // 2, *range(len(content) - 400, len(content))]:
        short.write_bytes(content[:size])
        assert read_last(short, "manifest.json") is None
        with pytest.raises(BrokenContainerError, match=f"^{short} isn't a whole zip archive"):
            members(short)
    short.write_bytes(content + b"\0")
    assert read_last(short, "manifest.json") is None


def test_no_changed_byte_is_read_as_another_manifest(container: Path) -> None:
    content = container.read_bytes()
    begin = content.rindex(b"PK\3\4")
    for place in range(begin, len(content)):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        found = last_content("manifest.json", len(changed), lambda at, size, of=changed: bytes(of[at : at + size]))
        assert found in (None, FILES["manifest.json"])


def test_place_of_an_output(tmp_path: Path) -> None:
    container = tmp_path / "0-100.zip"
    assert existing_place(container) == container
    (tmp_path / "0-100").mkdir()
    assert existing_place(container) == tmp_path / "0-100"
    assert existing_place(tmp_path / "0-100") == tmp_path / "0-100"
    container.touch()
    assert existing_place(container) == container
