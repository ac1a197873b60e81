from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pocket.errors import ChangedFileError
from pocket.parameters.checksums import content_of
from pocket.parameters.locations import local_path
from pocket.parameters.used_files import files_in_use, recording_files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("first")
    return path


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_path_that_was_handed_out(file: Path) -> None:
    with recording_files() as used:
        assert Path(local_path(str(file))).read_text() == "first"
        assert used.checksums() == {str(file): sha256("first")}
        file.write_text("other")
        with pytest.raises(ChangedFileError, match=f"^{file} was changed while it was used: run this again$"):
            used.checksums()


def test_path_of_a_file_that_was_replaced_and_put_back(file: Path) -> None:
    """What code has read of it in between can't be told."""
    with recording_files() as used:
        local_path(str(file))
        file.rename(file.with_name("kept"))
        file.write_text("other")
        file.with_name("kept").replace(file)
        with pytest.raises(ChangedFileError):
            used.checksums()


def test_path_of_a_file_that_was_replaced_between_two_uses(file: Path) -> None:
    with recording_files() as used:
        local_path(str(file))
        file.write_text("other")
        local_path(str(file))
        with pytest.raises(ChangedFileError):
            used.checksums()


def test_content_that_was_read_stays_the_same_in_the_block(file: Path) -> None:
    with recording_files() as used:
        content = content_of(str(file))
        file.write_text("other")
        assert content_of(str(file)) == content
        with pytest.raises(ChangedFileError):
            content.read()
        with pytest.raises(ChangedFileError):
            used.checksums()
        # written again with the content of before
        file.write_text("first")
        assert content.read() == b"first"
        assert used.checksums() == {str(file): sha256("first")}
    assert files_in_use() is None
    file.write_text("other")
    assert content_of(str(file)).sha256 == sha256("other")


def test_some_of_them(file: Path, tmp_path: Path) -> None:
    with recording_files() as used:
        local_path(str(file))
        local_path(str(tmp_path / "none"))
    assert used.checksums([str(file)]) == {str(file): sha256("first")}
    with pytest.raises(FileNotFoundError):
        used.checksums()
