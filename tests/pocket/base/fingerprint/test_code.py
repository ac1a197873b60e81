from __future__ import annotations

from collections.abc import Callable
from typing import Any

import awkward as ak
import numba
import numpy as np
import pytest

from pocket.base.fingerprint import digest
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import digest_in, loaded


def differ(expression: str, one: str | dict[str, str], other: str | dict[str, str]) -> bool:
    assert digest_in(expression, one) == digest_in(expression, one)
    return digest_in(expression, one) != digest_in(expression, other)


@check_each(
    ("expression", "source", "old", "new"),
    [
        ("cut", "def cut(x, limit=30): return x > limit", "30", "25"),
        ("cut", "def cut(x, *, limit=30): return x > limit", "30", "25"),
        ("cut", "LIMIT = 30\ndef cut(x, limit=LIMIT): return x > limit", "30", "25"),
        ("cut", "LIMIT = 30\ndef cut(x, *, limit=LIMIT): return x > limit", "30", "25"),
        ("cut", "def make(limit):\n    return lambda x: x > limit\ncut = make(30)", "30", "25"),
        ("cut", "LIMITS = {'pt': [30, 20]}\ndef cut(x): return x > LIMITS['pt'][0]", "20", "25"),
        ("cut", "LIMIT = 30\ndef cut(x): return [y for y in x if y > LIMIT]", "30", "25"),
        ("cut", "LIMIT = 30\ndef cut(x):\n    class Local:\n        limit = LIMIT\n    return Local", "30", "25"),
        ("cut", "def helper(x): return x > 30\ndef cut(x): return helper(x)", "30", "25"),
        ("cut", "def deep(x): return x > 30\ndef helper(x): return deep(x)\ndef cut(x): return helper(x)", "30", "25"),
        ("cut", "def helper(x): return x > 30\nTABLE = {'a': helper}\ndef cut(x): return TABLE['a'](x)", "30", "25"),
        ("cut", "import functools\ndef f(n, x): return x > n\ncut = functools.partial(f, 30)", "30", "25"),
        ("cut", "import functools\ndef f(n, x): return x > n\ncut = functools.partial(f, n=30)", "30", "25"),
        ("cut", "import functools\ndef f(n, x): return x > 30\ncut = functools.partial(f, 1)", "30", "25"),
        ("cut", "import functools\n@functools.cache\ndef cut(x): return x > 30", "30", "25"),
        ("cut", "import contextlib\n@contextlib.contextmanager\ndef cut(x): yield x > 30", "30", "25"),
        ("cut", "def deco(n):\n    return lambda f: lambda x: f(x) > n\n@deco(30)\ndef cut(x): return x", "30", "25"),
        ("cut", "import operator\ncut = operator.attrgetter('Muon.pt')", "pt", "eta"),
        ("cut", "exec('def cut(x): return x > 30')", "30", "25"),
        ("cut", "exec('def cut(x): return x > LIMIT')\nLIMIT = 30", "30", "25"),
        ("cut", "def cut(x): raise SystemExit(30)", "30", "25"),
        ("W", "class W:\n    def run(self): return 30", "30", "25"),
        ("W", "class W:\n    limit = 30\n    def run(self): return self.limit", "30", "25"),
        ("W", "class W:\n    @property\n    def limit(self): return 30", "30", "25"),
        ("W", "class W:\n    @staticmethod\n    def limit(): return 30", "30", "25"),
        ("W", "class W:\n    @classmethod\n    def limit(cls): return 30", "30", "25"),
        ("W", "import functools\nclass W:\n    @functools.cached_property\n    def limit(self): return 30", "30", "25"),
        ("W", "class B:\n    def run(self): return 30\nclass W(B): pass", "30", "25"),
        ("W", "import abc\nclass W(abc.ABC):\n    @abc.abstractmethod\n    def run(self): return 30", "30", "25"),
        ("W", "class W:\n    __slots__ = ('x',)\n    def run(self): return 30", "30", "25"),
        (
            "W",
            "class B:\n    def run(self): return 30\nclass W(B):\n    def run(self): return super().run()",
            "30",
            "25",
        ),
        ("W", "class W:\n    class Inner:\n        limit = 30", "30", "25"),
        ("W", "from dataclasses import dataclass\n@dataclass\nclass W:\n    limit: int = 30", "30", "25"),
        ("W", "from dataclasses import dataclass\n@dataclass(slots=True)\nclass W:\n    limit: int = 30", "30", "25"),
        (
            "W",
            "import dataclasses as d\n@d.dataclass\nclass W:\n    x: list = d.field(default_factory=lambda: [30])",
            "30",
            "25",
        ),
        ("W", "from enum import Enum\nclass W(Enum):\n    LIMIT = 30", "30", "25"),
        ("W", "from typing import NamedTuple\nclass W(NamedTuple):\n    limit: int = 30", "30", "25"),
        ("W.run", "class W:\n    limit = 3\n    def run(self): return 30", "30", "25"),
        (
            "W().run",
            "class W:\n    def __init__(self): self.limit = 30\n    def run(self): return self.limit",
            "30",
            "25",
        ),
        ("W.limit", "class W:\n    scale = 30\n    @classmethod\n    def limit(cls): return cls.scale", "30", "25"),
        ("type('W', (B,), {'name': 'a'})", "class B:\n    def run(self): return 30", "30", "25"),
    ],
)
def test_everything_that_decides_counts(expression: str, source: str, old: str, new: str) -> None:
    assert source.count(old) == 1
    assert differ(expression, source, source.replace(old, new))


