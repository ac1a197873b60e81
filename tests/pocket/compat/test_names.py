"""Every public name of PocketCoffea is here, or using it raises a sentence with the replacement."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import pocket.compat
from pocket.compat import refused_names
from pocket.compat.import_names import PACKAGE, replacement
from pocket.errors import ConfigError
from tests.entries import check_each
from tests.pocket.compat.upstream_names import FILE, public_names

NAMES: dict[str, list[str]] = json.loads(FILE.read_text())
FOLDER = Path(pocket.compat.__file__).parent
#: modules of older releases, which many configurations still import
OLDER = ("utils.datacard", "utils.processes", "utils.systematics")
TABLE: dict[str, str] = yaml.safe_load((FOLDER / "replacements.yaml").read_text())


def refusal(module: str, name: str = "") -> str:
    """Return the replacement of a module or a name in it, empty if it is there."""
    found: object = importlib.import_module(module)
    return refused_names.refusal(getattr(found, name) if name else found) or ""


@check_each("module", NAMES)
def test_names_are_there_or_explained(module: str) -> None:
    if sentence := refusal(module):
        assert len(sentence) > 20
        return
    for name in NAMES[module]:
        if refusal(module, name):
            with pytest.raises(ConfigError, match=rf"{module}\.{name} of PocketCoffea isn't here: .{{20}}"):
                getattr(importlib.import_module(module), name)()


@check_each("key", TABLE)
def test_no_explanation_is_left_of_what_is_there(key: str) -> None:
    module, _, name = f"{PACKAGE}.{key}".rpartition(".")
    if name in NAMES.get(module, ()):
        assert refusal(module, name)
    elif any(f"{other}.".startswith(f"{PACKAGE}.{key}.") for other in NAMES):
        assert refusal(f"{PACKAGE}.{key}") or key == "executors"
    else:
        assert key in OLDER


def test_the_page_lists_what_is_refused() -> None:
    by_sentence: dict[str, list[str]] = {}
    for name, sentence in TABLE.items():
        by_sentence.setdefault(sentence, []).append(name)
    rows = [f"| {', '.join(f'`{name}`' for name in names)} | {text} |" for text, names in by_sentence.items()]
    page = (Path(__file__).parents[3] / "docs" / "reference" / "pocketcoffea.md").read_text()
    assert page.partition("## What is refused")[2].partition("| --- | --- |\n")[2] == "\n".join(rows) + "\n"


def test_modules_here_only_hold_names_of_other_modules() -> None:
    def own(folder: Path) -> Iterator[str]:
        for file in folder.rglob("*.py"):
            yield from re.findall(r"^(?:def|class) \w+|^\w+ = .*", file.read_text(), re.MULTILINE)

    assert list(own(FOLDER / PACKAGE)) == []


def test_the_real_package_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "__init__.py").write_text("raise AssertionError")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    assert importlib.import_module(PACKAGE).__file__ == str(FOLDER / PACKAGE / "__init__.py")


def test_star_imports() -> None:
    namespace: dict[str, object] = {}
    exec("from pocket_coffea.parameters.histograms import *", namespace)
    assert {"HistConf", "Axis", "jet_hists", "deepcopy"} <= set(namespace)
    exec("from pocket_coffea.lib.cut_functions import *", namespace)
    assert {"get_nObj_min", "Cut", "ak", "np"} <= set(namespace)


def test_an_unknown_name_is_an_ordinary_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'no_such_name'"):
        exec("from pocket_coffea.lib.jets import no_such_name")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'pocket_coffea.lib.no_such_module'"):
        exec("import pocket_coffea.lib.no_such_module")
    module = importlib.import_module("pocket_coffea.lib.jets")
    assert not hasattr(module, "no_such_name")
    assert replacement("pocket_coffea.lib.jets.no_such_name") is None


def test_the_list_is_made_of_a_checkout(tmp_path: Path) -> None:
    library = tmp_path / PACKAGE / "lib"
    library.mkdir(parents=True)
    (tmp_path / PACKAGE / "__init__.py").touch()
    (library / "__init__.py").touch()
    (library / "base.py").write_text(
        "import numpy as np\nfrom typing import List\n_hidden = A, b = 1, 2\nclass C: ...\n"
    )
    (library / "derived.py").write_text(
        "from .base import *\nfrom . import base\nfrom pocket_coffea.lib.base import C as D\n"
        "try:\n    def f(): ...\nexcept ImportError: ...\nif __name__ == '__main__':\n    out = 1\n"
    )
    found = public_names(tmp_path)
    assert found["pocket_coffea.lib.base"] == ["A", "C", "b"]
    assert found["pocket_coffea.lib.derived"] == ["A", "C", "D", "b", "f"]
