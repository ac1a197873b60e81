from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import HistogramError
from pocket.plots.axes import Binning, projections
from pocket.plots.templates.cells import Side, cells_of

X = hist.axis.Regular(4, 0, 4, name="x", label="x")
Y = hist.axis.Variable([0, 1, 5], name="y", label="y", overflow=False)


def filled(*axes: Any, seed: int = 1, low: float = -1, high: float = 6) -> hist.Hist[Any]:
    """A histogram with a variation whose entries also lie outside."""
    rng = np.random.default_rng(seed)
    h = hist.Hist(hist.axis.StrCategory(["nominal", "aUp"], name="variation"), *axes, storage=hist.storage.Weight())
    for variation in ("nominal", "aUp"):
        h.fill(variation, *(rng.uniform(low, high, 500) for _ in axes), weight=rng.uniform(0, 2, 500))
    return h


def test_rows_and_columns_sum_to_the_projections() -> None:
    mc, data = filled(X, Y), filled(X, Y, seed=2)[{"variation": "nominal"}]
    cells = cells_of(data, {"DY": mc}, (None, None), "v")
    # There is no overflow of y, so its entries above are in no cell.
    assert [(side.low, side.high) for side in cells.sides] == [(True, True), (True, False)]
    assert cells.data is not None
    for found, h in ((cells.data, data), (cells.mc["DY"][{"variation": "nominal"}], mc[{"variation": "nominal"}])):
        assert found.shape == (6, 3)
        projected = projections(h)
        np.testing.assert_allclose(found.values().sum(axis=1)[1:-1], projected["x"].values())
        np.testing.assert_allclose(found.values().sum(axis=0)[1:], projected["y"].values())
        np.testing.assert_allclose(found.variances().sum(), h.sum(flow=True).variance)
        for i in range(4):
            for j in range(2):
                assert found.values()[i + 1, j + 1] == h.values()[i, j]


def test_empty_underflow_and_overflow_have_no_cells() -> None:
    mc = filled(X, Y, low=0, high=3.5)
    cells = cells_of(None, {"DY": mc}, (None, None), "v")
    assert [(side.low, side.high) for side in cells.sides] == [(False, False), (False, False)]
    assert cells.mc["DY"].axes.name == ("variation", "x", "y")
    np.testing.assert_array_equal(cells.mc["DY"].values(), mc.values())
    # One entry of data outside is enough.
    data = hist.Hist(X, Y, storage=hist.storage.Weight())
    data.fill([9.0], [0.5])
    cells = cells_of(data, {"DY": mc}, (None, None), "v")
    assert cells.sides[0].high
    assert not cells.sides[0].low
    assert cells.mc["DY"].values()[:, -1].sum() == 0


def test_places() -> None:
    even = Side(Binning([0.0, 1.0, 2.0], "x"), high=True)
    np.testing.assert_allclose(even.places, [0, 1, 2, 3])
    assert even.ticks is None
    uneven = Side(Binning([-1.0, 1.0, 5.0], "x"), low=True)
    np.testing.assert_allclose(uneven.places, [0, 1, 2, 3])
    assert uneven.ticks is not None
    assert uneven.ticks[1] == [r"$-\infty$", "−1", "1", "5"]
    names = Side(Binning([0.0, 1.0, 2.0], "x", names=("a", "b")), high=True)
    np.testing.assert_allclose(names.places, [0, 1, 2, 3])
    assert names.ticks is not None
    assert names.ticks[1] == ["a", "b", "other"]
    np.testing.assert_allclose(names.ticks[0], [0.5, 1.5, 2.5])
    integers = Side(Binning([2.0, 3.0, 4.0], "x", names=("2", "3")), low=True, high=True)
    assert integers.ticks is not None
    assert integers.ticks[1] == ["< 2", "2", "3", "> 3"]
    log = Side(Binning([1.0, 10.0, 100.0], "x", log=True), high=True)
    np.testing.assert_allclose(log.places, [1, 10, 100, 1000])
    fine = Side(Binning(np.linspace(0, 1, 21), "x"), low=True)
    np.testing.assert_allclose(fine.places, [-0.04, *np.linspace(0, 1, 21)])
    # Many bins of different widths are drawn to scale.
    many = Side(Binning(np.arange(20.0) ** 2, "x"))
    np.testing.assert_allclose(many.places, np.arange(20.0) ** 2)


def test_range_to_show() -> None:
    side = Side(Binning([0.0, 1.0, 2.0, 3.0], "x"), low=True, high=True, limits=(1.0, 2.5))
    np.testing.assert_array_equal(side.shown, [False, False, True, True, False])


def test_different_bins_are_refused() -> None:
    other = filled(hist.axis.Regular(5, 0, 4, name="x"), Y)
    with pytest.raises(HistogramError, match="v: TT and DY have different bins"):
        cells_of(None, {"DY": filled(X, Y), "TT": other}, (None, None), "v")
    with pytest.raises(HistogramError, match="v of DY: a map shows two axes, not 1"):
        cells_of(None, {"DY": filled(X)}, (None,), "v")