@pytest.mark.parametrize(
    ("expression", "source", "old", "new"),
    [
        ("cut", "cut = lambda x: x > 1", "cut", "name = cut"),
        ("cut", "UNUSED = 1\ndef cut(x): return x > 2", "UNUSED = 1", "UNUSED = 3\ndef unused(): return UNUSED\n"),
        ("cut", "def helper(x): return 1\ndef cut(x): return helper(x)", "return 1", "\n    'Doc.'\n    return 1"),
        (
            "W",
            "class W:\n    def run(self): return 1",
            "def run(self):",
            "'Doc.'\n    # why\n    def run(self) -> int:",
        ),
        ("W.run", "class W:\n    limit = 3\n    def run(self): return 1", "3", "4"),
        ("cut", "import logging\nlog = logging.getLogger('a')\ndef cut(x): log.info(x)", "('a')", "('b')"),
    ],
)
def test_what_decides_nothing_does_not_count(expression: str, source: str, old: str, new: str) -> None:
    assert digest_in(expression, source) == digest_in(expression, source.replace(old, new))


def test_name_of_a_function_counts_but_not_its_module() -> None:
    source = "def cut(x): return x > 1"
    assert digest_in("cut", source) == digest_in("cut", {"other": source})
    assert digest_in("cut", source) != digest_in("selection", source.replace("cut", "selection"))


@check_each(
    ("main", "reacts"),
    [
        ("from package.helper import passes\ndef cut(x): return passes(x)", True),
        ("from package import helper\ndef cut(x): return helper.passes(x)", True),
        ("import package.helper\ndef cut(x): return package.helper.passes(x)", True),
        ("import package.helper as h\ndef cut(x): return h.LIMIT", True),
        ("import package.helper as h\ndef cut(x): return h.other(x)", False),
        ("import package.helper as h\ndef cut(x): return getattr(h, 'passes')(x)", True),
        ("def cut(x):\n    from package.helper import passes\n    return passes(x)", True),
        ("def cut(x):\n    from package import helper\n    return helper.passes(x)", True),
        ("def cut(x):\n    import package.helper\n    return package.helper.passes(x)", True),
        ("def cut(x):\n    import package.relative\n    return package.relative.passes(x)", True),
        ("def cut(x):\n    import package\n    return package", False),
        ("def cut(x):\n    return x.helper.passes", False),
    ],
)
def test_helpers_in_other_modules_count_where_they_are_used(main: str, reacts: bool) -> None:
    def sources(limit: int) -> dict[str, str]:
        helper = f"LIMIT = {limit}\ndef passes(x): return x > LIMIT\ndef other(x): return x"
        relative = "def passes(x):\n    from .helper import passes\n    return passes(x)"
        return {"lib": main, "package.__init__": "", "package.helper": helper, "package.relative": relative}

    assert differ("cut", sources(30), sources(25)) == reacts


def test_relative_import_inside_a_function() -> None:
    def sources(limit: int) -> dict[str, str]:
        main = "def cut(x):\n    from ..deep import helper\n    return helper.LIMIT"
        return {"package.inner.main": main, "package.deep.helper": f"LIMIT = {limit}"}

    assert differ("cut", sources(30), sources(25))


