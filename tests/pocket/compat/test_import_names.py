from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pocket.base.fingerprint.modules import is_library, locate, owner
from pocket.compat.import_names import PACKAGE, NamesFinder, install_import_names, replacement
from pocket.errors import ConfigError


@pytest.fixture(autouse=True)
def separate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the modules and finders of this process as they were."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)


def test_the_hook_comes_first_and_once() -> None:
    install_import_names()
    install_import_names()
    assert isinstance(sys.meta_path[0], NamesFinder)
    assert sum(isinstance(finder, NamesFinder) for finder in sys.meta_path) == 1


def test_a_hook_from_before_a_snapshot_is_replaced() -> None:
    install_import_names()
    earlier = type("NamesFinder", (), {})()
    sys.meta_path.insert(0, earlier)
    install_import_names()
    assert earlier not in sys.meta_path


def test_modules_from_elsewhere_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType(PACKAGE)
    other.__file__ = "/elsewhere/pocket_coffea/__init__.py"
    monkeypatch.setitem(sys.modules, PACKAGE, other)
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not isinstance(finder, NamesFinder)])
    install_import_names()
    assert importlib.import_module(PACKAGE) is not other


def test_modules_are_real_files_of_this_project() -> None:
    install_import_names()
    spec = importlib.util.find_spec("pocket_coffea.lib.cut_functions")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).parts[-5:] == ("pocket", "compat", PACKAGE, "lib", "cut_functions.py")
    location = locate("pocket_coffea.lib.cut_functions")
    assert location is not None
    assert location.file == spec.origin
    assert not is_library("pocket_coffea.lib.cut_functions")
    assert owner("pocket_coffea.lib.cut_functions") == "engine"


def test_other_modules_are_left_to_others() -> None:
    assert NamesFinder().find_spec("pocket_coffeas", None) is None


def test_a_module_that_is_loaded_is_no_refused_name() -> None:
    install_import_names()
    rucio = importlib.import_module("pocket_coffea.utils.rucio")
    package = importlib.import_module("pocket_coffea.utils")
    # Its package may have been loaded once more since.
    vars(package).pop("rucio", None)
    assert package.rucio is rucio


def test_replacements() -> None:
    assert "MergeOutputs" in str(replacement("pocket_coffea.scripts.merge_outputs.main"))
    assert replacement("pocket_coffea.lib.jets.jet_selection") is None
    install_import_names()
    rucio = importlib.import_module("pocket_coffea.utils.rucio")
    with pytest.raises(ConfigError, match=r"utils.rucio.get_client of PocketCoffea isn't here: .*BuildDatasets"):
        rucio.get_client()
    module = importlib.import_module("pocket_coffea.workflows.base")
    with pytest.raises(ConfigError, match=r"base.HistManager of PocketCoffea isn't here: the engine fills"):
        module.HistManager({})
