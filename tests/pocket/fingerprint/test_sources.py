from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from pocket.fingerprint import sources
from pocket.fingerprint.sources import Import, Source, read_source

TEXT = "import os\nfrom ..cuts import pt, eta\nBINS = 30\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "lib.py"
    path.write_text(TEXT)
    return path


def read(file: Path) -> Source:
    """Return what a new process finds."""
    read_source.cache_clear()
    stat = file.stat()
    return read_source(str(file), stat.st_mtime_ns, stat.st_size)


def kept(file: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(file))).with_suffix(".digest")


def test_imports(file: Path) -> None:
    first, second = read(file).imports
    assert (first, second) == (Import(0, "os"), Import(2, "cuts", ("pt", "eta")))
    assert list(first.modules("analysis.it")) == ["os"]
    names = ["analysis", "analysis.cuts", "analysis.cuts.pt", "analysis.cuts.eta"]
    assert list(second.modules("analysis.it")) == names


def test_the_next_process_does_not_parse(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(file)
    monkeypatch.setattr(sources, "tree_digest", None)
    assert read(file) == found
    # the content counts, not when it was written
    os.utime(file, ns=(1, 1))
    assert read(file) == found


@pytest.mark.parametrize("change", ["source", "method", "broken", "other", "older"])
def test_what_was_kept_of_something_else(file: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    read(file)
    expected = read(file)
    key, _, _ = json.loads(kept(file).read_text())
    kept(file).write_text(json.dumps([key, "kept", []]))
    assert read(file).digest == "kept"
    if change == "source":
        file.write_text(TEXT.replace("30", "25"))
        assert read(file).digest not in ("kept", expected.digest)
        return
    if change == "method":
        monkeypatch.setattr(sources, "_method", lambda: b"another way")
    else:
        kept(file).write_text({"broken": "[", "other": "[1, 2]", "older": '["key", "kept", []]'}[change])
    assert read(file) == expected


def test_where_nothing_can_be_written(file: Path) -> None:
    expected = read(file)
    kept(file).unlink()
    kept(file).parent.rmdir()
    kept(file).parent.touch()
    assert read(file) == expected


def test_nothing_is_kept_if_python_keeps_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    read(file)
    assert not kept(file).exists()
