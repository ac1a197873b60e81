from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors.declarations.coupled import Coupled, check_coupled, find_cycles

# a and b wait for each other, c for both, d for nothing, e for itself
MEASURED_IN = {
    "a": {"of_a": ("b",), "other": ("d",)},
    "b": {"of_b": ("a", "d")},
    "c": {"of_c": ("a", "b")},
    "d": {"of_d": ()},
    "e": {"of_e": ("e",)},
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale_factors": "id"}, "coupled scale factors: expected a list of names, not 'id'"),
        ({"scale_factors": ()}, r"expected a list of names, not \(\)"),
        ({"scale_factors": ("id", "")}, r"expected a list of names, not \('id', ''\)"),
        ({"scale_factors": ("id", "id")}, "a name appears twice in id, id"),
        ({"tolerance": 0.0}, "coupled scale factors id, trigger: tolerance must be above 0, not 0.0"),
        ({"tolerance": float("nan")}, "tolerance must be above 0, not nan"),
        ({"max_iterations": 1}, "max_iterations must be at least 2, one without and one with each other, not 1"),
    ],
)
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Coupled(**{"scale_factors": ("id", "trigger"), **settings})


def test_defaults() -> None:
    group = Coupled(["id", "trigger"])  # type: ignore[arg-type]
    assert (group.scale_factors, group.tolerance, group.max_iterations) == (("id", "trigger"), 0.1, 5)


@given(st.integers(1, 7).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n)))
def test_cycles_are_those_of_the_powers_of_the_matrix(edges: list[set[int]]) -> None:
    size = range(len(edges))
    reached = [[j in edges[i] for j in size] for i in size]
    for k in size:
        reached = [[reached[i][j] or (reached[i][k] and reached[k][j]) for j in size] for i in size]
    expected = {tuple(str(j) for j in size if reached[i][j] and reached[j][i]) for i in size} - {()}
    found = find_cycles({str(i): [str(j) for j in edges[i]] for i in size})
    assert set(found) == expected
    assert len(found) == len(expected)


def test_cycles_that_are_declared() -> None:
    check_coupled([Coupled(("b", "a")), Coupled(("e",))], MEASURED_IN, "analysis 'test'")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            [("e",)],
            "^analysis 'test': scale factors depend on each other, 'a' is measured in 'of_a' with 'b' applied, "
            r"'b' is measured in 'of_b' with 'a' applied; .*, declare coupled=\[\('a', 'b'\)\]$",
        ),
        ([("a", "b")], r"'e' is measured in 'of_e' with 'e' applied; .* declare coupled=\[\('e',\)\]"),
        # not all of a cycle
        ([("a",), ("e",)], r"declare coupled=\[\('a', 'b'\)\]"),
        (
            [("a", "b", "c"), ("e",)],
            "^coupled of analysis 'test': a, b, c don't all depend on each other: .*"
            "'c' is measured in 'of_c' with 'a' and 'b' applied$",
        ),
        ([("a", "b"), ("d",), ("e",)], "d don't all depend .*: 'd' is measured in 'of_d' with none of them applied$"),
        ([("a", "b"), ("e", "b")], "coupled of analysis 'test': scale factor 'b' is in two groups; join them"),
    ],
)
def test_cycles_and_groups_that_differ(groups: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_coupled([Coupled(group) for group in groups], MEASURED_IN, "analysis 'test'")


def test_unknown_name() -> None:
    measured_in: dict[str, dict[str, tuple[str, ...]]] = {"muon_id": {"tnp": ()}}
    with pytest.raises(UnknownNameError, match="'muon_idd' in coupled of analysis 'test', did you mean 'muon_id'"):
        check_coupled([Coupled(("muon_idd",))], measured_in, "analysis 'test'")
