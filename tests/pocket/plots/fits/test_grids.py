from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocket.plots.canvas import Period, save_figure
from pocket.plots.fits.grids import GridPoint, as_table, draw_grid, find_results, result_lines
from pocket.plots.style import PlotStyle
from pocket.statistics import Grid

STYLE, PERIOD = PlotStyle(), Period(59830.0, "2018", 13)
MASSES = (200, 250, 300, 350)
THEORY = {200: (8.0, 0.8), 250: (4.0, 0.4), 300: (2.0, 0.2), 350: (1.0, 0.1)}
GRID = Grid("m", MASSES, theory=THEORY, label="$m$ [GeV]", poi="r")
#: limits of the parameter of interest
MEDIAN, OBSERVED = (0.25, 0.5, 1.5, 4.0), (0.25, 2.0, 0.8, 3.0)


def points(observed: bool = True, theory: bool = True, **missing: Any) -> list[GridPoint]:
    rows = []
    for number, mass in enumerate(MASSES):
        statistic = (0.0, 9.0, 0.1, 1.0)[number]
        found: dict[str, Any] = {
            "expected": tuple(factor * MEDIAN[number] for factor in (0.5, 0.7, 1, 1.5, 2)),
            "observed": OBSERVED[number] if observed else math.nan,
            "statistic": statistic,
            "significance": math.sqrt(statistic),
            "p_local": 0.5 * math.erfc(math.sqrt(statistic / 2)),
        }
        rows.append(
            GridPoint(mass, THEORY[mass] if theory else None, **(missing if missing and mass == 300 else found))
        )
    return rows


def curves(figure: Figure) -> list[Line2D]:
    return list(figure.axes[0].lines)


def test_crossings_and_the_largest_excess() -> None:
    found = find_results(points(), observed=True)
    up, down, last = found["crossings"]["observed"]
    # the limit of r is 1 where the theory is excluded
    assert up["point"] == pytest.approx(200 + 50 * math.log(4) / math.log(8))
    assert up["theory"][0] == pytest.approx(200 + 50 * math.log(4 * 0.9) / math.log(8))
    assert (down["excludes_below"], last["excludes_below"]) == (False, True)
    (expected,) = found["crossings"]["expected"]
    assert expected["point"] == pytest.approx(250 + 50 * math.log(2) / math.log(3))
    high, low = (250 + 50 * math.log(2 / factor) / math.log(3) for factor in (0.7, 1.5))
    assert expected["band"] == pytest.approx((low, high))
    assert found["excess"]["point"] == 250
    lines = dict(result_lines(found, "m"))
    assert lines["expected limit"] == "excludes below m = 281.5 −4.8 +4.3 (theory) −18 +16 (68 % expected)"
    assert lines["largest excess"] == "at m = 250: p = 0.0013, 3.0 σ"
    assert lines["one as large anywhere"].startswith("p = 0.027, 1.9 σ (p = ")
    assert lines["one as large anywhere"].endswith("), by 2 up-crossings of 0.5 σ")


def test_what_is_expected_has_no_excess_and_without_theory_there_is_no_crossing() -> None:
    assert find_results(points(observed=False), observed=False)["excess"] is None
    assert set(find_results(points(observed=False), observed=False)["crossings"]) == {"expected"}
    assert find_results(points(theory=False), observed=True)["crossings"] == {}


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.01, "is below the theory at all points"),
        (100, "is above the theory at all points"),
        (math.nan, "isn't found"),
    ],
)
def test_limits_that_do_not_cross_say_where_they_are(factor: float, words: str) -> None:
    rows = [
        GridPoint(row.point, row.theory, expected=tuple(factor * value for value in row.expected)) for row in points()
    ]
    assert result_lines(find_results(rows, observed=False), "m") == [("expected limit", words)]


def test_data_without_an_excess_say_so() -> None:
    rows = [GridPoint(row.point, None, statistic=0.0, significance=0.0, p_local=0.5) for row in points()]
    (line,) = result_lines(find_results(rows, observed=True), "m")
    assert line == ("largest excess", "no local significance is above 0.5 σ, so there is no excess")


