"""The declaration of a plot: the function from templates to a figure, and the name of its files."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.base.arguments import Declarative
from pocket.base.file_names import check_file_name
from pocket.errors import ConfigError

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class TemplatePlot(metaclass=Declarative):
    """A figure that ``PlotTemplates`` draws for each histogram in each category.

    Args:
        name: name of the plot, in error messages and file names.
        draw: function that takes a :class:`pocket.plots.templates.figures.PlotContext` and returns a matplotlib figure
            and the numbers it shows for JSON, or ``None`` if there is nothing to draw. Its code is part of the
            fingerprint. It may be given as ``"module:function"``.
        suffix: end of the file names, ``{histogram}{suffix}.pdf``; ``{before}`` in it stands for the configuration to
            compare with. The default is ``_`` and the name.
        compares: whether it also shows the templates of the configuration to compare with.
        axes: number of axes that it shows at once: 1, for each axis of every histogram, on which the others are summed;
            or 2, for histograms with two axes.

    Raises:
        ConfigError: if ``draw`` isn't a function of one argument, or the name can't be part of a file name.

    Examples:
        >>> def yields(context):
        ...     import matplotlib.pyplot as plt
        ...
        ...     return plt.figure(), {}
        >>> TemplatePlot("yields", draw=yields).stem("m_ll", before="")
        'm_ll_yields'
    """

    name: str
    draw: Callable[[Any], tuple[Any, dict[str, Any]] | None] | str
    suffix: str | None = None
    compares: bool = False
    axes: int = 1

    def __post_init__(self) -> None:
        check_file_name("plot", self.name, "plots")
        if self.axes not in (1, 2):
            raise ConfigError(f"plot {self.name!r}: axes must be 1 or 2, not {self.axes!r}")
        if isinstance(self.draw, str):
            if not _REFERENCE.fullmatch(self.draw):
                raise ConfigError(f"plot {self.name!r}: draw is {self.draw!r}, not a function or 'module:function'")
        elif not callable(self.draw) or len(inspect.signature(self.draw).parameters) != 1:
            raise ConfigError(
                f"plot {self.name!r}: draw must be a function of one argument, the context, not {self.draw!r}"
            )

    def stem(self, histogram: str, before: str) -> str:
        """Return the stem of the plot's file names.

        Example:
            >>> TemplatePlot("purity", "my.plots:purity").stem("mll", "nominal")
            'mll_purity'
        """
        suffix = f"_{self.name}" if self.suffix is None else self.suffix
        return f"{histogram}{suffix.replace('{before}', before)}"


#: plots of every analysis: data over stacked simulation, both before and after scale factors, and maps of two axes
SHIPPED = (
    TemplatePlot("data_mc", "pocket.plots.templates.stack:draw", suffix=""),
    TemplatePlot("before_after", "pocket.plots.templates.before_after:draw", suffix="_vs_{before}", compares=True),
    TemplatePlot("map", "pocket.plots.templates.maps:draw", axes=2),
    TemplatePlot("map_processes", "pocket.plots.templates.maps:draw_processes", axes=2),
)

#: shapes of the processes and of data, which are drawn where they are asked for
DENSITY = TemplatePlot("density", "pocket.plots.templates.shapes:draw")
#: the same with the file names of ``PlotShapes``
SHAPES = TemplatePlot("shapes", "pocket.plots.templates.shapes:draw", suffix="")


def all_plots(own: Sequence[TemplatePlot | Callable[[Any], Any]], where: str) -> dict[str, TemplatePlot]:
    """Return name → plot, for the shipped plots, :data:`DENSITY` and those of an analysis."""
    plots = [*SHIPPED, DENSITY]
    for each in own:
        if not isinstance(each, TemplatePlot) and not inspect.isfunction(each):
            raise ConfigError(f"plots of {where} has {each!r}, expected a function or a TemplatePlot")
        plots.append(each if isinstance(each, TemplatePlot) else TemplatePlot(each.__name__, each))
    for key in ("name", "stem"):
        seen: set[str] = set()
        for plot in plots:
            value = plot.name if key == "name" else plot.stem("", "{before}")
            if value in seen:
                raise ConfigError(
                    f"plots of {where}: there are two with the {'name' if key == 'name' else 'files'} of {plot.name!r}"
                )
            seen.add(value)
    return {plot.name: plot for plot in plots}
