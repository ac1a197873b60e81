from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import Alternative, LogNormal
from tests.pocket.scale_factors.yield_toys import NORM, VERTICES

APART = dataclasses.replace(NORM, mc=("tt", "dy"), together=False)


def test_roles_and_samples() -> None:
    assert VERTICES.roles() == {"data": ("data",), "mc": ("dy",)}
    assert VERTICES.samples() == ("data", "dy", "wjets")
    assert VERTICES.simulated() == ("dy", "wjets")
    assert NORM.roles() == {"mc": ("tt",)}
    assert NORM.simulated() == NORM.samples() == ("tt",)


def test_rates_of_signal_and_background() -> None:
    rate = LogNormal("rates", 1.3, ("dy", "wjets"))
    assert dataclasses.replace(VERTICES, systematics=(rate,)).systematics == (rate,)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"background": ("dy",)}, "'dy' can't be in mc and in background"),
        ({"background": "wjets"}, "background must be a list of names"),
    ],
)
def test_wrong_ratio(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        dataclasses.replace(VERTICES, **changes)


def test_categories() -> None:
    assert NORM.categories() == ("without", "with", "root")
    # each event is in all of them
    assert NORM.entry_categories() == ("without",)
    for changes in ({"weighted": "without"}, {"covariance": "with"}):
        with pytest.raises(ConfigError, match="category, weighted and covariance must differ"):
            dataclasses.replace(NORM, **changes)


def test_samples_apart() -> None:
    parts = APART.per_sample()
    assert {sample: part.mc for sample, part in parts.items()} == {"tt": ("tt",), "dy": ("dy",)}
    assert all(part.together for part in parts.values())
    assert NORM.per_sample() == {}


@pytest.mark.parametrize("key", ["mc", "together"])
def test_what_no_systematic_changes(key: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown argument '{key}' in systematic 'other' of NormRatio"):
        dataclasses.replace(APART, systematics=(Alternative("other", {key: ("tt",)}),))
