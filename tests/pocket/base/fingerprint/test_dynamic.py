from __future__ import annotations

import pytest

from pocket.errors import ConfigError
from tests.pocket.base.fingerprint.sources import digest_in

HELPERS = {"helpers": "LIMIT = {}"}

FOLLOWED = [
    ("def cut(x): return globals()['LIMIT']", "LIMIT = {}"),
    ("def cut(x): return globals().get('LIMIT', 0)", "LIMIT = {}"),
    ("NAME = 'LIMIT'\ndef cut(x): return globals()[NAME]", "LIMIT = {}"),
    ("def cut(x): return eval('LIMIT + x')", "LIMIT = {}"),
    ("TEXT = 'LIMIT + x'\ndef cut(x): return eval(TEXT)", "LIMIT = {}"),
    ("TEXT = '{} + x'\ndef cut(x): return eval(TEXT)", ""),
    ("def cut(x): exec('y = LIMIT')", "LIMIT = {}"),
    ("def cut(x): return eval('globals()[\"LIMIT\"]')", "LIMIT = {}"),
]
IMPORTED = [
    "import importlib\ndef cut(x): return importlib.import_module('helpers').LIMIT",
    "from importlib import import_module as load\ndef cut(x): return load('helpers').LIMIT",
    "def cut(x):\n    import importlib\n    return importlib.import_module('helpers').LIMIT",
    "def cut(x): return __import__('helpers').LIMIT",
    "import helpers\ndef cut(x): return getattr(helpers, 'LIMIT')",
    "import sys, helpers\ndef cut(x): return sys.modules['helpers'].LIMIT",
]
REFUSED = [
    "def cut(x): return globals()[x]",
    "def cut(x): return globals()",
    "def cut(x): return eval(x)",
    "def cut(x): return exec(f'{x}')",
    "def cut(x): return __import__(x)",
    "import importlib\ndef cut(x): return [importlib.import_module(f'helpers.{name}') for name in x]",
    "import sys\ndef cut(x): return sys.modules[x]",
    "import lib\ndef cut(x): return getattr(lib, x)",
    "import lib\ndef cut(x): return vars(lib)[x]",
    "def cut(x):\n    def inner(y): return eval(y)\n    return inner(x)",
    "def other(): pass\ndef cut(x): return other.__globals__['LIMIT']",
    "def cut(x): return x.__subclasses__()",
    "import sys\ndef cut(x): return sys._getframe().f_globals",
    "def other(): pass\ndef cut(x): return getattr(other, '__globals__')",
]
TEXTS = [
    "def cut(x): return other.__doc__",
    "def cut(x): return getattr(other, '__doc__')",
    "def cut(x): return other.__annotations__",
    "import inspect\ndef cut(x): return inspect.getdoc(other)",
    "from inspect import getsource as text\ndef cut(x): return text(other)",
    "import typing\ndef cut(x): return typing.get_type_hints(other)",
    "def cut(x):\n    from typing import get_type_hints\n    return get_type_hints(other)",
    "def cut(x): return Other.limit.__doc__",
]
OTHERS = """
def other() -> "{}":
    "{}"


class Other:
    def limit(self):
        "{}"
"""
COMPUTED_TEXTS = [
    "def cut(x): return x.__doc__",
    "import inspect\ndef cut(x): return inspect.getsource(x)",
    "import inspect\ndef cut(x): return inspect.signature(x).return_annotation",
    "from typing import get_type_hints as hints\ndef cut(x): return hints(x)",
]
TIMES = [
    "import os\ndef cut(x): return os.path.getmtime(x)",
    "from os.path import getctime as when\ndef cut(x): return when(x)",
    "def cut(x): return x.stat().st_mtime_ns",
]


@pytest.mark.parametrize(("code", "limit"), FOLLOWED)
def test_names_that_are_known_are_followed(code: str, limit: str) -> None:
    one, same, other = (digest_in("cut", "\n".join(part.replace("{}", value) for part in (code, limit)))
                        for value in ("30", "30", "25"))  # fmt: skip
    assert one == same != other


@pytest.mark.parametrize("code", IMPORTED)
def test_modules_that_are_known_are_followed(code: str) -> None:
    one, same, other = (digest_in("cut", {"lib": code, "helpers": f"LIMIT = {limit}"}) for limit in (30, 30, 25))
    assert one == same != other


