from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from pocket.base.snapshots.process import package_folder
from pocket.errors import ConfigError
from pocket.executors import code
from pocket.executors.code import CodeFolder, code_folders
from pocket.executors.remote import content_digest
from tests.law_runner import ROOT


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "params.yaml", "events.root", ".secret", "__pycache__/__init__.pyc"):
        (folder / name).write_text(name)
    return folder


def test_content(package: Path) -> None:
    found = CodeFolder.read(package.parent, ["mine"])
    assert found.parent == str(package.parent)
    assert found.digest == content_digest(package.parent, ["mine"])
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.namelist() == ["mine/__init__.py", "mine/params.yaml"]
        assert archive.read("mine/params.yaml") == b"params.yaml"


def test_too_much_to_send(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MAX_SIZE", 3_000_000)
    (package / "model.bin").write_bytes(b"x" * 4_000_000)
    with pytest.raises(ConfigError, match=r"\(mine\) has 4 MB, too much .*; the largest file is mine/model.bin$"):
        CodeFolder.read(package.parent, ["mine"])


def test_of_an_analysis_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    (found,) = code_folders("zmumu")
    assert found.parent == str(ROOT)
    assert found.names == ("analysis", "datasets", "params", "pocket", "tasks")
    assert code_folders("analysis.zmumu") == [found]


def test_of_an_analysis_elsewhere(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    _, by_path = code_folders(str(package))
    assert (by_path.parent, by_path.names) == (str(package.parent), ("mine",))
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    assert code_folders("mine.part")[1] == by_path
    monkeypatch.chdir(package.parent)
    assert code_folders("./mine")[1] == by_path


def test_project_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "a.yaml").write_text("a: 1")
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    data, packages = code_folders("zmumu")
    assert (data.parent, data.names) == (str(tmp_path), ("params",))
    assert (packages.parent, packages.names) == (str(ROOT), ("analysis", "pocket", "tasks"))


def test_folder_of_a_package() -> None:
    assert package_folder("pocket") == ROOT / "pocket"
    assert package_folder("no_such_package") is None
    assert package_folder("textwrap") is None


def test_of_an_analysis_in_a_repository_with_an_installed_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("muons/__init__.py", "datasets/toys.json", "tests/__init__.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("analysis = Analysis()" if "muons" in name else "")
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = {folder.parent: folder.names for folder in code_folders("muons")}
    assert found == {str(tmp_path): ("datasets", "muons"), str(ROOT): ("pocket", "tasks")}
