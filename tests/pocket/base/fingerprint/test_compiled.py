from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.base.fingerprint.compiled import _digest, _Files
from pocket.base.runtime.kept import keeping_tables
from tests.law_runner import ROOT
from tests.pocket.base.fingerprint.sources import digest_in, loaded, write_modules

KERNELS = """
import numba
import numpy as np

from . import constants, overloads
from .constants import LIMIT, MODEL
from .helpers import from_parameters, helper


@numba.njit(cache=True)
def by_constant(x): return x + LIMIT


@numba.njit(cache=True)
def by_attribute(x): return x + constants.LIMIT


@numba.njit(cache=True)
def by_helper(x): return x + helper(x)


@numba.njit(cache=True)
def by_value(x): return x + LATER


LATER = from_parameters()


def factory(limit):
    @numba.njit(cache=True)
    def by_closure(x): return x + limit
    return by_closure


by_closure = factory(LIMIT)


@numba.njit(cache=True, error_model=MODEL)
def by_option(x): return 1.0 / (x - 1.0)


@numba.njit(cache=True)
def by_overload(x): return x + overloads.added(x)


@numba.njit(cache=True)
def by_recursion(x): return LIMIT + 1.0 if x < 1.0 else by_recursion(x - 1.0)


@numba.vectorize(["float64(float64)"], cache=True)
def by_ufunc(x): return x + LIMIT


@numba.vectorize(cache=True)
def by_dynamic_ufunc(x): return x + LIMIT


@numba.guvectorize(["float64[:], float64[:]"], "(n)->()", cache=True)
def by_gufunc(x, result): result[0] = x[0] + LIMIT


def numbers():
    with np.errstate(divide="ignore"):
        scalar = (
            by_constant, by_attribute, by_helper, by_value, by_closure, by_option, by_overload, by_recursion, by_ufunc,
            by_dynamic_ufunc,
        )
        found = {}
        for function in scalar:
            try:
                found[function.__name__] = float(function(1.0))
            except ZeroDivisionError:
                found[function.__name__] = "error"
    found["by_gufunc"] = float(by_gufunc(np.ones(3)))
    return found


def misses():
    functions = (by_constant, by_attribute, by_helper, by_value, by_closure, by_option, by_overload, by_recursion)
    return {f.__name__: sum(f.stats.cache_misses.values()) for f in functions if f.stats.cache_misses}
"""
MODULES = {
    "lib.__init__": "",
    "lib.constants": 'LIMIT = 20.0\nMODEL = "python"\n',
    "lib.helpers": """
        import os
        import numba

        SCALE = 20.0


        @numba.njit(cache=True)
        def helper(x): return x * SCALE


        def from_parameters(): return float(os.environ["LIMIT"])
        """,
    "lib.overloads": """
        from numba.extending import overload

        SCALE = 20.0


        def added(x): raise NotImplementedError


        @overload(added)
        def _(x): return lambda x: x * SCALE
        """,
    "lib.other": "UNUSED = 1\n",
    "lib.kernels": KERNELS,
}
#: all numbers where the limit is 20, or another one
SAME = (
    *("by_constant", "by_attribute", "by_helper", "by_value", "by_closure", "by_overload", "by_ufunc"),
    *("by_recursion", "by_dynamic_ufunc", "by_gufunc"),
)
SCRIPT = """
import json
import sys

if sys.argv[1:] == ["named"]:
    from pocket.base.fingerprint.compiled import name_compiled_code
    name_compiled_code()
from lib import kernels, other
print(json.dumps([kernels.numbers(), kernels.misses()]))
"""


def expected(limit: float, division: Any) -> dict[str, Any]:
    return {**dict.fromkeys(SAME, 1.0 + limit), "by_option": division}


def compiled_numbers(
    folder: Path, *arguments: str, limit: float = 20.0, variables: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what a new process computes, and how often it compiles each function that it doesn't find compiled."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "LIMIT": str(limit), **(variables or {})},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    numbers, misses = json.loads(run.stdout)
    return numbers, misses


def edit(folder: Path, limit: float, model: str) -> None:
    """Change what the compiled functions use, but not their own file."""
    modules = {name: MODULES[name] for name in ("lib.constants", "lib.helpers", "lib.overloads")}
    new = {name: text.replace("20.0", str(limit)).replace('"python"', f'"{model}"') for name, text in modules.items()}
    write_modules(folder, new)


@pytest.mark.slow
def test_compiled_code_is_that_of_all_it_uses(tmp_path: Path) -> None:
    write_modules(tmp_path, MODULES)
    first, compiled = compiled_numbers(tmp_path, "named")
    assert first == expected(20.0, "error")
    assert len(compiled) == 8
    for limit, model, division in ((60.0, "python", "error"), (40.0, "numpy", float("inf"))):
        edit(tmp_path, limit, model)
        numbers, _ = compiled_numbers(tmp_path, "named", limit=limit)
        assert numbers == expected(limit, division)
    # what was compiled for earlier code is found again, also after an edit of other modules
    edit(tmp_path, 20.0, "python")
    write_modules(tmp_path, {"lib.other": "UNUSED = 2\n"})
    assert compiled_numbers(tmp_path, "named", variables={"PYTHONHASHSEED": "1"}) == (first, {})
    # a value alone, without any edit
    assert compiled_numbers(tmp_path, "named", limit=60.0)[0] == {**first, "by_value": 61.0}
    assert compiled_numbers(tmp_path, "named") == (first, {})


@pytest.mark.slow
def test_numba_alone_would_be_wrong(tmp_path: Path) -> None:
    write_modules(tmp_path, MODULES)
    assert compiled_numbers(tmp_path)[0] == expected(20.0, "error")
    edit(tmp_path, 60.0, "numpy")
    numbers, _ = compiled_numbers(tmp_path, limit=60.0)
    assert [name for name, value in numbers.items() if value == expected(60.0, float("inf"))[name]] == ["by_closure"]
    # what it left is no compiled code of ours
    assert compiled_numbers(tmp_path, "named", limit=60.0)[0] == expected(60.0, float("inf"))


SCRIPT_OF_A_NOTEBOOK = """
import numba
from lib.constants import LIMIT

@numba.njit(cache=True)
def add(x): return x + LIMIT

from pocket.base.fingerprint.compiled import name_compiled_code
name_compiled_code()
name_compiled_code()
print(add(1.0), sum(add.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_functions_from_before_and_of_no_module_count_as_well(tmp_path: Path) -> None:
    write_modules(tmp_path, MODULES)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT_OF_A_NOTEBOOK)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}

    def printed() -> list[float]:
        return [float(word) for word in subprocess.check_output([sys.executable, script], env=environment).split()]

    assert printed() == [21.0, 0]
    assert printed() == [21.0, 1]
    edit(tmp_path, 60.0, "python")
    assert printed() == [61.0, 0]


LOCK = threading.Lock()


def locked(x: float) -> float:
    with LOCK:
        return x


def test_what_has_no_digest_is_compiled_in_each_process() -> None:
    files = _Files(locked, lambda digest: pytest.fail("no file is looked for"))
    assert files.load("float64") is None
    files.save("float64", b"")


def test_code_that_is_compiled_in_an_import_counts_with_later_values() -> None:
    source = "LATER = 20.0\ndef add(x): return x + LATER\n"
    with loaded(source) as module, keeping_tables():
        early = _digest(module.add, "float64")
        assert _digest(module.add, "float64") == early != _digest(module.add, "float32")
        module.LATER = 60.0
        assert _digest(module.add, "float64") != early
        later = digest(module.add)
    assert later == digest_in("add", source.replace("20.0", "60.0"))