def test_a_table_has_cross_sections_or_the_parameter_of_interest() -> None:
    text = as_table(points(), GRID, "text", observed=True).splitlines()
    assert text[0].split()[:4] == ["m", "limit", "[pb]", "expected"]
    assert re.split("  +", text[2]) == ["250", "8", "2", "1.4 to 3", "1 to 4", "4 ± 0.4", "3.0 σ", "0.0013"]
    plain = as_table(points(observed=False, theory=False), GRID_OF_R, "md", observed=False).splitlines()
    assert plain[0] == "| m | expected limit [r] | 68 % | 95 % | expected significance |"
    assert plain[3] == "| 250 | 0.5 | 0.35 to 0.75 | 0.25 to 1 | 3.0 σ |"
    assert as_table(points(), GRID, "tex", observed=True).startswith(r"\begin{tabular}{lrrrrrrr}")


GRID_OF_R = Grid("m", MASSES, poi="r")


def test_a_point_without_a_limit_is_a_row_with_the_reason() -> None:
    rows = points(missing=2, reason="no minimum after 200 iterations")
    line = as_table(rows, GRID, "md", observed=True).splitlines()[4]
    assert line == "| 300 | – | – | – | – | 2 ± 0.2 | – | – | no minimum after 200 iterations |"
    drawn = {
        name: figure
        for name, figure, _ in draw_grid(rows, find_results(rows, observed=True), GRID, STYLE, PERIOD, data=True)
    }
    # curves go on from the point before it to the one behind it
    assert list(curves(drawn["limits"])[0].get_xdata()) == [200, 250, 350]
    assert list(curves(drawn["p_values"])[0].get_xdata()) == [200, 250, 350]


def test_the_figure_has_bands_the_theory_and_marks_of_crossings() -> None:
    found = find_results(points(), observed=True)
    (_, limits, numbers), (_, p_values, _) = draw_grid(points(), found, GRID, STYLE, PERIOD, data=True)
    ax = limits.axes[0]
    legend = ax.get_legend()
    assert legend is not None
    names = ["Observed", "Median expected", "68 % expected", "95 % expected", "Theory"]
    assert [text.get_text() for text in legend.get_texts()] == names
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$m$ [GeV]", r"95 % CL upper limit on $\sigma$ [pb]")
    median, observed = (np.array(line.get_ydata()) for line in curves(limits)[:2])
    assert median == pytest.approx([2, 2, 3, 4])
    assert observed == pytest.approx([2, 8, 1.6, 3])
    marked = [float(np.asarray(line.get_xdata())[0]) for line in curves(limits) if line.get_marker() == "D"]
    assert marked == numbers["crossings"] == [one["point"] for one in found["crossings"]["observed"]]
    assert numbers["points"][1]["observed"] == 2.0
    texts = {text.get_text() for text in p_values.axes[0].texts}
    assert {rf"{sigma}$\sigma$" for sigma in (1, 2, 3)} <= texts


def test_expected_limits_without_theory_are_one_figure_of_the_parameter_of_interest() -> None:
    rows = points(observed=False, theory=False)
    ((name, figure, numbers),) = draw_grid(
        rows, find_results(rows, observed=False), GRID_OF_R, STYLE, PERIOD, data=False
    )
    assert name == "limits"
    assert figure.axes[0].get_ylabel() == "95 % CL upper limit on r"
    assert figure.axes[0].get_xlabel() == "m"
    assert math.isnan(numbers["points"][0]["observed"])


def test_nothing_is_drawn_of_fits_without_results(tmp_path: Any) -> None:
    rows = [GridPoint(row.point, row.theory, missing=2, reason="no minimum") for row in points()]
    assert list(draw_grid(rows, find_results(rows, observed=True), GRID, STYLE, PERIOD, data=True)) == []
    # an unbounded significance has no place on the axis, and one point has a range
    unbounded = [GridPoint(200, THEORY[200], 1.0, (0.5, 0.7, 1, 1.5, 2), 0.95, math.inf, math.inf, 0.0)]
    unbounded += [GridPoint(250, THEORY[250])]
    assert "| ∞ σ | 0 |" in as_table(unbounded, GRID, "md", observed=True)
    (limits,) = draw_grid(unbounded, find_results(unbounded, observed=True), GRID, STYLE, PERIOD, data=True)
    assert save_figure(limits[1], tmp_path / "limits", ("png",))
