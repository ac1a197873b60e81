from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from pocket.base.fingerprint.modules import Location, is_library, locate, number_library, public_name, version
from tests.pocket.base.fingerprint.sources import loaded


@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("numpy", True),
        ("numpy.linalg", True),
        ("awkward.operations.ak_num", True),
        ("os.path", True),
        ("builtins", True),
        ("itertools", True),
        ("_frozen_importlib", True),
        ("xml.etree.ElementTree", True),
        ("pocket", False),
        ("pocket.engine.run", False),
        ("analysis.zmumu", False),
        ("__main__", False),
        ("tests.pocket", False),
        ("does_not_exist", False),
    ],
)
def test_libraries_are_told_from_code_of_the_user(module: str, library: bool) -> None:
    assert is_library(module) == library


def test_a_users_module_may_have_the_name_of_a_standard_one() -> None:
    before = sys.modules.pop("this", None)
    with loaded({"this": "LIMIT = 30"}):
        assert not is_library("this")
    assert is_library("this")
    assert before is None


def test_versions_are_those_of_the_distribution() -> None:
    assert version("numpy.linalg") == f"numpy {metadata.version('numpy').partition('.')[0]}"
    assert version("vector.backends") == f"vector {metadata.version('vector').partition('.')[0]}"


@pytest.mark.parametrize(
    ("release", "counted"),
    [("2.4.6", "2"), ("2026.9.0", "2026"), ("0.68.1", "0.68"), ("0.1", "0.1"), ("3", "3"), ("1.0rc1", "1")],
)
def test_releases_with_the_same_promise_count_as_one(
    release: str, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata.Distribution, "version", release)
    assert version.__wrapped__("numpy.linalg") == f"numpy {counted}"


_RECORD = """\
muons/__init__.py,sha256={hash},30
muons/__pycache__/__init__.cpython-311.pyc,,
muons-1.0.dist-info/direct_url.json,sha256={own},20
../../../bin/muons,sha256={own},10
"""


def _installed(folder: Path, record: str, **files: str) -> str:
    """Write the metadata of a distribution as installers do, and return how it counts."""
    info = folder / "muons-1.0.dist-info"
    for path in (folder / "muons" / "__init__.py", info / "METADATA"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: muons\nVersion: 1.0\n")
    (info / "RECORD").write_text(record)
    for name, text in files.items():
        (info / name.replace("direct_url", "direct_url.json")).write_text(text)
    return version.__wrapped__("muons")


def test_files_count_of_what_was_installed_from_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    first, second = _RECORD.format(hash="one", own="here"), _RECORD.format(hash="two", own="here")
    assert _installed(tmp_path, first, INSTALLER="pip\n") == "muons 1"
    assert _installed(tmp_path, second, INSTALLER="uv") == "muons 1"

    url = '{"url": "https://example.org/muons.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}'
    before = _installed(tmp_path, first, direct_url=url)
    assert before.startswith("muons 1 ")
    assert _installed(tmp_path, second) != before
    assert _installed(tmp_path, _RECORD.format(hash="one", own="elsewhere")) == before

    # The packages of conda have the folder that they were built in.
    assert _installed(tmp_path, first, INSTALLER="conda\n") == "muons 1"


def test_libraries_that_decide_no_number_have_no_version() -> None:
    assert version("yaml") == "yaml"
    assert version("json.decoder") == "python"
    assert number_library("yaml") == number_library("json.decoder") == ""
    assert number_library("numpy.linalg") == f"numpy {metadata.version('numpy').partition('.')[0]}"


def test_modules_of_the_standard_library_have_one_name_in_all_versions_of_python() -> None:
    assert public_name("pathlib._local") == public_name("pathlib") == "pathlib"
    assert public_name("numpy.linalg") == "numpy.linalg"


def test_modules_are_located_without_importing_them() -> None:
    root = Path(__file__).parents[4]
    location = locate("pocket.base.fingerprint")
    assert location is not None
    assert location.file == str(root / "pocket" / "base" / "fingerprint" / "__init__.py")
    assert location.folders == (str(root / "pocket" / "base" / "fingerprint"),)
    assert locate("pocket.nothing.at.all") is None
    assert locate("does_not_exist") is None


def test_what_was_located_before_is_not_looked_for() -> None:
    known: dict[str, Location | None] = {}
    assert locate("pocket.base.fingerprint.graph", known) == locate("pocket.base.fingerprint.graph")
    assert list(known) == ["pocket", "pocket.base", "pocket.base.fingerprint", "pocket.base.fingerprint.graph"]
    assert locate("nowhere.it", {"nowhere.it": Location("here.py")}) == Location("here.py")


def test_a_module_loaded_by_hand_is_located_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("by_hand")
    module.__file__ = str(tmp_path / "by_hand" / "__init__.py")
    module.__path__ = [str(tmp_path / "by_hand")]
    (tmp_path / "by_hand").mkdir()
    (tmp_path / "by_hand" / "cuts.py").write_text("")
    monkeypatch.setitem(sys.modules, "by_hand", module)
    location = locate("by_hand.cuts")
    assert location is not None
    assert location.file == str(tmp_path / "by_hand" / "cuts.py")
