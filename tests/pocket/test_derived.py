from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from pocket.derived import derived


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "lib.py"
    path.write_bytes(b"first")
    return path


def kept(file: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(file))).with_suffix(".length")


class Maker:
    """Makes the number of bytes, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, content: bytes) -> bytes:
        self.calls += 1
        return str(len(content)).encode()


def test_is_made_once(file: Path) -> None:
    make = Maker()
    assert derived(file, "length", b"method", make) == b"5"
    # the content counts, not when it was written
    os.utime(file, ns=(1, 1))
    assert derived(file, "length", b"method", make) == b"5"
    assert make.calls == 1


@pytest.mark.parametrize("change", ["content", "method", "empty", "cut", "mixed"])
def test_what_was_kept_of_something_else_is_not_taken(file: Path, change: str) -> None:
    make, method = Maker(), b"method"
    derived(file, "length", method, make)
    content = kept(file).read_bytes()
    if change == "content":
        file.write_bytes(b"second")
    elif change == "method":
        method = b"another"
    else:
        kept(file).write_bytes({"empty": b"", "cut": content[:-1], "mixed": content[:-1] + b"6"}[change])
    expected = str(file.stat().st_size).encode()
    assert derived(file, "length", method, make) == expected
    assert derived(file, "length", method, make) == expected
    assert make.calls == 2


def test_where_nothing_can_be_written(file: Path) -> None:
    kept(file).parent.touch()
    assert derived(file, "length", b"method", Maker()) == b"5"


def test_nothing_is_kept_if_python_keeps_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert derived(file, "length", b"method", Maker()) == b"5"
    assert not kept(file).exists()


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        derived(tmp_path / "none.py", "length", b"method", Maker())
