from __future__ import annotations

import math

import numpy as np
import pytest

from pocket.plots.axes import Binning
from pocket.plots.canvas import Period, cms_style
from pocket.plots.statistics import Prediction
from pocket.plots.style import PlotStyle
from pocket.plots.systematics import RANKED, draw_ranking, draw_source, rank_sources

STYLE, PERIOD = PlotStyle(), Period(59830.0, "2018", 13)
NOMINAL = np.array([100.0, 400.0, 0.0])


def total(**shifts: tuple[list[float], list[float]]) -> Prediction:
    arrays = {name: (np.array(up), np.array(down)) for name, (up, down) in shifts.items()}
    return Prediction(NOMINAL, 4 * NOMINAL, arrays)


def test_a_source_is_drawn_with_its_ratios() -> None:
    prediction = total(jec=([10.0, 20.0, 0.0], [-5.0, -20.0, 0.0]))
    binning = Binning(np.array([0.0, 1.0, 2.0, 4.0]), "$p_T$ [GeV]")
    name, figure, numbers = draw_source(prediction, "jec", binning, STYLE, PERIOD, "pt", "sr")
    assert name == "pt_jec"
    assert numbers["up"] == [110.0, 420.0, 0.0]
    assert numbers["stat"] == [20.0, 40.0, 0.0]
    assert (numbers["yield_up"], numbers["yield_down"]) == pytest.approx((30 / 500, -25 / 500))
    steps = [patch.get_data().values for patch in figure.axes[1].patches if not patch.get_fill()]  # type: ignore[attr-defined]
    np.testing.assert_allclose(steps, [[1.1, 1.05, np.nan], [0.95, 0.95, np.nan]])
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Nominal, MC stat.", "Up: +6.00 %", "Down: −5.00 %"]


def test_sources_are_ranked_by_the_larger_of_yield_and_shape() -> None:
    effects = rank_sources(
        total(
            norm=([1.0, 4.0, 0.0], [-1.0, -4.0, 0.0]),
            tilt=([40.0, -40.0, 0.0], [-40.0, 40.0, 0.0]),
            both=([10.0, 0.0, 0.0], [-10.0, 0.0, 0.0]),
        )
    )
    assert list(effects) == ["tilt", "both", "norm"]
    assert effects["norm"] == pytest.approx((0.01, -0.01, 0, 0), abs=1e-12)
    assert effects["tilt"][2] == pytest.approx(math.sqrt(40**2 / 100 + 40**2 / 400))
    # up: (110, 400) at a yield of 500
    change = np.array([110.0, 400.0]) * 500 / 510 - NOMINAL[:2]
    assert effects["both"][2] == pytest.approx(math.sqrt((change**2 / NOMINAL[:2]).sum()))


def test_a_ranking_shows_the_first_sources_and_keeps_all_numbers() -> None:
    shifts = {f"source{n}": ([float(n), 0.0, 0.0], [-float(n), 0.0, 0.0]) for n in range(1, RANKED + 4)}
    name, figure, numbers = draw_ranking(total(**shifts), STYLE, PERIOD, "pt", "sr")
    assert name == "pt_ranking"
    assert len(numbers["sources"]) == RANKED + 3
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels[:2] == [f"source{RANKED + 3}", f"source{RANKED + 2}"]
    assert len(labels) == RANKED
    assert f"pt in sr: {RANKED} of {RANKED + 3} sources" in [text.get_text() for ax in figure.axes for text in ax.texts]
    widths = [patch.get_width() for patch in figure.axes[1].patches]  # type: ignore[attr-defined]
    assert widths[0] == pytest.approx(100 * (RANKED + 3) / 500)


@pytest.mark.parametrize("category", ["sr", "one_electron_and_one_muon_with_four_jets_of_which_two_are_tagged"])
def test_texts_of_a_ranking_do_not_meet(category: str) -> None:
    scaled = total(norm=((0.1 * NOMINAL).tolist(), (-0.07 * NOMINAL).tolist()))
    _, figure, _ = draw_ranking(scaled, STYLE, PERIOD, "MuonGood_pt_leading", category)
    panels = [ax for ax in figure.axes if ax.get_xlabel()]
    with cms_style():
        figure.canvas.draw()
        (legend,) = (ax.get_legend().get_window_extent() for ax in figure.axes if ax.get_legend())
        (heading,) = (
            text.get_window_extent() for ax in figure.axes for text in ax.texts if category in text.get_text()
        )
        labels = [dict(zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)) for ax in panels]
        ends = [ax.get_xlim() for ax in panels]
        ticks = [
            [text.get_window_extent() for place, text in of_panel.items() if low <= place <= high]
            for of_panel, (low, high) in zip(labels, ends, strict=True)
        ]
    assert 0 < heading.x0 < heading.x1 < legend.x0
    assert max(box.x1 for box in ticks[0]) < min(box.x0 for box in ticks[1])
    # A change of the yield alone has no shape but for rounding.
    assert panels[1].get_xlim() == (0.0, 0.01)
