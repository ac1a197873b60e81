"""Figures in CMS style, their label and their files, shared by all plots.

Figures are plain :class:`matplotlib.figure.Figure` objects on an Agg canvas, so no pyplot state is touched and nothing
has to be closed. Styles are set while drawing only, see :func:`cms_style`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from pocket.plots.quick_drawing import QuickFigure, shared_formulas, without_collections
from pocket.plots.style import PlotStyle

RC = {
    **mplhep.style.CMS,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": True,
    "axes.formatter.limits": (-4, 5),
    "hatch.linewidth": 1.0,
    # The ids of elements in SVG files are random otherwise.
    "svg.hashsalt": "pocketlaw",
}
#: metadata that would make two files of the same figure differ
UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
#: options of a format: higher levels of compression take much longer and save little space
ENCODING: Mapping[str, Mapping[str, Any]] = {"png": {"pil_kwargs": {"compress_level": 1}}}

#: space between the texts above axes, in widths of the axes
GAP = 0.05
#: factor of their size below which they are broken into two lines, and that of two lines that are as high as "CMS"
SMALL, TWO_LINES = 0.7, 0.62


@contextmanager
def cms_style(font_size: float = 26.0) -> Iterator[None]:
    """Use the CMS style within the block, and restore the global settings afterwards."""
    with mpl.rc_context({**RC, "font.size": font_size}), shared_formulas(), without_collections():
        yield


def new_figure(width: float, height: float, dpi: int) -> Figure:
    """Return an empty figure of a size in inches, which isn't registered with pyplot."""
    figure = QuickFigure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, stem: Path | str, formats: Sequence[str]) -> list[Path]:
    """Write ``{stem}.{format}`` for each format, and return the files; equal figures give equal bytes."""
    paths = [Path(f"{stem}.{extension}") for extension in formats]
    with cms_style():
        for path, extension in zip(paths, formats, strict=True):
            figure.savefig(path, format=extension, metadata=UNDATED[extension], **ENCODING.get(extension, {}))
    return paths


@dataclass(frozen=True)
class Period:
    """Description of data above a plot: luminosity in 1/pb, period and √s in TeV, several ones of years that differ.

    A luminosity or energy of ``None`` is unknown.
    """

    lumi: float | None
    year: str
    com: float | Sequence[float] | None

    @property
    def text(self) -> str:
        r"""Luminosity, year and energy in CMS notation, leaving out unknown ones.

        >>> Period(59830.0, "2018", 13).text
        '59.8 $\\mathrm{fb^{-1}}$, 2018 (13 TeV)'
        >>> Period(None, "2018+2024", (13, 13.6)).text
        '2018+2024 (13 and 13.6 TeV)'
        """
        energies = () if self.com is None else self.com if isinstance(self.com, Sequence) else (self.com,)
        energy = f" ({' and '.join(f'{each:g}' for each in energies)} TeV)" if energies else ""
        if self.lumi is None:
            return f"{self.year}{energy}"
        value, unit = (self.lumi / 1000, "fb") if self.lumi >= 1000 else (self.lumi, "pb")
        digits = 0 if value >= 100 else 1
        number = f"{value:.{digits}f}" if value >= 1 else f"{value:.2g}"
        return f"{number.removesuffix('.0')} $\\mathrm{{{unit}^{{-1}}}}$, {self.year}{energy}"


@dataclass(frozen=True)
class Box:
    """An occupied region of axes that reaches up to the top, in fractions of their width and height."""

    left: float
    right: float
    bottom: float

    @classmethod
    def of(cls, artist: Artist, ax: Axes) -> Box:
        """Return the region of ``ax`` that ``artist`` occupies."""
        extent = artist.get_window_extent().transformed(ax.transAxes.inverted())
        return cls(extent.x0, extent.x1, extent.y0)


def cms_label(ax: Axes, text: str, *, data: bool, period: Period) -> None:
    """Write "CMS", ``text`` and the luminosity above ``ax``, with "Simulation" before the text if there are no data.

    The axes are hidden while this runs: mplhep renders the figure once to measure the label, which needs none of them.
    """
    figure = ax.get_figure(root=True)
    shown = [axes for axes in (figure.axes if figure else ()) if axes.get_visible()]
    for axes in shown:
        axes.set_visible(False)
    # With scilocator_adjust, mplhep would look for the current axes of pyplot.
    _, left, right, _ = mplhep.cms.label(text, data=data, rlabel=period.text, ax=ax, scilocator_adjust=False)
    for axes in shown:
        axes.set_visible(True)
    _fit(left, right, ax)


def _fit(left: Text, right: Text, ax: Axes) -> None:
    """Shrink two texts above ``ax`` to what leaves a gap between them, and break them if they became too small."""

    def share() -> float:
        boxes = Box.of(left, ax), Box.of(right, ax)
        return min(1.0, max(0.05, 1 - boxes[0].left - GAP) / sum(box.right - box.left for box in boxes))

    factor = share()
    if factor < SMALL:
        whole = left.get_text(), right.get_text()
        for artist in (left, right):
            artist.set_text(_in_two_lines(artist.get_text()))
        if (broken := min(share(), TWO_LINES)) > factor:
            factor = broken
            for artist in (left, right):
                artist.set(verticalalignment="bottom", linespacing=1.0)
        else:
            left.set_text(whole[0])
            right.set_text(whole[1])
    # The width isn't quite proportional to the size, so further steps do the rest.
    for _ in range(3):
        for artist in (left, right):
            artist.set_fontsize(float(artist.get_fontsize()) * factor)
        factor = share()


def _in_two_lines(text: str) -> str:
    """Return a text that is broken at the space that is nearest to its middle, as it is if it has none.

    >>> _in_two_lines("Private work in progress"), _in_two_lines("Preliminary")
    ('Private work\\nin progress', 'Preliminary')
    """
    spaces = [number for number, letter in enumerate(text) if letter == " "]
    middle = min(spaces, key=lambda number: abs(number - len(text) / 2), default=None)
    return text if middle is None else f"{text[:middle]}\n{text[middle + 1 :]}"


def new_page(
    size: tuple[float, float], span: Mapping[str, float], style: PlotStyle, *, period: Period, data: bool = True
) -> Figure:
    """Return a figure of a size in inches for panels in ``span``, in fractions of it, with one CMS label."""
    figure = new_figure(*size, style.dpi)
    frame = figure.add_subplot(figure.add_gridspec(1, 1, **span)[0])
    frame.set_axis_off()
    cms_label(frame, style.label, data=data, period=period)
    return figure
