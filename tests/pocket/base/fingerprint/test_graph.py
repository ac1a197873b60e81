from __future__ import annotations

import itertools

import pytest

from pocket.base.fingerprint import digest
from tests.pocket.base.fingerprint.sources import digest_in, loaded

PARITY = """
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != {zero} and even(n - 1)
def both(n): return even(n), odd(n)
def countdown(n): return n and countdown(n - {step})
"""


def test_circles_of_functions_have_digests_that_see_every_member() -> None:
    one, same, other = (
        {name: digest_in(name, PARITY.format(zero=zero, step=1)) for name in ("even", "odd", "both", "countdown")}
        for zero in (0, 0, 1)
    )
    assert one == same
    assert len(set(one.values())) == 4
    assert {name for name in one if one[name] != other[name]} == {"even", "odd", "both"}
    assert digest_in("countdown", PARITY.format(zero=0, step=2)) != one["countdown"]


def test_the_entrance_of_a_circle_does_not_matter() -> None:
    with loaded(PARITY.format(zero=0, step=1)) as lib:
        functions = {name: getattr(lib, name) for name in ("even", "odd", "both")}
        # the members of a set are met in any order
        orders = {digest(set(order)) for order in itertools.permutations(functions.items())}
        alone = {name: digest(function) for name, function in functions.items()}
        assert len(orders) == 1
        assert digest(list(functions.values())) == digest([lib.even, lib.odd, lib.both])
        assert digest([lib.odd, lib.even]) != digest([lib.even, lib.odd])
        assert digest(functions["odd"]) == alone["odd"]


def ring(length: int, value: int = 0) -> list[object]:
    first: list[object] = [value]
    last = first
    for _ in range(length - 1):
        last.append([0])
        last = last[1]  # type: ignore[assignment]
    last.append(first)
    return first


@pytest.mark.parametrize("length", [1, 2, 5])
def test_containers_may_contain_themselves(length: int) -> None:
    assert digest(ring(length)) == digest(ring(length))
    assert digest(ring(length)) != digest(ring(length, value=1))
    assert digest(ring(length)) != digest(ring(length + 1))


def test_instances_may_point_back_to_their_owner() -> None:
    source = """
    class Parent:
        def __init__(self, value): self.value, self.child = value, Child(self)
    class Child:
        def __init__(self, parent): self.parent = parent
    """
    one, same, other = (digest_in(f"Parent({value})", source) for value in (1, 1, 2))
    assert one == same
    assert one != other


def test_shared_parts_count_as_their_content() -> None:
    part = [1, 2]
    assert digest([part, part]) == digest([[1, 2], [1, 2]])


def test_many_functions_that_all_call_each_other_take_no_exponential_time() -> None:
    calls = " or ".join(f"f{number}(n)" for number in range(40))
    with loaded("\n".join(f"def f{number}(n): return n == {number} or {calls}" for number in range(40))) as lib:
        assert len({digest(function) for function in (lib.f0, lib.f1, lib.f39)}) == 3
