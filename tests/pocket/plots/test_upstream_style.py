from __future__ import annotations

import dataclasses

from pocket.plots.style import PlotStyle
from pocket.plots.upstream_style import COLORS, HONOURED, IGNORED, OTHER_NAMES, honoured, ignored, in_own_words


def test_names_are_those_of_the_style() -> None:
    options = {item.name for item in dataclasses.fields(PlotStyle)}
    assert {*HONOURED, *OTHER_NAMES.values()} <= options
    assert not options & {*IGNORED, *OTHER_NAMES}


def test_options_with_two_names() -> None:
    assert in_own_words({"cms_label": "Preliminary"}) == {"label": "Preliminary"}
    for name in ("colors", "color"):
        assert in_own_words({name: {"A": "CMS_red"}}) == {"colors_mc": {"A": COLORS["CMS_red"]}}
    both = {
        "label": "Private work",
        "cms_label": "Preliminary",
        "labels": {"A": "a", "B": "b"},
        "labels_mc": {"A": "x"},
    }
    assert in_own_words(both) == {"label": "Preliminary", "labels_mc": {"A": "a", "B": "b"}}


def test_named_colours() -> None:
    colors = {"A": "CMS_red", "B": "blue", "C": [0, 0, 1]}
    assert in_own_words({"colors_mc": colors})["colors_mc"] == {**colors, "A": COLORS["CMS_red"]}


def test_what_is_honoured_and_what_is_not() -> None:
    options = {
        "opts_data": {"color": "black", "linestyle": "solid"},
        "opts_unc": {"total": {"hatch": "////", "zorder": 2}, "Up": {"marker": "."}},
    }
    assert honoured(options, HONOURED) == {"opts_data": {"color": "black"}, "opts_unc": {"total": {"hatch": "////"}}}
    assert list(ignored(options)) == ["opts_data.linestyle", "opts_unc.total.zorder", "opts_unc.Up"]
