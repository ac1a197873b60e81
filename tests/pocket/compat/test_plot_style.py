from __future__ import annotations

import dataclasses

from pocket.compat.plot_style import COLORS, IGNORED, OTHER_NAMES, in_own_words
from pocket.plots.style import PlotStyle


def test_names_are_those_of_the_style() -> None:
    options = {item.name for item in dataclasses.fields(PlotStyle)}
    assert {*OTHER_NAMES.values()} <= options
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
