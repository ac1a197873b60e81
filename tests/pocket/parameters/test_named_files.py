from __future__ import annotations

from pathlib import Path

import pytest

from pocket.parameters.shipped import configuration_folder, definition_file


def test_definition_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, project, working = (tmp_path / name for name in ("beside", "project", "working"))
    for folder in (beside, project, working):
        folder.mkdir()
    monkeypatch.setenv("POCKET_ROOT", str(project))
    monkeypatch.chdir(working)
    assert definition_file("a.json") == "a.json"
    (working / "a.json").touch()
    assert definition_file("a.json") == str(working / "a.json")
    (project / "a.json").touch()
    assert definition_file("a.json") == "a.json"
    assert definition_file(beside / "b.json") == str(beside / "b.json")
    (beside / "a.json").touch()
    with configuration_folder(beside):
        assert definition_file("a.json") == str(beside / "a.json")
        (beside / "a.json").unlink()
        assert definition_file("a.json") == "a.json"
    assert definition_file("a.json") == "a.json"
