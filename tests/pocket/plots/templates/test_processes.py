from __future__ import annotations

import pytest

from pocket.errors import HistogramError
from pocket.plots.palettes import PETROFF_6, PETROFF_10
from pocket.plots.style import PlotStyle
from pocket.plots.templates.processes import drawn_processes
from tests.pocket.plots.zmumu import template

MC = {
    "A": template([1.0, 2.0], [0.1, 0.2], pu=([0.1, 0.1], [-0.1, -0.1])),
    "B": template([10.0, 20.0], [1.0, 2.0]),
    "C": template([3.0, 4.0], [0.3, 0.4]),
}


def test_largest_on_top_unless_ordered() -> None:
    assert [process.name for process in drawn_processes(MC, PlotStyle())] == ["B", "C", "A"]
    assert [process.name for process in drawn_processes(MC, PlotStyle(order_mc=["A"]))] == ["A", "B", "C"]


def test_samples_are_chosen() -> None:
    assert [process.name for process in drawn_processes(MC, PlotStyle(only_samples=["A", "C"]))] == ["C", "A"]
    assert [process.name for process in drawn_processes(MC, PlotStyle(exclude_samples=["B"]))] == ["C", "A"]
    with pytest.raises(HistogramError, match="no MC sample is left to draw of A, B, C"):
        drawn_processes(MC, PlotStyle(exclude_samples=["A", "B", "C"]))


def test_groups_are_chosen_as_samples_are() -> None:
    groups = {"G": ["A", "B"]}
    (rest,) = drawn_processes(MC, PlotStyle(samples_groups=groups, exclude_samples=["G"]))
    (only,) = drawn_processes(MC, PlotStyle(samples_groups=groups, only_samples=["G"]))
    (part,) = drawn_processes(MC, PlotStyle(samples_groups=groups, only_samples=["G"], exclude_samples=["B"]))
    assert (rest.name, only.name, part.name) == ("C", "G", "G")
    assert only.prediction.values.tolist() == [11.0, 22.0]
    assert part.prediction.values.tolist() == [1.0, 2.0]


def test_groups_add_up_and_both_sample_and_group_are_rescaled() -> None:
    style = PlotStyle(
        samples_groups={"G": ["A", "B"]}, rescale_samples={"A": 2.0, "G": 3.0, "C": 5.0}, labels_mc={"G": "group"}
    )
    group, other = drawn_processes(MC, style)
    assert (group.name, group.label, other.label) == ("G", "group", "C")
    assert group.prediction.values == pytest.approx([3 * (2 + 10), 3 * (4 + 20)])
    assert group.prediction.variances == pytest.approx([9 * (0.4 + 1), 9 * (0.8 + 2)])
    assert group.prediction.shifts["pu"][0] == pytest.approx([0.6, 0.6])
    assert other.prediction.values == pytest.approx([15.0, 20.0])


def test_colours_are_those_set_and_then_the_free_ones_of_the_palette() -> None:
    style = PlotStyle(colors_mc={"C": PETROFF_6[0]})
    assert [process.color for process in drawn_processes(MC, style)] == [PETROFF_6[1], PETROFF_6[0], PETROFF_6[2]]
    many = {f"S{number}": MC["A"] for number in range(12)}
    colors = [process.color for process in drawn_processes(many, PlotStyle())]
    assert colors == [*PETROFF_10, *PETROFF_10[:2]]
