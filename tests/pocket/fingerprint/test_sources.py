from __future__ import annotations

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


def test_imports(file: Path) -> None:
    first, second = read(file).imports
    assert (first, second) == (Import(0, "os"), Import(2, "cuts", ("pt", "eta")))
    assert list(first.modules("analysis.it")) == ["os"]
    names = ["analysis", "analysis.cuts", "analysis.cuts.pt", "analysis.cuts.eta"]
    assert list(second.modules("analysis.it")) == names


def test_the_next_process_does_not_parse(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(file)
    with monkeypatch.context() as patch:
        patch.setattr(sources, "tree_digest", None)
        assert read(file) == found
    file.write_text(TEXT.replace("30", "25"))
    assert read(file).digest != found.digest


def test_another_method_finds_it_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(file)
    monkeypatch.setattr(sources, "tree_digest", lambda tree: "another")
    assert read(file) == found
    monkeypatch.setattr(sources, "_method", lambda: b"another way")
    assert read(file) == Source("another", found.imports)
