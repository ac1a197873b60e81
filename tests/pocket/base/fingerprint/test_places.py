from __future__ import annotations

import sys
from pathlib import Path

import awkward
import pytest

from pocket.base.fingerprint import digest, places, specification
from pocket.base.fingerprint.places import located, portable, register_outside
from pocket.configuration.loading import available_analyses, load_analysis
from tests.law_runner import ROOT
from tests.pocket.base.fingerprint.sources import digest_in, loaded


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    found = {name: tmp_path / f"my {name}" for name in ("checkout", "analysis", "store", "home")}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setenv("POCKET_ROOT", str(found["checkout"]))
    monkeypatch.setenv("POCKET_STORE", str(found["checkout"] / "store"))
    monkeypatch.setenv("HOME", str(found["home"]))
    monkeypatch.setattr(places, "_outside", {})
    register_outside(found["analysis"])
    return found


def test_paths_count_relative_to_what_they_belong_to(folders: dict[str, Path]) -> None:
    checkout, home = folders["checkout"], folders["home"]
    assert portable(f"{checkout}/analysis/a.yaml") == "<checkout>/analysis/a.yaml"
    assert portable(f"{checkout}/store/a") == "<store>/a"
    assert portable(str(folders["analysis"])) == "<analysis>"
    assert portable(f"{home}/a b:name,{checkout}/c") == "<home>/a b:name,<checkout>/c"
    assert portable(f"file://{checkout}/a") == "file://<checkout>/a"
    for text in ("analysis/a.yaml", f"{checkout}2/a", f"{checkout}.old", "/somewhere", "root://server//a", "25 GeV"):
        assert portable(text) == text


def test_installed_packages_are_somewhere_else_in_each_environment() -> None:
    packages = Path(awkward.__file__).parents[1]
    assert portable(f"{packages}/awkward") == "<packages>/awkward"
    assert located("<packages>/awkward") == str(packages / "awkward")


def test_the_engine_has_the_same_names_beside_a_project_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for project in (ROOT, tmp_path):
        monkeypatch.setenv("POCKET_ROOT", str(project))
        for path in (ROOT / "pocket" / "errors.py", ROOT / "tasks" / "batch"):
            assert portable(str(path)) == f"<checkout>/{path.relative_to(ROOT)}"
            assert located(portable(str(path))) == str(path)
        assert located("<checkout>/params/mine.yaml") == str(project / "params" / "mine.yaml")


@pytest.mark.slow
def test_no_place_of_this_machine_is_in_a_fingerprint() -> None:
    places_here = (sys.prefix, str(ROOT), "site-packages")
    for name in available_analyses():
        for config in load_analysis(name).configs.values():
            values = specification(config.plan().spec()).values
            assert {place: text for place, text in values.items() if any(here in text for here in places_here)} == {}


def test_names_lead_back_to_paths(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        path = str(folder / "a.json")
        assert located(portable(path)) == path
    assert located("/somewhere/a.json") == "/somewhere/a.json"


def test_a_checkout_may_be_reached_by_links_and_consist_of_them(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parts" / "analysis").mkdir(parents=True)
    (folders["checkout"] / "analysis").symlink_to(tmp_path / "parts" / "analysis")
    (tmp_path / "link").symlink_to(folders["checkout"])
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path / "link"))
    for place in (tmp_path / "parts", tmp_path / "link", folders["checkout"]):
        assert portable(f"{place}/analysis/a.py") == "<checkout>/analysis/a.py"


def test_the_checkout_beside_an_analysis_keeps_its_name(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot of an analysis has links to all that is beside it, the checkout among that."""
    snapshot, checkout = str(tmp_path / "snapshot"), str(folders["checkout"])
    (folders["analysis"] / "pocketlaw").symlink_to(checkout)
    monkeypatch.setenv("POCKET_ROOT", snapshot)
    monkeypatch.setattr(places, "original", lambda path: path.replace(snapshot, checkout))
    for root in (snapshot, checkout):
        assert portable(f"{root}/pocket/a.py") == "<checkout>/pocket/a.py"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_counts_by_its_content_and_not_by_its_place(folders: dict[str, Path], kind: type) -> None:
    model, copy = folders["checkout"] / "m.onnx", folders["analysis"] / "m.onnx"
    model.write_bytes(b"one")
    before = digest(kind(model))
    model.write_bytes(b"two")
    assert digest(kind(model)) != before
    model.unlink()
    assert digest(kind(model)) != before
    # below another root it is another file
    copy.write_bytes(b"one")
    assert digest(kind(copy)) != before


@pytest.mark.parametrize("kind", ["{localdir}/m.json", "{localdir}"])
def test_the_folder_of_a_module_may_be_anywhere(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_outside", {})
    source = f"""
from os.path import abspath, dirname
localdir = dirname(abspath(__file__))
MODEL = f"{kind}"
def cut(x): return x, MODEL, __file__
"""
    digests = set()
    for comment in ("", "# a comment\n"):
        with loaded(comment + source) as lib:
            folder = Path(str(lib.__file__)).parent
            (folder / "m.json").write_text("{}")
            register_outside(folder)
            digests.add(digest(lib.cut))
    assert len(digests) == 1
    assert digest_in("cut", source) not in digests
