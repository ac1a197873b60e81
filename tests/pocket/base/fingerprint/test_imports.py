from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from pocket.base.fingerprint import code_closure, imports
from pocket.errors import ConfigError
from tests.pocket.base.fingerprint.sources import write_modules

#: names that follow from ``engine.run`` have LIMITs that count, in other modules nothing does
PACKAGE = {
    "engine.__init__": "raise RuntimeError('imported')\nfrom engine import exported\nfrom engine.fill import unused",
    "engine.run": "import os\nfrom . import fill\nfrom engine import axes as a\nimport engine.plain\n"
    "from engine.typed import Typed\nfrom engine.effect import nothing_used\n"
    "def run(x: Typed):\n    from engine.sub.lazy import work\n    return fill.fill, a.build, engine.plain.LIMIT",
    "engine.fill": "from typing import TYPE_CHECKING\nfrom engine.beside import LIMIT as OTHER\n"
    "if TYPE_CHECKING:\n    from engine.hidden import T\n"
    "LIMIT = 30\ndef fill(): return LIMIT\ndef beside(): return OTHER",
    "engine.axes": "try:\n    import engine.optional as o\nexcept ImportError:\n    import engine.fallback\n"
    "LIMIT = 30\ndef build(): return LIMIT",
    "engine.sub.__init__": "from engine.sub.lazy import work\nimport engine.reexported",
    "engine.sub.lazy": "from ..star import *\nfrom ... import nothing\nimport other.module\n"
    "def work(): return other.module.LIMIT, LIMIT",
    "other.__init__": "",
    "other.module": "LIMIT = 30",
    "engine.effect": "register(LIMIT)\nLIMIT = 30\n",
    "engine.typed": "LIMIT = 30\nclass Typed:\n    limit = LIMIT\n",
    "engine.unused": "LIMIT = 30",
    **{f"engine.{name}": "LIMIT = 30" for name in ("exported", "hidden", "optional", "fallback", "plain", "beside",
                                                    "reexported", "star")},
}  # fmt: skip
FOLLOWED = (
    "engine.fill", "engine.axes", "engine.star", "engine.optional", "engine.fallback", "engine.plain", "engine.effect",
    "engine.typed",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    # An earlier test may have imported an analysis of such a name.
    for name in ("engine", "mine", "other"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    write_modules(tmp_path, PACKAGE)
    return tmp_path


#: modules that are imported whole, or in a way of which nobody can tell what is used
WHOLE = ("engine.star", "engine.optional", "engine.fallback")


def closure() -> str:
    return code_closure("engine.run", "engine")


@pytest.mark.parametrize("name", sorted(PACKAGE))
def test_exactly_what_is_used_counts(folder: Path, name: str) -> None:
    before = closure()
    write_modules(folder, {name: f"{PACKAGE[name]}\nNEVER_USED = 12345"})
    unused = closure()
    write_modules(folder, {name: PACKAGE[name].replace("30", "12345")})
    # of modules that are imported as a whole, all that is in them may be used
    assert (unused != before) == (name in (*WHOLE, "engine.run"))
    assert (closure() != before) == (name in FOLLOWED)


def test_statements_that_act_count_where_a_module_is_run(folder: Path) -> None:
    before = closure()
    for name in ("engine.__init__", "engine.sub.__init__", "engine.fill"):
        write_modules(folder, {name: f"{PACKAGE[name]}\nregister()"})
        assert closure() != before
        write_modules(folder, {name: PACKAGE[name]})
    assert closure() == before


def test_a_name_that_is_imported_from_elsewhere_is_seen(folder: Path) -> None:
    digests = set()
    write_modules(folder, {"engine.typed": "LIMIT = 31"})
    for module in ("fill", "typed"):
        write_modules(folder, {"engine.names": f"from engine.{module} import LIMIT\ndef f(): return LIMIT"})
        digests.add(code_closure("engine.names:f", "engine"))
    assert len(digests) == 2


def test_one_name_of_a_module(folder: Path) -> None:
    assert list(code_closure("engine.fill:fill", "engine").modules) == ["engine", "engine.fill"]
    fill, beside = (code_closure(f"engine.fill:{name}", "engine") for name in ("fill", "beside"))
    write_modules(folder, {"engine.beside": "LIMIT = 25"})
    assert code_closure("engine.fill:fill", "engine") == fill
    assert code_closure("engine.fill:beside", "engine") != beside


def test_names_of_a_package_that_reexports_lead_to_their_module(folder: Path) -> None:
    write_modules(folder, {"engine.uses": "from engine.sub import work\ndef f(): return work()"})
    closure_of_f = code_closure("engine.uses:f", "engine")
    assert "engine.sub.lazy" in closure_of_f.modules
    assert "engine.reexported" not in closure_of_f.modules


@pytest.mark.parametrize("star", ["from .lazy import *", "from engine.sub.lazy import *", "from .again import *"])
def test_names_of_a_package_that_takes_all_of_a_module_lead_there(folder: Path, star: str) -> None:
    write_modules(folder, {"engine.sub.__init__": star, "engine.sub.again": "from .lazy import *"})
    write_modules(folder, {"engine.uses": "from engine.sub import work\ndef f(): return work()"})
    before = code_closure("engine.uses:f", "engine")
    write_modules(folder, {"engine.sub.lazy": "def work(): return 12345"})
    assert code_closure("engine.uses:f", "engine") != before


def test_libraries_that_decide_numbers_count_by_version() -> None:
    found = code_closure("pocket.engine.run")
    assert f"numpy {metadata.version('numpy').partition('.')[0]}" in found.libraries
    assert not any(library.startswith(("rich", "python", "PyYAML")) for library in found.libraries)


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
    assert without != before
    write_modules(folder, {"engine.optional": PACKAGE["engine.optional"]})
    assert closure() == before


def test_compiled_modules_count_by_their_bytes(folder: Path) -> None:
    write_modules(folder, {"uses_compiled": "import compiled\ndef f(): return compiled.run()"})
    digests = set()
    for content in (b"\x7fELF\x00one", b"\x7fELF\x00other"):
        (folder / "compiled.so").write_bytes(content)
        digests.add(code_closure("uses_compiled", ("uses_compiled", "compiled")))
    assert len(digests) == 2


def test_several_packages_may_be_followed(folder: Path) -> None:
    before = code_closure("engine.run", ("engine", "other"))
    assert before != closure()
    write_modules(folder, {"other.module": "BINS = 25"})
    assert code_closure("engine.run", ("engine", "other")) != before


def test_without_packages_all_own_code_is_followed(folder: Path) -> None:
    write_modules(folder, {
        "mine.__init__": "", "mine.tasks": "import numpy as np\nfrom mine_too import scaled\n"
        "from pocket.errors import nearest\ndef total():\n    from mine_later import LIMIT\n"
        "    return np.sum(scaled(LIMIT)), nearest",
        "mine_too": "def scaled(x): return 30 * x", "mine_later": "LIMIT = 30",
    })  # fmt: skip
    before = code_closure("mine.tasks:total")
    assert set(before.modules) == {"mine.tasks", "mine_too", "mine_later", "pocket.errors"}
    assert before.libraries == (f"numpy {metadata.version('numpy').partition('.')[0]}",)
    for name, source in (("mine_too", "def scaled(x): return 25 * x"), ("mine_later", "LIMIT = 25")):
        write_modules(folder, {name: source})
        changed = code_closure("mine.tasks:total")
        assert changed != before
        before = changed
    # the engine doesn't depend on what somebody's module of the same name as an optional package does
    assert code_closure("pocket.errors") == code_closure("pocket.errors", "pocket")


def test_the_package_of_the_reference_is_always_followed(folder: Path) -> None:
    before = code_closure("engine.fill:fill", "other")
    assert "engine.fill" in before.modules
    write_modules(folder, {"engine.fill": PACKAGE["engine.fill"].replace("30", "25")})
    assert code_closure("engine.fill:fill", "other") != before


def test_nothing_is_imported(folder: Path) -> None:
    code = (
        "import sys; from pocket.base.fingerprint import code_closure; before = set(sys.modules); "
        "print(code_closure({}, {})); "
        "new = {{name.partition('.')[0] for name in set(sys.modules) - before}}; "
        "print(new & {{'awkward', 'engine', 'pocket'}})"
    )
    root = Path(__file__).parents[4]
    for module, package in (("engine.run", "engine"), ("pocket.configuration.configurator", "pocket")):
        run = subprocess.run(
            [sys.executable, "-c", code.format(repr(module), repr(package))],
            env={**os.environ, "PYTHONPATH": f"{folder}:{root}"}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert run.stdout.splitlines() == [code_closure(module, package), "set()"]


def test_modules_that_are_missing_or_broken_are_errors(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"module 'engine\.rum' can't be found"):
        code_closure("engine.rum", "engine")
    with pytest.raises(ConfigError, match=r"^unknown name 'fil' in engine\.fill, did you mean 'fill'\?$"):
        code_closure("engine.fill:fil", "engine")
    with pytest.raises(
        ConfigError, match=r"^unknown package 'engin' in code_closure\('engine\.run'\), did you mean 'engine'\?$"
    ):
        code_closure("engine.run", ("engin", "pocket"))
    write_modules(folder, {"engine.axes": "def broken(:"})
    with pytest.raises(ConfigError, match=r"axes\.py can't be parsed: .*line 1"):
        closure()


@pytest.mark.parametrize(
    "hidden",
    [
        "from engine.fill import *",
        "def __getattr__(name): return 1",
        "globals().update(fill=1)",
        "from engine.fill import fill",
        "import os\nif os.name:\n    fill = 1",
    ],
)
def test_names_that_statements_do_not_show_are_no_error(folder: Path, hidden: str) -> None:
    write_modules(folder, {"engine.names": hidden})
    assert len(code_closure("engine.names:fill", "engine")) == 64


def test_what_has_not_changed_is_not_searched_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = closure()
    with monkeypatch.context() as patch:
        patch.setattr(imports, "read_source", None)
        assert closure() is before
    # another folder may have a package of this name
    other = folder / "other folder"
    other.mkdir()
    write_modules(other, {**PACKAGE, "engine.fill": PACKAGE["engine.fill"].replace("30", "25")})
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(other))
        assert closure() != before
    assert closure() == before


#: a package whose names load when they are used, as a stub lists them
FACE = {
    "__init__.py": "import lazy_loader\n__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)\n",
    "__init__.pyi": "from . import rooms as rooms\nfrom .rooms import used as used\n"
    "from .other import unused as unused\n",
    "rooms.py": "LIMIT = 30\ndef used(): return LIMIT\ndef beside(): return 40\n",
    "other.py": "def unused(): return 50\n",
}
#: numbers in the bodies of used, beside and unused
NUMBERS = ("30", "40", "50")


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("from face import used\ndef run(): return used()", {"30"}),
        ("import face as f\ndef run(): return f.used()", {"30"}),
        ("import face\ndef run(): return face.rooms.beside()", {"40"}),
        ("def run():\n    from face import used\n    return used()", {"30"}),
        # Nobody can tell what is used of a package that is imported inside of a function.
        ("def run():\n    import face\n    return face", {"30", "40", "50"}),
    ],
)
def test_names_that_load_when_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, counts: set[str]
) -> None:
    def digest(name: str, changed: str = "", added: str = "") -> str:
        folder = tmp_path / name
        (folder / "face").mkdir(parents=True)
        (folder / "user.py").write_text(code)
        for file, content in FACE.items():
            more = added if file.endswith(".pyi") else ""
            (folder / "face" / file).write_text(content.replace(changed, "1") + more if changed else content + more)
        with monkeypatch.context() as context:
            context.syspath_prepend(str(folder))
            return code_closure("user:run", ["user", "face"])

    before = digest("before")
    assert {number for number in NUMBERS if digest(number, number) != before} == counts
    if counts != set(NUMBERS):
        assert digest("added", added="from .other import unused as another\n") == before


