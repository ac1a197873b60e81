from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pocket.base.fingerprint.modules import Location, is_library, locate, public_name
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import loaded


@check_each(
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
