"""Quicker drawing with matplotlib: minor ticks at once, copied major ticks, formulas laid out once, garbage kept.

Pictures are the same as without.
"""

from __future__ import annotations

import copy
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Tick, XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import NullLocator

from pocket.errors import ConfigError


def _at_least(ticks: list[Tick], number: int) -> list[Tick]:
    """Return the first ticks of a list, which is filled up with copies of the first one."""
    # matplotlib makes each tick from the settings, and then gives it the look of the first one.
    while len(ticks) < number:
        ticks.append(copy.copy(ticks[0]))
        for part in ("tick1line", "tick2line", "gridline", "label1", "label2"):
            setattr(ticks[-1], part, copy.copy(getattr(ticks[0], part)))
    return ticks[:number]


#: part of an axis by which a tick may lie outside and still is drawn, as matplotlib has it
_TOLERANCE = 1e-10


class _QuickTicks:
    """An axis that draws its minor ticks as markers of one line, and whose other ticks are copies of the first one."""

    _has_drawn_minor = False

    def get_major_ticks(self: Any, numticks: int | None = None) -> list[Tick]:
        """Return the major ticks."""
        return _at_least(self.majorTicks, len(self.get_majorticklocs()) if numticks is None else numticks)

    def get_minor_ticks(self: Any, numticks: int | None = None) -> list[Tick]:
        """Return the minor ticks, none if they are drawn already."""
        if self._has_drawn_minor:
            return []
        return _at_least(self.minorTicks, len(self.get_minorticklocs()) if numticks is None else numticks)

    def draw(self: Any, renderer: Any) -> None:
        """Draw the axis."""
        self._has_drawn_minor = self.get_visible() and self._draw_minor_ticks(renderer)
        try:
            super().draw(renderer)  # type: ignore[misc]
        finally:
            self._has_drawn_minor = False

    def _draw_minor_ticks(self: Any, renderer: Any) -> bool:
        """Draw all minor ticks; draw nothing and return False if these have labels, gridlines or looks of their own."""
        if len(self.minorTicks) > 1 or isinstance(self.get_minor_locator(), NullLocator):
            return False
        (tick,) = self.get_minor_ticks(1)
        places = np.asarray(self.get_minorticklocs(), dtype=float)
        if tick.gridline.get_visible() or any(self.get_minor_formatter().format_ticks(places)):
            return False
        low, high = sorted(self.get_transform().transform(self.get_view_interval()))
        margin = (high - low) * _TOLERANCE
        moved = self.get_transform().transform(places)
        shown = places[(moved >= low - margin) & (moved <= high + margin)]
        for first in (tick.tick1line, tick.tick2line):
            if first.get_visible():
                line = copy.copy(first)
                across = np.full(shown.shape, first.get_data()[self._side][0])
                line.set_data((shown, across) if self._side else (across, shown))
                line.draw(renderer)
        return True


class _QuickX(_QuickTicks, XAxis):
    _side = 1


class _QuickY(_QuickTicks, YAxis):
    _side = 0


class _QuickAxes(Axes):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Spines refer to both axes already, so these are not replaced.
        self.xaxis.__class__, self.yaxis.__class__ = _QuickX, _QuickY


class QuickFigure(Figure):
    """A figure whose axes make their ticks quickly."""

    def add_axes(self, *args: Any, **options: Any) -> Any:
        """Add axes, see :meth:`matplotlib.figure.Figure.add_axes`."""
        return super().add_axes(*args, **_quick(options))

    def add_subplot(self, *args: Any, **options: Any) -> Any:
        """Add axes, see :meth:`matplotlib.figure.Figure.add_subplot`."""
        return super().add_subplot(*args, **_quick(options))


def _quick(options: dict[str, Any]) -> dict[str, Any]:
    return options if {"projection", "polar"} & set(options) else {"axes_class": _QuickAxes, **options}


@contextmanager
def shared_formulas() -> Iterator[None]:
    """Lay out each formula only once within all such blocks, for which each figure and format would do it again."""
    parsers: Any = MathTextParser
    before = parsers.parse
    parsers.parse = _parse
    try:
        yield
    finally:
        parsers.parse = before


@contextmanager
def without_collections() -> Iterator[None]:
    """Collect no garbage in the block: a figure has many objects, which the collector would visit again and again."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _parse(parser: Any, s: str, dpi: float = 72, prop: Any = None, *, antialiased: bool | None = None) -> Any:
    parameters: Any = mpl.rcParams
    settings = tuple(str(parameters[name]) for name in _SETTINGS)
    # Font properties may be changed later, and fonts belong to a thread.
    prop = None if prop is None else prop.copy()
    key = parser._output_type, s, dpi, prop, antialiased, settings, threading.get_ident()
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        try:
            _known[key] = _lay_out(parser, s, dpi, prop, antialiased=antialiased)
        except ValueError as error:
            # matplotlib's message has a picture of the place, and the reason in its last line.
            reason = str(error).splitlines()[-1].partition(": ")[2].partition("  (at char")[0]
            raise ConfigError(f"matplotlib can't draw the text '{s}' of a plot: {reason or error}") from error
    return _known[key]


#: the settings that decide the look of formulas
_SETTINGS = tuple(name for name in mpl.rcParams if name.startswith(("font.", "mathtext.", "text.")))
_lay_out: Any = MathTextParser.parse
#: all that decides the look of a formula → its layout
_known: dict[tuple[Any, ...], Any] = {}
_MOST_KNOWN = 1000
