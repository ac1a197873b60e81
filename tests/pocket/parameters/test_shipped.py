from __future__ import annotations

from pathlib import Path

import pytest

from pocket.parameters import shipped
from pocket.parameters.shipped import (
    analysis_package,
    analysis_packages,
    engine_root,
    find_file,
    find_files,
    shipped_root,
)
from tests.law_runner import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty repository of an analysis."""
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    return tmp_path


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_places_of_a_checkout() -> None:
    assert engine_root() == ROOT.resolve()
    assert shipped_root() == ROOT.resolve()


def test_places_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "site-packages"
    monkeypatch.setattr(shipped, "__file__", str(put(installed / "pocket" / "parameters" / "shipped.py")))
    (installed / "pocket" / "data").mkdir()
    assert engine_root() == installed
    assert shipped_root() == installed / "pocket" / "data"


def test_find_file(project: Path) -> None:
    definition = Path("datasets", "toys.json")
    assert find_file(definition) == ROOT.resolve() / definition
    mine = put(project / definition)
    assert find_file(str(definition)) == mine
    # an error about what isn't there names the project
    assert find_file("datasets/no.json") == project / "datasets" / "no.json"
    assert find_file("/absolute/no.json") == Path("/absolute/no.json")


def test_find_files(project: Path) -> None:
    names = [path.name for path in find_files("datasets", "*.json")]
    assert names == sorted(path.name for path in (ROOT / "datasets").glob("*.json"))
    mine = [put(project / "datasets" / name) for name in ("a.json", "toys.json")]
    found = find_files("datasets", "*.json")
    assert set(mine) <= set(found)
    assert [path.name for path in found] == sorted({*names, "a.json"})
    assert find_files("nowhere", "*") == []


def test_analyses_of_a_checkout() -> None:
    shipped = {name: f"analysis.{name}" for name in ("ttbar", "ttbar_run3", "zee", "zmumu", "zmumu_run3")}
    assert analysis_packages() == shipped
    assert analysis_package("zmumu") == "analysis.zmumu"
    assert analysis_package("no_such") == "analysis.no_such"
    assert analysis_package("mine.muons") == "mine.muons"


def test_analysis_of_a_repository(project: Path) -> None:
    put(project / "muons" / "__init__.py", "analysis = Analysis(name='muons')\n")
    put(project / "tests" / "__init__.py")
    put(project / "pocket" / "__init__.py", "Analysis()\n")
    assert analysis_packages() == {"muons": "muons"}
    assert analysis_package("muons") == "muons"
    put(project / "analysis" / "muons" / "__init__.py")
    assert analysis_package("muons") == "analysis.muons"
