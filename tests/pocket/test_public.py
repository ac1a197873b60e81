"""The public face: names that load when they are used, documented, and the only ones that docs and analyses import."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pocket
from tests.checkout import REPOSITORY
from tests.entries import check_each

#: packages with public names
FACES = ("pocket", *(f"pocket.{path.parent.name}" for path in sorted(Path(pocket.__file__).parent.glob("*/*.pyi"))))
PAGES = [*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "README.md"]
#: "from pocket… import …", also over several lines, but not from pocket_coffea
IMPORT = re.compile(r"(?:^ *|')from (pocket(?:\.[\w.]+)?) import (\([^)]*\)|[\w, ]+)", re.MULTILINE)
#: modules that take long to load
HEAVY = ("awkward", "coffea", "hist", "matplotlib", "numba", "numpy", "uproot")


def imported(text: str) -> list[tuple[str, str]]:
    """Return module and name of all imports from pocket."""
    found = []
    for module, names in IMPORT.findall(text):
        for name in names.partition("#")[0].strip("()").replace("\n", " ").split(","):
            if first := name.split(" as ")[0].strip(" \\"):
                found.append((module, first))
    return found


@functools.cache
def all_pages() -> tuple[str, list[tuple[str, str]]]:
    """Return the text of all pages, and all imports from pocket in it."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return text, imported(text)


@check_each("package", FACES)
def test_all_public_names_load(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))
    public = [getattr(module, name) for name in module.__all__]
    documented = [value for value in public if inspect.isclass(value) or inspect.isfunction(value)]
    assert [value for value in documented if not inspect.getdoc(value)] == []


def test_importing_is_light() -> None:
    code = f"import sys, pocket; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@check_each("name", pocket.__all__)
def test_name_has_an_example_and_is_in_the_docs(name: str) -> None:
    value = getattr(pocket, name)
    assert ">>> " in (inspect.getdoc(value) or ""), f"no example in the docstring of pocket.{name}"
    text, imports = all_pages()
    used = ("pocket", name) in imports or re.search(rf"\bpocket\.{name}\b", text)
    assert used, f"no page of the docs uses pocket.{name}"


@check_each(
    "file",
    [*PAGES, *sorted((REPOSITORY / "analysis").rglob("*.py"))],
    ids=lambda file: file.relative_to(REPOSITORY).as_posix(),
)
def test_only_public_names_are_imported(file: Path) -> None:
    public = {(package, name) for package in FACES for name in importlib.import_module(package).__all__}
    public |= {(f"pocket.{name}", "*") for name in pocket.__all__}
    public |= {("pocket.errors", name) for name in dir(pocket.errors)}
    assert [found for found in imported(file.read_text(encoding="utf-8")) if found not in public] == []


def test_unknown_name() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Configuratr' from 'pocket'"):
        from pocket import Configuratr  # noqa: F401