#: module with a function, what that uses, and something else
TOGETHER = "LIMIT = 30\nclass Kind:\n    limit = LIMIT\ndef scaled(x): return x * LIMIT\ndef other(): pass"
USES = "def f(x):\n    from mine_later import LATER\n    return scaled(x), Kind.limit, LATER"


def test_code_that_moves_to_another_module_is_the_same(folder: Path) -> None:
    write_modules(folder, {"mine": f"{TOGETHER}\n{USES}", "mine_later": "LATER = 5"})
    before = code_closure("mine:f")
    write_modules(folder, {
        "mine": f"from elsewhere import Kind, scaled as other_name\n{USES.replace('scaled', 'other_name')}",
        "elsewhere": f"from mine_limits import LIMIT\n{TOGETHER.partition(chr(10))[2]}", "mine_limits": "LIMIT = 30",
    })  # fmt: skip
    assert code_closure("mine:f") == before
    write_modules(folder, {
        "mine": USES.replace("mine_later", "mine_limits").replace("def", "from elsewhere import Kind, scaled\ndef"),
        "mine_limits": "LIMIT = 30\nLATER = 5",
    })  # fmt: skip
    assert code_closure("mine:f") == before
    for name, source in (("mine_limits", "LIMIT = 31\nLATER = 5"), ("mine_limits", "LIMIT = 30\nLATER = 6")):
        write_modules(folder, {name: source})
        assert code_closure("mine:f") != before


