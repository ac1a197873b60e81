"""Colours of plots that remain distinct with red-green colour blindness, and a measure of how distinct colours are."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

from pocket.base.typing import Floats

#: colours that CMS recommends for up to six, eight and ten processes (M. Petroff, arXiv:2107.02270)
PETROFF_6 = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd")
PETROFF_8 = ("#1845fb", "#ff5e02", "#c91f16", "#c849a9", "#adad7d", "#86c8dd", "#578dff", "#656364")
PETROFF_10 = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
#: names of the colour maps of quantities from 0 upwards, and of quantities around a centre
SEQUENTIAL, DIVERGING = "cividis_r", "RdBu_r"
#: smallest :func:`distance` of colours that are drawn next to each other
DISTINCT = 8.0

#: Linear RGB as seen without cones for red, for green and for blue: severity 1 of G. M. Machado, M. M. Oliveira and
#: L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291.
VISIONS: Mapping[str, Any] = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
#: The visions of nearly all people: tritanopia is a hundred times rarer than the other two.
FREQUENT = ("normal", "protanopia", "deuteranopia")
# From linear RGB to the responses of cones, and from their cube roots to lightness and two opponent colours: Oklab,
# B. Ottosson, https://bottosson.github.io/posts/oklab (2020).
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def perceived(color: Any, vision: str = "normal") -> Floats:
    """Return a colour as it is seen: lightness from 0 (black) to 100 (white) and two opponent colours, shape (3,).

    Distances of these coordinates, those of Oklab, are perceived differences.
    """
    encoded = np.array(to_rgb(color))
    # The inverse of sRGB's encoding, IEC 61966-2-1.
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISIONS[vision]) @ linear, 0.0, 1.0)
    return np.asarray(100 * (_OKLAB @ np.cbrt(_CONES @ seen)))


@functools.lru_cache(maxsize=1000)
def distance(first: str, second: str, visions: Sequence[str] = FREQUENT) -> float:
    """Return how different two colours are for those who see the least difference; black and white are 100 apart.

    >>> red, green, blue = "#d62728", "#2ca02c", "#1f77b4"
    >>> distance(red, green) < DISTINCT < distance(red, blue)
    True
    """
    return min(float(np.linalg.norm(perceived(first, each) - perceived(second, each))) for each in visions)


def complete_colors(chosen: Sequence[str | None]) -> list[str]:
    """Return the colour of each process: the chosen one, or one of the palette for their number.

    Colours of the palette that are hard to tell from a chosen one are used last.

    >>> complete_colors([None, "#5790fc", None])
    ['#f89c20', '#5790fc', '#e42536']
    """
    palette = next((each for each in (PETROFF_6, PETROFF_8) if len(chosen) <= len(each)), PETROFF_10)
    taken = {color for color in chosen if color is not None}
    unused = [color for color in palette if color not in taken]
    # If there are more processes than colours, the palette starts again.
    free = cycle(sorted(unused, key=lambda color: _is_close(color, taken)) or palette)
    return [color or next(free) for color in chosen]


def _is_close(color: str, others: Collection[str]) -> bool:
    return any(distance(color, other) < DISTINCT for other in others)
