from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pocket.parameters.checksums import changed_files, checksums


def test_checksums_tell_which_files_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    names = ["corrections://a.json", "corrections://b.json", str(tmp_path / "c.onnx")]
    for name in ("a.json", "b.json", "c.onnx"):
        (tmp_path / name).write_text(name)
    recorded = checksums(names)
    assert recorded["corrections://a.json"] == hashlib.sha256(b"a.json").hexdigest()
    assert changed_files(recorded) == []
    (tmp_path / "a.json").write_text("a.json")  # written again, with the same content
    (tmp_path / "b.json").write_text("another")
    (tmp_path / "c.onnx").unlink()
    assert changed_files(recorded) == ["corrections://b.json"]
