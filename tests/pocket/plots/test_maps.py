from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.plots.maps import scale_factor_maps
from pocket.plots.style import PlotStyle
from tests.pocket.plots.zmumu import CAPTION, scale_factor


def test_value_and_error_in_each_valid_cell() -> None:
    labels = {"pt": "$p_T$ [GeV]"}
    figure, numbers = scale_factor_maps(scale_factor(), style=PlotStyle(), labels=labels, **CAPTION)
    _, value, uncertainty, *_ = figure.axes
    total = np.hypot(0.002, 0.003)
    assert [text.get_text() for text in value.texts] == [f"0.980\n$\\pm$ {total:.3f}"] * 5
    assert [text.get_text() for text in uncertainty.texts] == [f"{total:.4f}\n(0.0020)"] * 5
    assert (value.get_xlabel(), value.get_ylabel()) == ("$p_T$ [GeV]", "abseta")
    assert [label.get_text() for label in value.get_xticklabels()] == ["20", "30", "40", r"$\infty$"]
    assert numbers["scale_factor"] == pytest.approx([0.98, None, 0.98, 0.98, 0.98, 0.98])
    json.dumps(numbers, allow_nan=False)


def test_colours_are_centred_at_one() -> None:
    figure, _ = scale_factor_maps(scale_factor(), style=PlotStyle(), **CAPTION)
    low, high = figure.axes[1].collections[0].get_clim()
    assert (low + high) / 2 == pytest.approx(1.0)
    assert low < 0.98


def test_empty_cells_stay_empty_and_grey() -> None:
    figure, _ = scale_factor_maps(scale_factor(pt=(20, 30), abseta=(0, 1), failed=0), style=PlotStyle(), **CAPTION)
    assert not figure.axes[1].texts
    assert np.ma.getmaskarray(figure.axes[1].collections[0].get_array()).all()
    assert figure.axes[1].get_facecolor()[:3] == pytest.approx((0.8, 0.8, 0.8))
    figure.canvas.draw()


def test_a_map_needs_two_axes() -> None:
    result = dataclasses.replace(scale_factor(), axes={"pt": (20.0, 30.0)})
    with pytest.raises(ScaleFactorError, match="muon_id: a map shows two axes, not pt"):
        scale_factor_maps(result, style=PlotStyle(), **CAPTION)
