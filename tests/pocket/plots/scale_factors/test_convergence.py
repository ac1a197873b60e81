from __future__ import annotations

import json

import numpy as np
import pytest

from pocket.plots.scale_factors.convergence import LEAST, convergence
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.convergence import changes
from tests.pocket.plots.zmumu import CAPTION
from tests.pocket.scale_factors.measurement.test_convergence import FIRST, frozen, moved


def test_changes_of_each_bin_and_the_largest() -> None:
    second = moved(FIRST, [0.04, -0.02])
    history = [FIRST, second, moved(second, [0.0, 0.001])]
    figure, numbers = convergence(history, 0.1, style=PlotStyle(), **CAPTION)
    (ax,) = figure.axes
    lines = {line.get_label(): line for line in ax.lines}
    moves = changes(history)
    assert np.asarray(lines["Largest"].get_xdata()).tolist() == [1, 2]
    assert np.asarray(lines["Largest"].get_ydata()) == pytest.approx([2, 0.05])
    assert np.asarray(lines["Bins"].get_ydata()) == pytest.approx([2, LEAST])  # nothing changed: there is no logarithm
    assert np.asarray(lines["0.1"].get_ydata()) == pytest.approx(0.1)
    assert numbers["changes"] == moves.tolist()
    assert numbers["largest"] == pytest.approx([2, 0.05])
    json.dumps(numbers, allow_nan=False)


def test_frozen_bins_are_not_drawn() -> None:
    history = [frozen(FIRST), frozen(moved(FIRST, [0.0, -0.02]))]
    figure, numbers = convergence(history, 0.1, style=PlotStyle(), **CAPTION)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    for label in ("Largest", "Median"):
        assert np.asarray(lines[label].get_ydata()) == pytest.approx([1.0])
    assert numbers["changes"] == [[None, pytest.approx(1.0)]]
    json.dumps(numbers, allow_nan=False)


def test_two_iterations() -> None:
    figure, _ = convergence([FIRST, moved(FIRST, [10.0, 0.0])], 0.1, style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    (ax,) = figure.axes
    assert ax.get_xlim() == (0.5, 1.5)
    assert ax.get_ylim()[1] > 500


def test_small_tolerance_is_drawn() -> None:
    history = [FIRST, moved(FIRST, [0.04, 0.0])]
    figure, numbers = convergence(history, 1e-6, style=PlotStyle(), **CAPTION)
    (ax,) = figure.axes
    assert ax.get_ylim()[0] < 1e-6
    assert numbers["small"] == 1e-6
