from __future__ import annotations

import os
from pathlib import Path

from pocket.base.fingerprint.values import describe_file


def test_content_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"one")
    one = describe_file(str(path))
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(one) == 1
    assert describe_file(str(path)) != one


def test_source_counts_by_its_syntax(tmp_path: Path) -> None:
    path = tmp_path / "cuts.py"
    path.write_text("LIMIT = 30")
    one = describe_file(str(path))
    path.write_text("LIMIT = 30  # GeV")
    same = describe_file(str(path))
    path.write_text("LIMIT = 25")
    assert one == same != describe_file(str(path))


def test_what_is_no_file_has_no_content(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "broken.py"):
        assert describe_file(str(path)) == []
    assert describe_file("with\0null") == []
