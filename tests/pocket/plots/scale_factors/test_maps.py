from __future__ import annotations

import json

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.plots.scale_factors.maps import scale_factor_maps
from pocket.plots.style import PlotStyle
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of
from tests.pocket.plots.zmumu import CAPTION, scale_factor


def test_value_and_error_in_each_valid_cell() -> None:
    labels = {"pt": "$p_T$ [GeV]"}
    ((stem, figure, numbers),) = scale_factor_maps(scale_factor(), style=PlotStyle(), labels=labels, **CAPTION)
    assert stem == ""
    _, value, uncertainty, *_ = figure.axes
    total = np.hypot(0.002, 0.003)
    assert [text.get_text() for text in value.texts] == [f"0.9800\n$\\pm$ {total:.4f}"] * 5
    assert [text.get_text() for text in uncertainty.texts] == [f"{total:.5f}\n(0.00200)"] * 5
    assert (value.get_xlabel(), value.get_ylabel()) == ("$p_T$ [GeV]", "abseta")
    assert [label.get_text() for label in value.get_xticklabels()] == ["20", "30", "40", r"$\infty$"]
    assert numbers["value"] == pytest.approx([0.98, None, 0.98, 0.98, 0.98, 0.98])
    assert numbers["total"] == pytest.approx([total, None, total, total, total, total])
    json.dumps(numbers, allow_nan=False)


def test_cells_are_where_their_bins_are() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA})
    ((_, figure, _),) = scale_factor_maps(result, style=PlotStyle(), **CAPTION)
    found = {text.get_position(): float(text.get_text().partition("\n")[0]) for text in figure.axes[1].texts}
    assert found == {
        (i + 0.5, j + 0.5): pytest.approx(value, abs=6e-4)
        for (i, j), value in np.ndenumerate(result.scale_factor.value)
    }
    drawn = np.asarray(figure.axes[1].collections[0].get_array())
    assert drawn == pytest.approx(result.scale_factor.value.T)


def test_axes_may_have_the_same_label() -> None:
    labels = {"pt": "$p_T$ [GeV]", "abseta": "$p_T$ [GeV]"}
    ((_, figure, numbers),) = scale_factor_maps(
        result_of({"pt": PT, "abseta": ABSETA}), style=PlotStyle(), labels=labels, **CAPTION
    )
    assert figure.axes[1].get_xlabel() == figure.axes[1].get_ylabel() == "$p_T$ [GeV]"
    assert [len(edges) for edges in numbers["edges"]] == [4, 3]


def test_joined_bins_are_one_cell() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 0], [1, 2], [1, 3]])
    ((_, figure, _),) = scale_factor_maps(result, style=PlotStyle(), **CAPTION)
    value = figure.axes[1]
    assert [text.get_position() for text in value.texts] == [(0.5, 1.0), (2.0, 0.5), (1.5, 1.5), (2.5, 1.5)]
    lines = [tuple(map(tuple, path)) for lines in value.collections[1:] for path in lines.get_segments()]
    assert set(lines) == {
        ((1, 0), (1, 1)),
        ((1, 1), (1, 2)),
        ((2, 1), (2, 2)),
        ((1, 1), (2, 1)),
        ((2, 1), (3, 1)),
    }


def test_colours_are_centred_at_one() -> None:
    ((_, figure, _),) = scale_factor_maps(scale_factor(), style=PlotStyle(), **CAPTION)
    low, high = figure.axes[1].collections[0].get_clim()
    assert (low + high) / 2 == pytest.approx(1.0)
    assert low < 0.98


def test_colours_of_efficiencies_rise_from_zero() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA}, quantity="efficiency")
    ((_, figure, _),) = scale_factor_maps(result, style=PlotStyle(), **CAPTION)
    low, high = figure.axes[1].collections[0].get_clim()
    assert low == 0
    assert high > 0.95
    assert figure.axes[3].get_ylabel() == "Efficiency"


def test_empty_cells_stay_empty_and_grey() -> None:
    result = scale_factor(pt=(20, 30), abseta=(0, 1), failed=0)
    ((_, figure, _),) = scale_factor_maps(result, style=PlotStyle(), **CAPTION)
    assert not figure.axes[1].texts
    assert np.ma.getmaskarray(figure.axes[1].collections[0].get_array()).all()
    assert figure.axes[1].get_facecolor()[:3] == pytest.approx((0.8, 0.8, 0.8))
    figure.canvas.draw()


def test_a_page_for_each_bin_of_the_other_axes() -> None:
    result = result_of({"year": YEARS, "pt": PT, "abseta": ABSETA, "npv": (0.0, 20.0, 60.0)})
    pages = list(scale_factor_maps(result, style=PlotStyle(), labels=LABELS, **CAPTION))
    assert [stem for stem, _, _ in pages] == ["2017_01", "2017_02", "2018_03", "2018_04"]
    _, figure, numbers = pages[3]
    assert numbers["range"] == "2018, 20 < npv < 60"
    assert "sf: 2018, 20 < npv < 60" in [text.get_text() for text in figure.texts]
    assert numbers["value"] == pytest.approx(result.scale_factor.value[1, :, :, 1].ravel())


@pytest.mark.parametrize("shape", [(3, 9), (14, 2)])
def test_texts_fit_into_their_cells(shape: tuple[int, int]) -> None:
    axes = {name: tuple(map(float, range(bins + 1))) for name, bins in zip(("pt", "abseta"), shape, strict=True)}
    ((_, figure, _),) = scale_factor_maps(result_of(axes), style=PlotStyle(), **CAPTION)
    figure.canvas.draw()
    for ax in figure.axes[1:3]:
        frame = ax.get_window_extent()
        for text in ax.texts:
            box = text.get_window_extent()
            assert box.width < frame.width / shape[0]
            assert box.height < frame.height / shape[1]


def test_a_map_needs_two_axes_with_edges() -> None:
    with pytest.raises(ScaleFactorError, match="sf: a map needs two axes with edges, not year, pt"):
        list(scale_factor_maps(result_of({"year": YEARS, "pt": PT}), style=PlotStyle(), **CAPTION))
