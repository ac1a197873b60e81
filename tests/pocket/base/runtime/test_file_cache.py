from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from pocket.base.runtime.file_cache import cached


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "lib.py"
    path.write_bytes(b"first")
    return path


def kept(file: Path) -> Path:
    place = Path(importlib.util.cache_from_source(str(file)))
    return place.with_name(f"pocketlaw-{os.geteuid()}") / place.with_suffix(".length").name


class Maker:
    """Makes the number of bytes, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, content: bytes) -> bytes:
        self.calls += 1
        return str(len(content)).encode()


def test_is_made_once(file: Path) -> None:
    make = Maker()
    assert cached(file, "length", b"method", make) == b"5"
    # the content counts, not when it was written
    os.utime(file, ns=(1, 1))
    assert cached(file, "length", b"method", make) == b"5"
    assert make.calls == 1


@pytest.mark.parametrize("change", ["content", "method", "empty", "cut", "mixed"])
def test_what_was_kept_of_something_else_is_not_taken(file: Path, change: str) -> None:
    make, method = Maker(), b"method"
    cached(file, "length", method, make)
    content = kept(file).read_bytes()
    if change == "content":
        file.write_bytes(b"second")
    elif change == "method":
        method = b"another"
    else:
        kept(file).write_bytes({"empty": b"", "cut": content[:-1], "mixed": content[:-1] + b"6"}[change])
    expected = str(file.stat().st_size).encode()
    assert cached(file, "length", method, make) == expected
    assert cached(file, "length", method, make) == expected
    assert make.calls == 2


@pytest.mark.parametrize("number", [0, 1])
def test_where_nothing_can_be_written(file: Path, number: int) -> None:
    place = kept(file).parents[number]
    place.parent.mkdir(exist_ok=True)
    place.touch()
    assert cached(file, "length", b"method", Maker()) == b"5"


def test_nothing_is_kept_if_python_keeps_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert cached(file, "length", b"method", Maker()) == b"5"
    assert not kept(file).exists()


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cached(tmp_path / "none.py", "length", b"method", Maker())


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_others_can_not_write_what_is_kept(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        cached(file, "length", b"method", Maker())
    finally:
        os.umask(before)
    assert [path.name for path in kept(file).parent.iterdir()] == [kept(file).name]
    for path in (kept(file), kept(file).parent):
        assert not path.stat().st_mode & 0o022


def check_not_read(file: Path) -> None:
    """Check that what is kept, although it fits, isn't read."""
    make = Maker()
    assert cached(file, "length", b"method", make) == b"5"
    assert make.calls == 1


@pytest.mark.parametrize("writable", [0o664, 0o646, 0o666])
@pytest.mark.parametrize("number", [0, 1])
def test_what_others_may_write_is_not_read(file: Path, number: int, writable: int) -> None:
    cached(file, "length", b"method", Maker())
    place = [kept(file), kept(file).parent][number]
    place.chmod(writable | 0o111)
    check_not_read(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to somebody else")
@pytest.mark.parametrize("number", [0, 1])
def test_what_is_of_somebody_else_is_not_read(file: Path, number: int) -> None:
    cached(file, "length", b"method", Maker())
    os.chown([kept(file), kept(file).parent][number], 12345, -1)
    check_not_read(file)
    # Nor is anything written into a folder of somebody else.
    assert kept(file).parent.stat().st_uid == 12345 or kept(file).stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
@pytest.mark.parametrize("user", [0, 12345])
def test_what_root_has_made_is_read(file: Path, user: int) -> None:
    cached(file, "length", b"method", Maker())
    for path in (file, kept(file)):
        path.chmod(0o644)
    for folder in kept(file).parents[:3]:
        folder.chmod(0o755)
    make = Maker()
    inner = os.open(file.parent, os.O_RDONLY)
    here = Path.cwd()
    os.fchdir(inner)
    os.seteuid(user)
    try:
        # The folders above may be closed to others.
        assert cached(Path(file.name), "length", b"method", make) == b"5"
    finally:
        os.seteuid(0)
        os.chdir(here)
        os.close(inner)
    assert make.calls == 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_links_are_not_followed(file: Path, tmp_path: Path, number: int) -> None:
    cached(file, "length", b"method", Maker())
    place = [kept(file), *kept(file).parents][number]
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)

    def state() -> list[tuple[Path, int]]:
        return sorted((path, path.lstat().st_mtime_ns) for path in (elsewhere, *elsewhere.rglob("*")))

    before = state()
    check_not_read(file)
    # Another content has to be kept.
    file.write_bytes(b"others")
    assert cached(file, "length", b"method", Maker()) == b"6"
    assert state() == before
    # The link to a file is replaced, and nobody else's link to a folder is.
    assert place.is_symlink() == (number > 0)


def test_pipe_is_not_waited_for(file: Path) -> None:
    kept(file).parent.mkdir(parents=True)
    os.mkfifo(kept(file))
    check_not_read(file)


def test_pickle_that_was_planted_does_not_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the default parameters are read, in a checkout that a group may write."""

    class Planted:
        def __reduce__(self) -> tuple[Any, ...]:
            return os._exit, (1,)

    file.write_bytes(b"Muon: 1")
    planted = pickle.dumps(Planted())
    kept(file).parent.mkdir(parents=True)
    kept(file).parent.chmod(0o775)
    for place in (kept(file), Path(importlib.util.cache_from_source(str(file))).with_suffix(".length")):
        content = hashlib.sha256(b"".join([repr(sys.version_info).encode(), b"method", b"Muon: 1", planted])).digest()
        place.write_bytes(content + planted)
    made = cached(file, "length", b"method", lambda content: pickle.dumps(content.decode()))
    assert pickle.loads(made) == "Muon: 1"


def test_interrupted_writer_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(file, "length", b"method", Maker())
    before = kept(file).read_bytes()
    file.write_bytes(b"another")

    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(KeyboardInterrupt):
            cached(file, "length", b"method", Maker())
    assert kept(file).read_bytes() == before
    assert list(kept(file).parent.iterdir()) == [kept(file)]
