from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from pocket.plots.canvas import Period
from pocket.plots.fits.results import with_processes
from pocket.plots.fits.treatment import draw_shift, draw_treatment, effects_of
from pocket.plots.style import PlotStyle
from pocket.statistics.model import RegionModel
from pocket.statistics.shifts import Shift, Varied

STYLE, PERIOD = PlotStyle(), Period(59830.0, "2018", 13)


def varied(edges: Any, *rows: Any) -> Varied:
    return Varied(None if edges is None else np.array(edges), *(np.array(row, dtype=float) for row in rows))


def shift(counting: bool = False, processes: tuple[str, ...] = ("z", "tt")) -> Shift:
    if counting:
        one = varied(None, [40], [4], [44], [38])
        return Shift("pileup", processes, one, one, ())
    before = varied([0, 1, 2, 3, 4], [10] * 4, [1] * 4, [12, 10, 9, 11], [9, 10, 10, 0])
    after = varied([0, 2, 4], [20, 20], [2, 2], [22, 20], [19, 20])
    return Shift("pileup", processes, before, after, ("rebin", "flow fold", "smooth (353QH)"))


def captions(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


def heights(figure: Figure, panel: int) -> list[list[float]]:
    """The lines of steps in a panel."""
    return [patch.get_data().values.tolist() for patch in figure.axes[panel].patches if not patch.get_fill()]  # type: ignore[attr-defined]


def test_ratios_before_and_after_have_their_own_bins() -> None:
    name, figure, numbers = draw_shift(shift(), "sr", "", STYLE, PERIOD, "Mass [GeV]")
    assert name == "sr_pileup"
    assert heights(figure, 1) == [[1.2, 1.0, 0.9, 1.1], [0.9, 1.0, 1.0, 0.0]]
    assert heights(figure, 2) == [[1.1, 1.0], [0.95, 1.0]]
    assert [figure.axes[panel].get_ylabel() for panel in (1, 2)] == ["Stored", "Treated"]
    assert figure.axes[1].get_ylim() == figure.axes[2].get_ylim()
    assert numbers["before"]["up"] == [12, 10, 9, 11]
    assert numbers["after"]["edges"] == [0, 2, 4]
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Nominal, MC stat.", "Up: +5.00 %", "Down: −2.50 %"]
    assert "z, tt" in captions(figure)
    assert "rebin, flow fold\nsmooth (353QH)" in captions(figure) or "rebin, flow fold, smooth (353QH)" in captions(
        figure
    )


@pytest.mark.parametrize("processes", [("z",), ("a", "b", "c", "d")])
def test_a_process_and_a_counted_region(processes: tuple[str, ...]) -> None:
    name, figure, _ = draw_shift(shift(counting=True, processes=processes), "sr", "z", STYLE, PERIOD)
    assert name == "sr_pileup_z"
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == ["all events"]
    assert ("4 processes" if len(processes) > 3 else "z") in captions(figure)


def test_categories_are_named() -> None:
    given = dataclasses.replace(shift(), before=shift().after)
    names = [f"category {number}" for number in range(len(given.after.nominal))]
    plots = draw_treatment({"": {"pileup": given}}, region(), STYLE, PERIOD, names=names)
    figure = next(figure for _, figure, _ in plots)
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == names


def test_scales_are_those_of_the_histogram() -> None:
    style = with_processes(PlotStyle(log_histograms=["mass"]), {}, {"sr": "mass"})
    _, figure, _ = draw_shift(shift(), "sr", "", style, PERIOD)
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "linear", "linear"]


def region() -> RegionModel:
    nominal = np.array([[10.0, 30.0], [20.0, 20.0]])
    shapes = {"jes": {"z": (np.array([12.0, 30.0]), np.array([9.0, 30.0])), "tt": (nominal[1] * 1.1, nominal[1] * 0.9)}}
    factors = {"lumi": {"z": (0.98, 1.02), "tt": (0.98, 1.02)}, "jes_rate": {"tt": (0.5, 1.5)}}
    edges = np.array([0.0, 2.0, 4.0])
    return RegionModel("sr", ("z", "tt"), nominal, nominal, edges=edges, shapes=shapes, log_normals=factors)


def test_effects_are_sums_over_processes() -> None:
    found = effects_of(region())
    assert found.values.tolist() == [30, 50]
    assert found.shifts["jes"][0].tolist() == pytest.approx([4, 2])
    assert found.shifts["jes"][1].tolist() == pytest.approx([-3, -2])
    assert found.shifts["lumi"][0].tolist() == pytest.approx([0.6, 1.0])
    assert found.shifts["jes_rate"][1].tolist() == pytest.approx([-10, -10])


def test_a_region_has_a_figure_for_each_nuisance_and_a_ranking() -> None:
    plots = list(draw_treatment({"": {"pileup": shift()}, "z": {"pileup": shift()}}, region(), STYLE, PERIOD))
    assert [stem for stem, _, _ in plots] == ["sr_pileup", "sr_pileup_z", "sr_ranking"]
    ranking = plots[-1][2]
    assert list(ranking["sources"]) == ["jes_rate", "jes", "lumi"]
    assert ranking["region"] == "sr"
    assert ranking["sources"]["lumi"]["yield_up"] == pytest.approx(0.02)
    assert ranking["sources"]["lumi"]["shape_up"] == pytest.approx(0)
    none = RegionModel("sr", ("z",), np.array([[1.0]]), np.array([[1.0]]))
    assert list(draw_treatment({"": {}}, none, STYLE, PERIOD)) == []