@pytest.mark.parametrize(
    "imports",
    [
        pytest.param("from {} import scaled as one\nfrom {} import scaled as two", id="of functions"),
        pytest.param("import {} as a\nimport {} as b\none, two = a.scaled, b.scaled", id="of modules"),
        pytest.param("def f(x):\n    from {} import scaled as one\n    from {} import scaled as two\n"
                     "    return one(x) - two(x)", id="in the function"),
    ],
)  # fmt: skip
def test_equal_statements_that_lead_to_others_are_told_apart(folder: Path, imports: str) -> None:
    same = "def scaled(x): return x * factor()"
    write_modules(folder, {
        "first": f"from deep_first import factor\n{same}", "second": f"from deep_second import factor\n{same}",
        "deep_first": "FACTOR = 1\ndef factor(): return FACTOR",
        "deep_second": "FACTOR = 2\ndef factor(): return FACTOR",
    })  # fmt: skip
    digests = set()
    for modules in (("first", "second"), ("second", "first")):
        uses = "" if "def f" in imports else "\ndef f(x): return one(x) - two(x)"
        write_modules(folder, {"mine": imports.format(*modules) + uses})
        digests.add(code_closure("mine:f"))
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A = []\nB = register(A)\nC = len(A)\ndef register(x): return x.append(1)",
         "A = []\nC = len(A)\nB = register(A)\ndef register(x): return x.append(1)"),
        ("A = [1]\nB = A + [3]\nA = [2]\nC = 0", "A = [1]\nA = [2]\nB = A + [3]\nC = 0"),
        ("A = [1]\nB = A + [3]\nA.append(2)\nC = 0", "A = [1]\nA.append(2)\nB = A + [3]\nC = 0"),
        ("A = 1\ndef B(x=A): return x\nA = 2\nC = 0", "A = 1\nA = 2\ndef B(x=A): return x\nC = 0"),
    ],
)  # fmt: skip
def test_the_order_counts_where_it_may_decide_something(folder: Path, one: str, other: str) -> None:
    digests = set()
    for source in (one, other):
        write_modules(folder, {"mine": f"{source}\ndef f(): return A, B, C"})
        digests.add(code_closure("mine:f"))
    assert len(digests) == 2


def test_the_order_of_functions_and_constants_decides_nothing(folder: Path) -> None:
    first, *parts = "LIMIT = 30", "NAMES = frozenset()", "def scaled(x): return x * LIMIT", "class Kind: a = LIMIT"
    digests = set()
    for ordered in ([first, *parts], [first, *reversed(parts)]):
        write_modules(folder, {"mine": "\n".join([*ordered, "def f(): return scaled, Kind, NAMES"])})
        digests.add(code_closure("mine:f"))
    assert len(digests) == 1
