from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.fingerprint import code_closure
from tests.pocket.fingerprint.sources import write_modules

PACKAGE = {
    "engine.__init__": "raise RuntimeError('imported')\nfrom engine import exported",
    "engine.run": "import os\nfrom . import fill\ndef run():\n    from engine.sub.lazy import work\n",
    "engine.fill": "from .axes import build\nfrom . import not_a_module\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from engine.typed import T\nelse:\n    import engine.untyped\n",
    "engine.axes": "try:\n    import engine.optional as o\nexcept ImportError:\n    import engine.fallback\nBINS = 30",
    "engine.sub.__init__": "",
    "engine.sub.lazy": "from ..star import *\nfrom ... import nothing\nimport other.module\n"
    "match 1:\n  case 1:\n    import engine.matched",
    "engine.star": "import engine.run",
    "other.__init__": "",
    "other.module": "BINS = 30",
    **{
        f"engine.{name}": "BINS = 30"
        for name in ("exported", "typed", "untyped", "optional", "fallback", "matched", "unused")
    },
}
FOLLOWED = (
    "engine.__init__", "engine.run", "engine.fill", "engine.axes", "engine.sub.__init__", "engine.sub.lazy",
    "engine.star", "engine.exported", "engine.untyped", "engine.optional", "engine.fallback", "engine.matched",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    write_modules(tmp_path, PACKAGE)
    return tmp_path


def closure() -> str:
    return code_closure("engine.run", "engine")


@pytest.mark.parametrize("name", sorted(PACKAGE))
def test_exactly_the_imported_modules_count(folder: Path, name: str) -> None:
    before = closure()
    write_modules(folder, {name: f"{PACKAGE[name]}\nBINS = 12345"})
    assert (closure() != before) == (name in FOLLOWED)


def test_comments_and_docstrings_do_not_count(folder: Path) -> None:
    before = closure()
    for name, source in PACKAGE.items():
        write_modules(folder, {name: f'"""Documented."""\n# with a comment\n{source}\n'})
    assert closure() == before


def test_a_change_that_keeps_the_size_is_seen(folder: Path) -> None:
    before = closure()
    write_modules(folder, {"engine.axes": PACKAGE["engine.axes"].replace("30", "25")})
    os.utime(folder / "engine" / "axes.py", ns=(1, 1))
    changed = closure()
    write_modules(folder, {"engine.axes": PACKAGE["engine.axes"]})
    assert changed != before == closure()


def test_new_and_removed_modules_are_seen(folder: Path) -> None:
    before = closure()
    (folder / "engine" / "optional.py").unlink()
    without = closure()
    write_modules(folder, {"engine.not_a_module": ""})
    assert len({before, without, closure()}) == 3


def test_compiled_modules_count_by_their_bytes(folder: Path) -> None:
    write_modules(folder, {"uses_compiled": "import compiled"})
    digests = set()
    for content in (b"\x7fELF\x00one", b"\x7fELF\x00other"):
        (folder / "compiled.so").write_bytes(content)
        digests.add(code_closure("uses_compiled", "compiled"))
    assert len(digests) == 2


def test_several_packages_may_be_followed(folder: Path) -> None:
    before = code_closure("engine.run", ("engine", "other"))
    assert before != closure()
    write_modules(folder, {"other.module": "BINS = 25"})
    assert code_closure("engine.run", ("engine", "other")) != before


def test_nothing_is_imported(folder: Path) -> None:
    code = (
        "import sys; from pocket.fingerprint import code_closure; before = set(sys.modules); "
        "print(code_closure({}, {})); print(set(sys.modules) - before)"
    )
    root = Path(__file__).parents[3]
    for module, package in (("engine.run", "engine"), ("pocket.configurator", "pocket")):
        run = subprocess.run(
            [sys.executable, "-c", code.format(repr(module), repr(package))],
            env={**os.environ, "PYTHONPATH": f"{folder}:{root}"}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert run.stdout.splitlines() == [code_closure(module, package), "set()"]


def test_modules_that_are_missing_or_broken_are_errors(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"module 'engine\.rum' can't be found"):
        code_closure("engine.rum", "engine")
    write_modules(folder, {"engine.axes": "def broken(:"})
    with pytest.raises(ConfigError, match=r"axes\.py can't be parsed: .*line 1"):
        closure()
