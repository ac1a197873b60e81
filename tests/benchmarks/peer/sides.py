"""Small outputs, as one of the sides writes them."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from benchmarks.peer.running import Side

MC, DATA = "DY_2018", "DATA_2018"
TIMING = {"start_up": 1.5, "warm_up": 2.5, "passes": [{"wall": 8.0, "cpu": 4.0}, {"wall": 6.0, "cpu": 5.0}]}


def histogram(
    categories: list[str], variations: list[str], scale: float = 1.0, stop: float = 2.0, overflow: bool = False
) -> Any:
    """Return a histogram whose contents are known by category and variation, whatever the order of the axes."""
    filled = hist.Hist(
        hist.axis.StrCategory(categories, name="cat", overflow=overflow),
        hist.axis.StrCategory(variations, name="variation", overflow=overflow),
        hist.axis.Regular(2, 0, stop, name="x"),
        storage="weight",
    )
    for category in categories:
        for variation in variations:
            weight = scale * (len(category) + 10 * len(variation))
            filled.fill(cat=category, variation=variation, x=[-0.5, 0.5, 1.5, 7.0], weight=weight)
    return filled


def side(**changes: Any) -> Side:
    """Return an output of one simulated and one data set, with parts of it replaced."""
    output: dict[str, Any] = {
        "variables": {"x": {"DY": {MC: histogram(["a", "bb"], ["nominal", "pileupUp"])}}},
        "sum_genweights": {MC: 4.0},
        "sum_signOf_genweights": {MC: 2.0},
        "cutflow": {"initial": {MC: 10, DATA: 5}, "a": {MC: {"DY": {"nominal": 3}}, DATA: {"DATA": {"nominal": 2}}}},
        "sumw": {"a": {MC: {"DY": {"nominal": 1.5}}}},
        "sumw2": {"a": {MC: {"DY": {"nominal": 0.75}}}},
    }
    columns = {f"DY/{MC}/a/nominal/weight": np.array([1.0, -2.0]), f"DY/{MC}/a/nominal/x": np.array([0.1, 0.2])}
    columns = changes.pop("columns", columns)
    return Side(output | changes, columns, TIMING)
