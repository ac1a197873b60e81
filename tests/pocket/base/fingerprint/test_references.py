from __future__ import annotations

import json
import os.path

import pytest

from pocket import errors
from pocket.base.fingerprint.imports import Closure, closure_of_imports
from pocket.base.fingerprint.references import local_imports, references
from pocket.base.fingerprint.sources import Import
from tests.pocket.base.fingerprint.sources import digest_in

LIMIT = 25.0


def helper() -> float:
    return LIMIT


def test_globals_are_found_in_nested_functions_too() -> None:
    def outer() -> object:
        return [helper() for _ in range(3)], lambda: LIMIT

    assert references(outer) == {"LIMIT": LIMIT, "helper": helper}


def test_attributes_are_followed_through_own_modules_only() -> None:
    def uses() -> object:
        return errors.nearest, os.path.join, json.dumps

    found = references(uses)
    assert found["errors.nearest"] is errors.nearest
    # a library counts by its version, whatever is taken from it
    assert found["os"] is os
    assert found["json"] is json


def test_builtins_and_missing_names_are_left_out() -> None:
    def uses(values: list[float]) -> object:
        return len(values), not_defined  # noqa: F821

    assert references(uses) == {}


def test_imports_inside_a_function() -> None:
    def uses() -> object:
        import numpy

        from pocket import errors as own

        return numpy, own

    numpy, own = local_imports(uses)
    assert isinstance(own, Closure)
    assert numpy.startswith("numpy")
    assert own == closure_of_imports([(Import(0, "pocket", ("errors",)), "")])
    assert list(own.modules) == ["pocket.errors"]


KERNEL = """
import numba
from helpers import scaled
import other

@numba.njit
def kernel(x): return scaled(x)

def plain(x): return scaled(x)
"""
IMPLEMENTATION = """
from helpers import scaled
{imports}

@{overload}(scaled)
def implementation(x):
    return lambda x: 2 * x
"""


@pytest.mark.parametrize(
    ("imports", "overload"),
    [
        ("from numba.extending import overload", "overload"),
        ("from numba import extending", "extending.overload"),
        ("import numba", "numba.extending.overload"),
        ("import numba.extending as ext", "ext.overload"),
    ],
)
def test_what_is_registered_with_numba_counts_in_compiled_functions(imports: str, overload: str) -> None:
    helpers = "def scaled(x): return x"
    text = IMPLEMENTATION.format(imports=imports, overload=overload)

    def changed(expression: str, text: str) -> bool:
        edited = text.replace("2 * x", "3 * x")
        both = ({"lib": KERNEL, "helpers": helpers, "other": other} for other in (text, edited))
        one, another = (digest_in(expression, sources) for sources in both)
        return one != another

    assert changed("kernel", text)
    # It decides nothing of what Python runs, and other modules don't decide how numba compiles.
    assert not changed("plain", text)
    assert not changed("kernel", "import numba\ndef unrelated(x): return 2 * x")
