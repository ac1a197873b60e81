"""Declarations and templates for tests of models: a signal over a background, of two years."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from pocket.errors import ConfigError
from pocket.statistics import Process, Region, RegionTemplates, StatisticalModel
from pocket.statistics.regions import Contents

EDGES = np.array([0.0, 1.0, 2.0, 3.0, 4.0])


def declaration(*nuisances: Any, **others: Any) -> StatisticalModel:
    """Return the declaration of a model with a signal, another process, and data."""
    usual: dict[str, Any] = {
        "regions": {"sr": Region("main", "signal", "mass")},
        "processes": {"sig": Process("signal", signal=True), "bkg": Process("background")},
        "data": ("DATA",),
        "nuisances": nuisances,
    }
    return StatisticalModel(**usual | others)


def contents(values: Sequence[float], variance: float = 1.0, **varied: Sequence[Sequence[float] | None]) -> Contents:
    """Return contents without events in the flow: ``varied`` has (up, down), given as the bins are."""

    def padded(each: Sequence[float]) -> Any:
        return np.pad(np.array(each, dtype=float), 1)

    sides = {name: tuple(None if each is None else padded(each) for each in pair) for name, pair in varied.items()}
    sums: Any = sides
    return Contents(padded(values), padded(np.full(len(values), variance)), sums)


def templates(
    sig: Mapping[str, Contents] | None = None,
    bkg: Mapping[str, Contents] | None = None,
    data: Sequence[float] | None = (6, 11, 12, 9),
    edges: Any = EDGES,
) -> RegionTemplates:
    """Return templates of a region by year; by default without variations."""
    return RegionTemplates(
        edges,
        {
            "sig": sig or {"2018": contents([1, 2, 3, 4])},
            "bkg": bkg or {"2018": contents([5, 8, 8, 4])},
        },
        None if data is None else np.pad(np.array(data, dtype=float), 1),
    )


def check_refused(declare: Callable[[], object], words: str) -> None:
    """Check that a declaration is refused in one sentence with some words."""
    with pytest.raises(ConfigError) as caught:
        declare()
    text = str(caught.value)
    assert words in text
    assert "\n" not in text
    assert not text.endswith(".")
