"""test_output.py has the rest: writers that are killed, and several at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pocket.errors import PocketError
from pocket.io.store.publishing import readable_errors, replacing, replacing_file


def test_takes_the_place(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with replacing(tmp_path / "a" / "b") as folder:
            (folder / "text").write_text(text)
    assert (tmp_path / "a" / "b" / "text").read_text() == "two"
    assert (tmp_path / "a" / "b" / "text").read_text() == "two"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def write(directory: Path, error: BaseException) -> None:
    with replacing(directory) as folder:
        (folder / "text").write_text("one")
        raise error


def test_nothing_remains_of_what_failed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", KeyboardInterrupt())
    assert not list(tmp_path.iterdir())


def test_errors_name_the_output(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PocketError, match=f"^can't write {file}/output in the store: "):
        write(file / "output", ValueError())
    with pytest.raises(PocketError, match=f"^can't write {file} in the store: No space"), readable_errors(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))


def test_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "record.json"

    def rewrite(content: bytes, error: type[BaseException] | None = None) -> None:
        with replacing_file(path) as file:
            file.write(content)
            if error:
                raise error

    rewrite(b"one")
    with pytest.raises(KeyboardInterrupt):
        rewrite(b"two", KeyboardInterrupt)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]
