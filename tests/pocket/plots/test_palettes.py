"""Colours of plots: those that stand next to each other remain distinct with red-green colour blindness."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import is_color_like, to_rgb
from omegaconf import OmegaConf

from pocket.plots import systematics
from pocket.plots.fits import curves, rows
from pocket.plots.palettes import (
    DISTINCT,
    DIVERGING,
    FREQUENT,
    PETROFF_6,
    PETROFF_8,
    PETROFF_10,
    SEQUENTIAL,
    VISIONS,
    complete_colors,
    distance,
    perceived,
)
from pocket.plots.scale_factors import mass_fits, uncertainties, values
from pocket.plots.templates import before_after
from tests.entries import check_each

REPOSITORY = Path(__file__).parents[3]
SOURCES = sorted((REPOSITORY / "pocket" / "plots").rglob("*.py"))

#: colours that are drawn next to each other
NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "six processes": PETROFF_6,
    "eight processes": PETROFF_8,
    "ten processes": PETROFF_10,
    "systematic sources": uncertainties.COLORS,
    "before and after": tuple(before_after.COLORS.values()),
    "up and down": (systematics.UP, systematics.DOWN),
    "up and down of impacts": (rows.UP, rows.DOWN),
    "limits": (curves.INNER, curves.OUTER),
    "fits": tuple(each["color"] for each in (mass_fits.SIGNAL, mass_fits.BACKGROUND, mass_fits.PREFIT)),
    "data and simulation": (values.DATA_STYLE["color"], values.MC_STYLE["color"]),
    "errors": (values.SYST_STYLE["facecolor"], values.TOTAL_STYLE["facecolor"]),
    "edges of errors": (values.SYST_STYLE["edgecolor"], values.TOTAL_STYLE["edgecolor"]),
}
#: tints of colours of the palettes, and colours that CMS prescribes for limits
OTHERS = {"#fbd7a3", "#bcd4fc", "#607641", "#f5bb54"}


@check_each("where", NEIGHBOURS)
def test_neighbours_are_distinct(where: str) -> None:
    colors = NEIGHBOURS[where]
    close = [(pair, distance(*pair)) for pair in itertools.pairwise(colors) if distance(*pair) < DISTINCT]
    assert not close


@pytest.mark.parametrize(
    "file", ["params", *(path.parent.parent.name for path in REPOSITORY.glob("analysis/*/params"))]
)
def test_shipped_colours_of_samples_are_distinct(file: str) -> None:
    folder = REPOSITORY / "params" if file == "params" else REPOSITORY / "analysis" / file / "params"
    path = folder / "plotting.yaml"
    colors = OmegaConf.load(path).plotting_style.get("colors_mc", {}) if path.exists() else {}
    # Subsamples replace their sample, so colours of both may be equal.
    close = [pair for pair in itertools.combinations(set(colors.values()), 2) if distance(*pair) < DISTINCT]
    assert not close


@pytest.mark.parametrize(
    "bad",
    [
        mpl.color_sequences["tab10"],
        mpl.color_sequences["Set1"],
        mpl.color_sequences["Dark2"],
        ["#e42536", "#3bb143"],
        ["#3f90da", "#5790fc"],
    ],
)
def test_bad_palettes_are_found(bad: list[Any]) -> None:
    assert any(distance(*pair) < DISTINCT for pair in itertools.pairwise(bad))


def test_distances_agree_with_a_simulation_step_by_step() -> None:
    # Red and green of the same lightness, and the same matrices written out.
    def seen(color: str) -> list[float]:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        r, g, b = linear
        return [
            0.367322 * r + 0.860646 * g - 0.227968 * b,
            0.280085 * r + 0.672501 * g + 0.047413 * b,
            -0.011820 * r + 0.042940 * g + 0.968881 * b,
        ]

    for color in PETROFF_10:
        cone_l, cone_m, cone_s = (
            sum(weight * max(0.0, min(1.0, part)) for weight, part in zip(weights, seen(color), strict=True)) ** (1 / 3)
            for weights in (
                (0.4122214708, 0.5363325363, 0.0514459929),
                (0.2119034982, 0.6806995451, 0.1073969566),
                (0.0883024619, 0.2817188376, 0.6299787005),
            )
        )
        expected = [
            0.2104542553 * cone_l + 0.7936177850 * cone_m - 0.0040720468 * cone_s,
            1.9779984951 * cone_l - 2.4285922050 * cone_m + 0.4505937099 * cone_s,
            0.0259040371 * cone_l + 0.7827717662 * cone_m - 0.8086757660 * cone_s,
        ]
        np.testing.assert_allclose(perceived(color, "deuteranopia"), 100 * np.array(expected), atol=1e-9)
    # Ottosson's table: red of sRGB is (0.628, 0.225, 0.126).
    np.testing.assert_allclose(perceived("#ff0000"), [62.8, 22.5, 12.6], atol=0.05)
    # Each vision sees grey as grey.
    for vision in VISIONS:
        np.testing.assert_allclose(perceived("#808080", vision), perceived("#808080"), atol=1e-2)
    assert distance("#000000", "#ffffff") == pytest.approx(100, abs=0.01)


def lightness(name: str, vision: str) -> np.ndarray[Any, Any]:
    """Return the lightness along a colour map."""
    colors = mpl.colormaps[name](np.linspace(0, 1, 65))[:, :3]
    return np.array([perceived(tuple(color), vision)[0] for color in colors])


def is_sequential(name: str) -> bool:
    """Tell whether larger values are always lighter, or always darker, for all visions."""
    return all(
        (np.diff(lightness(name, each)) > 0).all() or (np.diff(lightness(name, each)) < 0).all() for each in VISIONS
    )


def is_diverging(name: str) -> bool:
    """Tell whether both halves get darker outwards, and are distinct from each other in half of their range."""
    colors = [tuple(color) for color in mpl.colormaps[name](np.linspace(0, 1, 65))[:, :3]]
    for vision in FREQUENT:
        steps = np.diff(lightness(name, vision))
        if not ((steps[:31] > 0).all() and (steps[33:] < 0).all()):
            return False
        if (
            min(np.linalg.norm(perceived(colors[32 - k], vision) - perceived(colors[32 + k], vision)) for k in (16, 24))
            < DISTINCT
        ):
            return False
    return True


def test_colour_maps_in_use() -> None:
    # The names of colour maps as literals, wherever they stand.
    named = {
        name
        for path in SOURCES
        for name in re.findall(r"\"(\w+)\"", path.read_text(encoding="utf-8"))
        if name in mpl.colormaps
    }
    assert {SEQUENTIAL, DIVERGING} <= named
    assert [name for name in named if not (is_sequential(name) or is_diverging(name))] == []
    assert is_sequential(SEQUENTIAL)
    assert is_diverging(DIVERGING)


@pytest.mark.parametrize("bad", ["jet", "rainbow", "RdYlGn", "RdYlGn_r", "hsv", "gist_rainbow", "tab10"])
def test_bad_colour_maps_are_found(bad: str) -> None:
    assert not is_sequential(bad)
    assert not is_diverging(bad)


def test_plots_use_the_palettes() -> None:
    allowed = {*PETROFF_6, *PETROFF_8, *PETROFF_10, *OTHERS}
    for path in SOURCES:
        for color in re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8")):
            is_grey = len({color[1:3], color[3:5], color[5:7]}) == 1
            assert is_grey or color.lower() in allowed or ">>>" in path.read_text(encoding="utf-8"), f"{path}: {color}"
            assert is_color_like(color)


def test_free_colours_are_those_of_the_palette_for_the_number_of_processes() -> None:
    for palette in (PETROFF_6, PETROFF_8, PETROFF_10):
        assert complete_colors([None] * len(palette)) == list(palette)
    assert complete_colors([None] * 7) == list(PETROFF_8[:7])
    assert complete_colors([None] * 12) == [*PETROFF_10, *PETROFF_10[:2]]


def test_free_colours_are_distinct_from_those_that_are_set() -> None:
    # the shipped colours of three samples, and five without one
    shipped = ["#f89c20", "#5790fc", "#e42536"]
    colors = complete_colors([*shipped, None, None, None, None])
    assert colors[:3] == shipped
    assert min(distance(new, old) for new in colors[3:] for old in shipped) >= DISTINCT
    # No colour appears twice before all of the palette have been used.
    assert len(set(complete_colors([*shipped, *[None] * 7]))) == 10
