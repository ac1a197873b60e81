from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hist
import numpy as np
import pytest
from matplotlib.text import Text

from pocket.corrections.cells import Cell
from pocket.corrections.comparison import UsedCorrection, compare_corrections
from pocket.corrections.regions import Interval, Key
from pocket.histograms.comparison import BinNames, TemplateComparison, compare_templates, largest
from pocket.plots.canvas import Period
from pocket.plots.changes import MOST_KEYS, draw_changes, draw_corrections, profiles
from pocket.plots.style import PlotStyle
from tests.pocket.correction_files import binned, write_corrections
from tests.pocket.corrections.test_comparison import EDGES, value
from tests.pocket.histograms.test_comparison import filled, write

INFINITE = float("inf")
STYLE = PlotStyle(formats=("png",), dpi=40)


def test_ratios_by_input() -> None:
    bins = {
        "low": Interval(-INFINITE, 20.0, 10.0, 20.0),
        "high": Interval(20.0, INFINITE, 20.0, 50.0),
        "beyond": Interval(50.0, INFINITE, 50.0, INFINITE),
    }
    cells = [
        Cell({"pt": bins["low"], "key": Key("a")}, 1.0, 1.5),
        Cell({"pt": bins["low"], "key": Key("b")}, 2.0, 2.0),
        Cell({"pt": bins["high"], "key": Key("a")}, 1.0, 1.1),
        Cell({"pt": bins["high"], "key": Key("b")}, 0.0, 0.1),
        Cell({"pt": bins["high"], "key": Key("c")}, None, 0.1),
    ]
    found, left_out = profiles(cells)
    by_name = {profile.name: profile.numbers() for profile in found}
    # there is no ratio to 0, nor to nothing
    assert left_out == 2
    assert by_name["pt"] == {
        "bins": [10.0, 20.0, 50.0],
        "lowest": [1.0, 1.1],
        "mean": [1.25, 1.1],
        "highest": [1.5, 1.1],
    }
    assert by_name["key"]["keys"] == ["a", "b"]
    assert by_name["key"]["highest"] == [1.5, 1.0]
    (pt, _), _ = profiles([*cells, Cell({"pt": bins["beyond"], "key": Key("a")}, 1.0, 3.0)])
    assert max(pt.ratios[-1]) == 3.0
    assert pt.places[-1] > 50


def test_of_many_keys_those_that_differ_most_are_drawn() -> None:
    cells = [Cell({"key": Key(f"k{number}")}, 1.0, 1.0 + number / 1000) for number in range(MOST_KEYS + 5)]
    ((profile,), _) = profiles(cells)
    assert profile.name == f"key ({MOST_KEYS} of {MOST_KEYS + 5})"
    assert list(profile.places) == [f"k{number}" for number in range(5, MOST_KEYS + 5)]


def test_formulas_of_inputs_without_bins() -> None:
    points = [({"pt": pt}, 1.0, 1.0 + pt / 100) for pt in (10.0, 20.0)]
    ((profile,), _) = profiles([Cell({}, 1.0, 1.2, {"pt": 20.0}, points)])
    assert profile.numbers() == {
        "points": [10.0, 20.0],
        "lowest": [1.1, 1.2],
        "mean": [1.1, 1.2],
        "highest": [1.1, 1.2],
    }


def test_figures(tmp_path: Path) -> None:
    files = [
        write_corrections(tmp_path / f"{factor}.json", binned("id", EDGES, value(factor), "kind"))
        for factor in (1.0, 1.5)
    ]
    compared = compare_corrections([UsedCorrection("corrections://a.json", "id", (), *files)])
    ((stem, figure, numbers),) = draw_corrections(compared, ("old", "new"), STYLE)
    assert stem == "correction_00_id"
    assert [ax.get_xlabel() for ax in figure.axes] == list(numbers["inputs"]) == ["kind", "eta", "pt"]
    assert numbers["inputs"]["pt"]["highest"] == [1.5, 1.0]
    assert [text.get_text() for text in figure.texts] == ["id\nnew / old"]

    sides = [write(tmp_path / f"{i}", {"pt": {"DY": filled({"nominal": 1.0 + i}, [10.0, 30.0])}}) for i in range(2)]
    changed = largest(list(compare_templates(*sides)), 5)
    period = Period(59830.0, "2018", 13)
    ((stem, figure, numbers),) = draw_changes(changed, ("old", "new"), STYLE, period, {"DY": True})
    assert stem == "template_00_DY_all_pt"
    main, lower = figure.axes
    assert [text.get_text() for text in main.get_legend().get_texts()] == ["old", "new"]
    assert lower.get_ylim()[1] > 2.0
    assert numbers["contents"]["right"].tolist() == [2.0, 2.0]
    assert (numbers["left"], numbers["right"]) == (2.0, 4.0)
    # Categories and integers are drawn with their underflow and overflow, and several axes are drawn bin by bin.
    (one,) = changed
    axes = (replace(one.axes[0], edges=(), texts=("below", "0", "other")),)
    ((_, figure, numbers),) = draw_changes([replace(one, axes=axes)], ("old", "new"), STYLE, period, {})
    assert len(numbers["edges"]) == 4
    assert figure.axes[1].get_xlabel() == "$p_T$"
    ticks = [dict(zip(ax.get_xticks(), map(Text.get_text, ax.get_xticklabels()), strict=True)) for ax in figure.axes]
    assert ticks == [dict.fromkeys(range(3), ""), {0: "below", 1: "0", 2: "other"}]
    assert one.left is not None
    assert one.right is not None
    assert one.error is not None
    two = (*axes, replace(one.axes[0], edges=(), texts=("all",)))
    several = replace(one, axes=two, left=one.left[:, None], right=one.right[:, None], error=one.error[:, None])
    ((_, figure, _),) = draw_changes([several], ("old", "new"), STYLE, period, {})
    assert figure.axes[1].get_xlabel() == "Bins of $p_T$, $p_T$"
    assert one.change == pytest.approx(1.0)


def test_open_ended_bins_are_drawn() -> None:
    pt = BinNames.of(
        hist.axis.Variable([0, 20, 50, np.inf], name="pt", label="$p_T$ [GeV]", underflow=False, overflow=False)
    )
    sides = np.array([5.0, 3.0, 2.0]), np.array([5.0, 4.0, 2.0])
    one = TemplateComparison("DY", "all", "pt", "nominal", (pt,), *sides, np.sqrt(sides[0]))
    ((_, figure, numbers),) = draw_changes([one], ("old", "new"), STYLE, Period(59830.0, "2018", 13), {})
    assert figure.axes[1].get_xlim() == (0.0, 80.0)
    assert figure.axes[1].get_xlabel() == "$p_T$ [GeV], open-ended"
    assert numbers["contents"]["right"].tolist() == [5.0, 4.0, 2.0]
