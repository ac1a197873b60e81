from __future__ import annotations

from pathlib import Path

import pytest

from pocket.base import dialects
from pocket.base.dialects import Dialect, dialect


def test_a_package_registers_itself_and_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dialect().ignored_style
    assert dialect() is dialect()
    monkeypatch.setattr(dialects, "_POCKET", tmp_path)
    assert dialect.__wrapped__() == Dialect()
    for name in ("compat", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dialect.py").write_text("")
    with pytest.raises(AssertionError, match="other"):
        dialect.__wrapped__()
