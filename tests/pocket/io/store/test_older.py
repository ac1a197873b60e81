from __future__ import annotations

from pathlib import Path

import pytest

from pocket.io.store import write_output
from pocket.io.store.older import REPORTED, report_older


def make(*outputs: Path, **info: object) -> None:
    for output in outputs:
        with write_output(output, task="MergeOutputs", inputs={}, **info) as folder:
            (folder / "templates").write_text("1")


def report(version: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Return what another process would tell."""
    report_older.cache_clear()
    caplog.clear()
    with caplog.at_level("INFO", "pocket"):
        report_older(version)
    return "\n".join(caplog.messages)


def test_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    version = tmp_path / "zmumu" / "MergeOutputs" / "tnp" / "v1"
    make(version / "aa", version / "bb" / "0-3", version / "bb" / "3-5", version / "cc" / "DY" / "0-9")
    make(version / "dd", version / "ee" / "0-3", records={"spec": "ab"})
    expected = f"3 outputs in {version} were made before 0.2: they stay, but are not found again"
    assert report(version, caplog) == expected
    assert report(version, caplog) == ""
    # Of each version of the outputs.
    make(version.with_name("v2") / "aa")
    assert report(version.with_name("v2"), caplog) == (
        f"1 output in {version.with_name('v2')} was made before 0.2: it stays, but is not found again"
    )
    assert len(list(version.rglob("templates"))) == 6


def test_nothing_to_tell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    version = tmp_path / "v1"
    assert report(version, caplog) == ""
    make(version / "aa", version / "bb" / "0-3", records={"spec": "ab"})
    # Being written, not complete, or no output at all.
    make(version / ".cc.tmp-host-1-ab", version / "dd", version / "ee")
    (version / "dd" / "templates").unlink()
    (version / "ee" / "manifest.json").write_text("{")
    (version / "file").touch()
    assert report(version, caplog) == ""
    assert not (version / REPORTED).exists()


def test_folder_that_can_not_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(path)

    make(tmp_path / "aa")
    monkeypatch.setattr(Path, "touch", refuse)
    assert "1 output" in report(tmp_path, caplog)
    assert "1 output" in report(tmp_path, caplog)