def test_libraries_count_by_name_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import awkward as ak\ndef cut(x): return ak.num(x)\n"
    before = [digest(ak.num), digest(np.sqrt), digest_in("cut", source), digest(numba.njit)]
    assert len(set(before)) == 4
    monkeypatch.setattr("pocket.base.fingerprint.code.version", lambda module: f"{module} 99")
    after = [digest(ak.num), digest(np.sqrt), digest_in("cut", source), digest(numba.njit)]
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert digest(ak.num) != digest(ak.sum)


def test_objects_that_a_library_names_count_by_name_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from scipy.stats import norm\ndef cut(x): return norm.cdf(x)\n"
    before = digest_in("cut", source)
    assert digest_in("cut", source) == before != digest_in("cut", source.replace("norm", "expon"))
    monkeypatch.setattr("pocket.base.fingerprint.code.version", lambda module: f"{module} 99")
    assert digest_in("cut", source) != before
    shifted = "from scipy.stats import norm\nshifted = norm(1, 2)\ndef cut(x): return shifted.cdf(x)\n"
    assert differ("cut", shifted, shifted.replace("1, 2", "1, 3"))


def test_descriptors_of_libraries_count_by_their_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library's base class adds such to the classes that are derived from it, as scikit-learn's does."""
    source = """
class Request:
    def __init__(self, keys): self.keys = keys
    def __get__(self, instance, owner): return self.keys
Request.__module__ = "numpy"
class Cut:
    request = Request([30])
"""
    before = digest_in("Cut", source)
    assert differ("Cut", source, source.replace("30", "25"))
    monkeypatch.setattr("pocket.base.fingerprint.code.version", lambda module: f"{module} 99")
    assert digest_in("Cut", source) != before


def test_version_of_a_library_imported_inside_a_function_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def cut(x):\n    import awkward as ak\n    return ak.num(x)\n"
    before = digest_in("cut", source)
    monkeypatch.setattr("pocket.base.fingerprint.references.version", lambda module: f"{module} 99")
    assert digest_in("cut", source) != before


def test_compiled_functions_count_as_what_they_were_compiled_from() -> None:
    source = "import numba\n@numba.njit\ndef helper(x): return x > 30\n@numba.vectorize\ndef cut(x): return helper(x)"
    assert differ("cut", source, source.replace("30", "25"))


def test_functions_of_pocket_count_by_content(monkeypatch: pytest.MonkeyPatch) -> None:
    import pocket.errors

    source = "from pocket import errors\ndef cut(x): return errors.nearest(x, ['a'])"
    before = digest_in("cut", source)

    def nearest(name: str, known: Any, n: int = 3) -> list[str]:
        return []

    monkeypatch.setattr(pocket.errors, "nearest", nearest)
    assert digest_in("cut", source) != before


def test_each_call_of_a_factory_makes_another_function() -> None:
    with loaded("def make(low, high):\n    def cut(x): return low < x < high\n    return cut\n") as lib:
        assert digest(lib.make(1, 2)) == digest(lib.make(1, 2))
        assert len({digest(lib.make(*limits)) for limits in ((1, 2), (2, 1), (1, 3))}) == 3


def test_functions_see_globals_as_they_are_now() -> None:
    with loaded("LIMIT = 30\ndef cut(x): return x > LIMIT\n") as lib:
        before = digest(lib.cut)
        lib.LIMIT = 25
        changed = digest(lib.cut)
        lib.LIMIT = 30
        assert changed != before == digest(lib.cut)


def test_functions_without_source_count_by_their_bytecode() -> None:
    def made(source: str) -> Callable[..., Any]:
        namespace: dict[str, Any] = {}
        exec(source, namespace)
        function: Callable[..., Any] = namespace["f"]
        return function

    assert digest(made("def f(x): return x > 30")) == digest(made("# comment\n\ndef f(x):\n    return (x > 30)"))
    sources = [
        "def f(x): return x > 30",
        "def f(x): return x < 30",
        "def f(x): return x > 25",
        "def f(x, y): return x > 30",
    ]
    nested = [f"def f(x):\n    def g(y): return y in {{'a', 'b', {value}}}\n    return g(x)" for value in (1, 2)]
    assert len({digest(made(source)) for source in [*sources, *nested]}) == 6


def test_names_that_do_not_exist_are_no_error() -> None:
    assert digest_in("cut", "def cut(x): return undefined(x)") != digest_in("cut", "def cut(x): return other(x)")