@pytest.mark.parametrize("code", REFUSED)
def test_names_that_are_computed_are_refused(code: str) -> None:
    with pytest.raises(ConfigError, match=r"cut.* in .*lib\.py, line \d: '.*' looks up a name that is known only when"):
        digest_in("cut", code)


@pytest.mark.parametrize("code", TEXTS)
def test_texts_that_code_reads_are_followed(code: str) -> None:
    one, same, other = (digest_in("cut", f"{code}\n{OTHERS}".replace("{}", limit)) for limit in ("30", "30", "25"))
    assert one == same != other


def test_a_comment_counts_only_where_the_source_is_read() -> None:
    source = "import inspect\ndef other():\n    # {}\n    'doc'\ndef cut(x): return "
    for read, counts in (("other.__doc__", False), ("inspect.getsource(other)", True)):
        digests = {digest_in("cut", source.replace("{}", limit) + read) for limit in ("30", "25")}
        assert len(digests) == 1 + counts


@pytest.mark.parametrize("code", COMPUTED_TEXTS)
def test_texts_of_what_is_computed_are_refused(code: str) -> None:
    with pytest.raises(
        ConfigError, match=r"cut in .*lib\.py, line \d: '.*' reads a text of what is known only when it"
    ):
        digest_in("cut", code)


@pytest.mark.parametrize("code", TIMES)
def test_times_of_files_are_refused(code: str) -> None:
    with pytest.raises(ConfigError, match=r"cut in .*lib\.py, line \d: '.*' reads a time of a file, which differs"):
        digest_in("cut", code)


def test_subclasses_are_followed() -> None:
    code = "class Base: pass\nclass One(Base): low = {}\ndef cut(x): return Base.__subclasses__()"
    one, same, other = (digest_in("cut", code.replace("{}", limit)) for limit in ("30", "30", "25"))
    assert one == same != other
    assert digest_in("cut", code.replace("{}", "30") + "\nclass Two(Base): pass") != one


@pytest.mark.parametrize("variable", ["ContextVar('v', default={})", "ContextVar('v')\nV.set({})"])
def test_context_variables_count_by_their_value(variable: str) -> None:
    code = f"from contextvars import ContextVar\nV = {variable}\ndef cut(x): return V.get()"
    one, same, other = (digest_in("cut", code.replace("{}", limit)) for limit in ("30", "30", "25"))
    assert one == same != other


def test_a_context_variable_may_have_no_value() -> None:
    code = "from contextvars import ContextVar\nV = ContextVar('v')\ndef cut(x): return V.get(x)"
    assert digest_in("cut", code) != digest_in("cut", f"{code}\nV.set('<empty>')\nV.set(3)")


@pytest.mark.parametrize(
    "code",
    [
        "import os\ndef cut(x): return os.environ['LIMIT']",
        "from os import environ\ndef cut(x): return environ.get('LIMIT', 3)",
        "import os\nNAME = 'LIMIT'\ndef cut(x): return os.getenv(NAME)",
    ],
)
def test_environment_variables_count_by_their_value(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [digest_in("cut", code)]
    for value in ("30", "30", "25"):
        monkeypatch.setenv("LIMIT", value)
        digests.append(digest_in("cut", code))
    assert digests[1] == digests[2]
    assert len(set(digests)) == 3


def test_credentials_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for value in ("/tmp/x509up_u0", "/scratch/job/x509up_u0"):
        monkeypatch.setenv("X509_USER_PROXY", value)
        digests.add(digest_in("cut", "import os\ndef cut(x): return os.environ['X509_USER_PROXY']"))
    assert len(digests) == 1


def test_other_objects_may_be_asked_by_name() -> None:
    code = "import numpy as np\ndef cut(events, name): return getattr(events, name), getattr(np, name), vars(events)"
    once = digest_in("cut", code)
    assert once == digest_in("cut", code)
    changes = (("(np, name)", "(np, name, 0)"), ("vars(events)", "vars(name)"), ("numpy as np", "math as np"))
    assert len({once, *(digest_in("cut", code.replace(old, new)) for old, new in changes)}) == 4
