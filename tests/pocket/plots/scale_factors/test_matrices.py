from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from pocket.plots.scale_factors.uncertainties import correlation, draw_correlation


def test_correlation_of_drawn_numbers() -> None:
    drawn = np.random.default_rng(1).normal(size=(100, 3)) @ np.array([[1, 0.5, 0], [0, 2, 0], [0, 0, 3]])
    assert correlation(np.cov(drawn.T)) == pytest.approx(np.corrcoef(drawn.T))


def test_correlation_with_what_has_no_variance_is_undefined() -> None:
    matrix = correlation(np.diag([4.0, 0.0]))
    assert matrix[0, 0] == 1
    assert np.isnan(matrix[1]).all()
    assert np.isnan(matrix[:, 1]).all()


def test_small_matrices_have_numbers_in_their_cells() -> None:
    ax = Figure().add_subplot()
    draw_correlation(ax, np.array([[1, -0.25], [np.nan, 1]]), ["a", "b"], 5.0)
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0.5, 0.5): "1.00",
        (1.5, 0.5): "-0.25",
        (1.5, 1.5): "1.00",
    }
    # the first row at the top
    assert ax.get_ylim() == (2, 0)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize(("size", "labels"), [(17, 17), (48, 48), (100, 34)])
def test_large_matrices_have_colours_only_and_some_labels(size: int, labels: int) -> None:
    ax = Figure().add_subplot()
    draw_correlation(ax, np.eye(size), list(map(str, range(size))), 10.0)
    assert not ax.texts
    ticks = ax.get_yticks()
    assert len(ticks) == labels
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"{tick - 0.5:.0f}" for tick in ticks]
