from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from pocket.base.fingerprint.names import names_in
from pocket.cuts.library import get_HLTsel, goldenJson
from pocket.errors import ConfigError
from pocket.histograms.config import Axis, HistConf
from pocket.objects.jets import jet_selection
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights.event import Lumi
from tests.pocket.base.fingerprint.sources import loaded

TABLE = "table_of_a_global"


def helper(params: Any) -> Any:
    """Return what the docstring calls not_a_name."""

    def nested() -> Any:
        """Nor what this one calls nor_this_one."""
        return [name for name in ("text_in_a_list", params) if name], (name for name in "only_text")

    return params["dotted.path"], params.get(f"pre_{params}_post"), TABLE, nested


class Reads:
    entry = "value_of_a_class"

    def __init__(self, params: Any) -> None:
        self.cut = params.taken_in_init

    def factor(self) -> Any:
        return self.cut.taken_in_factor


class Derived(Reads):
    @property
    def more(self) -> Any:
        return [lambda: self.cut.taken_in_a_lambda for _ in ("text_in_a_tuple",)]


def test_names_of_attributes_and_words_of_texts() -> None:
    names = names_in(helper)
    assert {"dotted", "path", "pre_", "_post", "get", "table_of_a_global"} <= names
    assert {"text_in_a_list", "only_text"} <= names
    assert not {"not_a_name", "nor_this_one"} & names
    assert "not_a_name" not in names_in(lambda params: helper(params))


def test_classes_with_their_bases_and_methods() -> None:
    names = names_in({"class": Derived})
    expected = {"taken_in_init", "taken_in_factor", "taken_in_a_lambda", "text_in_a_tuple", "value_of_a_class"}
    assert expected <= names
    assert "taken_in_factor" not in names_in(Derived, without=[Reads.factor])
    assert "taken_in_init" in names_in(Derived, without=[Reads.factor])


def test_values_and_what_wraps_functions() -> None:
    partial = functools.partial(helper, "bound text")
    assert {"bound", "text", "dotted"} <= names_in([partial])
    assert "a_key" in names_in({"a_key": 1})
    assert {"coll_of_an_axis", "weight"} <= names_in(
        HistConf([Axis(coll="coll_of_an_axis", field="x", bins=1, start=0, stop=1)])
    )


def test_shipped_code_is_followed_by_its_functions() -> None:
    """Not by its modules, which name all sections."""
    assert {"object_preselection", "jet_puId"} <= names_in(jet_selection)
    assert {"HLT", "_triggers"} <= names_in(get_HLTsel(["SingleMuon"]))
    assert {"lumi", "goldenJSON"} <= names_in(goldenJson)
    assert {"lumi", "picobarns"} <= names_in(Lumi)
    for code in (jet_selection, get_HLTsel, goldenJson, BaseProcessorABC):
        assert not {"lepton_scale_factors", "met_calibration", "muon_scale", "btagSF_calibration"} & names_in(code)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "someones"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "late.py").write_text(
        "from someones import later\nfrom pocket.cuts.library import goldenJson\n"
        "def late(params):\n    return later.more(params.named_late), goldenJson\n"
    )
    (folder / "later.py").write_text("def more(params):\n    return params['named_later']\n")
    (folder / "first.py").write_text(
        "def first(params):\n    from .late import late\n    return late(params)\n"
        "def other(params):\n    from pocket.weights.event import Lumi\n    return Lumi(params)\n"
    )
    return folder


def test_modules_that_functions_import(package: Path) -> None:
    from someones.first import first, other  # type: ignore[import-not-found]

    names = names_in(first)
    assert {"named_late", "named_later", "goldenJSON"} <= names
    assert "someones.late" not in sys.modules
    assert "lepton_scale_factors" not in names
    # the same where they are loaded already
    importlib.import_module("someones.late")
    assert names_in(first) == names
    assert "picobarns" in names_in(other)
    for module in [name for name in sys.modules if name.startswith("someones")]:
        del sys.modules[module]


def test_folders_of_this_machine_are_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path / "btagging"))
    assert "btagging" not in names_in({"file": str(tmp_path / "btagging" / "file.json")})


def test_what_has_no_content_is_named_with_its_place() -> None:
    source = """
        import threading
        HANDLE = threading.Lock()
        def cut(events): return events.pt > HANDLE.locked()
    """
    with loaded(source) as module, pytest.raises(ConfigError, match=r"cut -> HANDLE can't be fingerprinted: its type"):
        names_in({"cut": module.cut})
