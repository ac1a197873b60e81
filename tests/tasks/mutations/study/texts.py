"""Cuts with messages, log lines and names that decide no number; each is a category of ``main``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.cuts.cut import Cut
from pocket.errors import ConfigError

from .tables import Thresholds as Levels

_log = logging.getLogger(__name__)


class Counter:
    """Counts vertices."""

    def count(self, events: Any) -> Any:
        """Return their number."""
        return events.PV.npvsGood

    def not_used(self) -> int:
        """Return a number that no cut asks for."""
        return 1


def checked(vertices: Any) -> Any:
    """Return numbers of vertices."""
    if vertices is None:
        raise ValueError("there are no vertices")
    if ak.any(vertices < 0):
        raise ConfigError(f"{len(vertices)} events have too few vertices: {vertices!r}")
    assert len(vertices) >= 0, "no events"
    return vertices


def by_texts(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare numbers that were checked."""
    numbers = checked(Counter().count(events))
    _log.debug("a cut of %d events", len(numbers))
    print("a cut of", numbers, end="")
    return numbers > Levels().least()


def by_names(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a sum that has many names on its way."""
    import operator as op

    total = 0
    with np.errstate(all="ignore"):
        for position, step in enumerate([0, 1]):
            total = op.add(total, position * step)
    try:
        largest = max(each for each in (1, 2))
    except ValueError as error:
        raise ConfigError(f"nothing is largest: {error}") from None
    return events.PV.npvsGood > total + largest


def noted(values: list[int]) -> int:
    """Change a list that a log line shows."""
    values.append(4)
    return len(values)


def by_log(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number that a log line changes."""
    least = [3]
    _log.debug("%d", noted(least))
    return events.PV.npvsGood > least[-1]


def by_name_in_text(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the length of a text that has the name of a variable."""
    low = 3
    return events.PV.npvsGood > len(f"{low=}")


def by_folder(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the number of files of a kind."""
    return events.PV.npvsGood > len(list((Path(__file__).parent / "lists").glob("*.txt")))


cuts = [
    Cut(name=function.__name__, params={}, function=function)
    for function in (by_texts, by_names, by_log, by_name_in_text, by_folder)
]
