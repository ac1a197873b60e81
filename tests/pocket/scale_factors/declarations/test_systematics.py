from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pocket.errors import ConfigError
from pocket.scale_factors import Alternative, Flat, LogNormal, Shape, Spread
from pocket.scale_factors.declarations.systematics import Systematic
from tests.entries import check_each

CHANGES = {"category": "tight"}


@pytest.mark.parametrize("name", ["", "nominal", "up", "down", "stat", "stat1", "stat12"])
def test_reserved_name(name: str) -> None:
    with pytest.raises(ConfigError, match="can't be named"):
        Shape(name)


@pytest.mark.parametrize("name", ["status", "statistics_mc", "stat1b", "upper"])
def test_other_names(name: str) -> None:
    assert Flat(name, 0.1).name == name


@check_each(
    ("make", "text"),
    [
        (lambda: LogNormal("rate", 1.0, ("tt",)), "'rate': kappa must be above 1, not 1.0"),
        (lambda: LogNormal("rate", float("nan"), ("tt",)), "kappa must be above 1, not nan"),
        (lambda: LogNormal("rate", 1.3, ()), "'rate': samples needs at least one name"),
        (lambda: Flat("lumi", 0.0), "'lumi': size must be above 0, not 0.0"),
        (lambda: Flat("lumi", float("inf")), "size must be above 0, not inf"),
        (lambda: Alternative("tag", {}), "changes of systematic 'tag': expected arguments"),
        (lambda: Alternative("tag", "tight"), "expected arguments of the declaration and their values, not 'tight'"),  # type: ignore[arg-type]
        (lambda: Spread("ht", CHANGES, {}), "other of systematic 'ht'"),
        (lambda: Spread("ht", {}, CHANGES), "one of systematic 'ht'"),
    ],
)
def test_wrong_argument(make: Callable[[], Systematic], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


def test_variation_of_a_shape() -> None:
    assert Shape("pileup").stem == "pileup"
    assert Shape("pileup", variation="sf_pileup").stem == "sf_pileup"


def test_measurements_of_each_kind() -> None:
    found: dict[Any, Any] = {
        one: one.alternatives() for one in (Shape("a"), LogNormal("b", 1.1, ("tt",)), Flat("c", 0.1))
    }
    assert set(found.values()) == {()}
    assert Alternative("d", CHANGES).alternatives() == (CHANGES,)
    assert Spread("e", CHANGES, {"category": "loose"}).alternatives() == (CHANGES, {"category": "loose"})
