from __future__ import annotations

import dataclasses

from pocket.plots.honoured_options import HONOURED, honoured, ignored
from pocket.plots.style import PlotStyle


def test_names_are_those_of_the_style() -> None:
    assert {*HONOURED} <= {item.name for item in dataclasses.fields(PlotStyle)}


def test_what_is_honoured_and_what_is_not() -> None:
    options = {
        "opts_data": {"color": "black", "linestyle": "solid"},
        "opts_unc": {"total": {"hatch": "////", "zorder": 2}, "Up": {"marker": "."}},
    }
    assert honoured(options, HONOURED) == {"opts_data": {"color": "black"}, "opts_unc": {"total": {"hatch": "////"}}}
    assert list(ignored(options)) == ["opts_data.linestyle", "opts_unc.total.zorder", "opts_unc.Up"]
