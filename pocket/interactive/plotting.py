"""Plots of results and templates, as ``PlotTemplates`` draws them, to look at and to save."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.configuration.configurator import Configurator
from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.histograms.sample_axis import SAMPLES, split_samples
from pocket.interactive.result import Result
from pocket.interactive.templates import Templates
from pocket.plan.plot import DENSITY, SHIPPED, TemplatePlot
from pocket.plots.canvas import UNDATED, cms_style
from pocket.plots.specification import names_of_plot
from pocket.plots.templates.figures import draw_templates

if TYPE_CHECKING:
    from hist import Hist

_SHIPPED = {each.name: each for each in (*SHIPPED, DENSITY)}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A plot, which notebooks show.

    Args:
        figure: the figure of matplotlib.
        numbers: what it shows, as ``PlotTemplates`` writes it to JSON.

    Example:
        >>> drawing = Drawing(Figure(), {})
        >>> drawing
        Drawing: .save('drawing.pdf') writes it
        >>> drawing.save("empty.png")
        PosixPath('empty.png')
    """

    figure: Figure
    numbers: dict[str, Any]

    def __repr__(self) -> str:
        """Return what is drawn, and how to write it."""
        name, category = (self.numbers.get(key) for key in ("histogram", "category"))
        drawn = f"Drawing of {name!r} in {category!r}" if name and category else "Drawing"
        return f"{drawn}: .save('{name or 'drawing'}.pdf') writes it"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure to a file, and return its path.

        Args:
            path: the file, whose name ends in ``.pdf``, ``.png`` or ``.svg``.

        Raises:
            UnknownNameError: if its name ends in anything else.
        """
        path = Path(path).expanduser()
        kind = path.suffix.removeprefix(".")
        if kind not in UNDATED:
            raise UnknownNameError("format", kind, UNDATED, f"the name of {path}")
        path.write_bytes(self._content(kind))
        return path

    def _content(self, kind: str, dpi: float | None = None) -> bytes:
        content = io.BytesIO()
        options: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
        # The style decides fonts also when a figure is rendered.
        with cms_style():
            self.figure.savefig(content, format=kind, metadata=UNDATED[kind], **options)
        return content.getvalue()

    def _repr_png_(self) -> bytes:
        """Return the picture for notebooks, 600 pixels wide or so."""
        return self._content("png", dpi=50)


def plot(
    source: Result | Mapping[str, Hist[Any]],
    histogram: str,
    category: str,
    *,
    config: Configurator | None = None,
    axis: str | None = None,
    before: Result | Mapping[str, Hist[Any]] | None = None,
    kind: str | TemplatePlot | Callable[[Any], Any] | None = None,
) -> Drawing:
    """Draw a histogram in a category, in the style of the configuration.

    Args:
        source: result of :func:`pocket.process`, templates of :func:`pocket.read_templates`, or name → histogram with
            their axes, which may have other bins.
        histogram: name of the histogram.
        category: the category.
        config: the configuration; needed unless the source is a result.
        axis: the axis to project a histogram with several axes on.
        before: result or templates to compare with, as before and after.
        kind: ``data_mc``, data over stacked simulation; ``before_after``, the default with ``before``; ``density``,
            shapes of the same area; ``map`` or ``map_processes`` of a histogram with two axes; or a plot of your own,
            see :class:`pocket.TemplatePlot`.

    Raises:
        UnknownNameError: if a name is unknown.
        ConfigError: if the configuration or the axis is missing, or there is nothing to draw.

    Example:
        >>> from pocket import load_analysis, process
        >>> config = load_analysis("zmumu").config("real_samples")
        >>> result = process(config, {"DYJetsToLL_2018": "nano_dy.root"})
        >>> plot(result, "mll", "baseline").save("mll.png")
        PosixPath('mll.png')
    """
    if config is None:
        if not isinstance(source, Result):
            raise ConfigError("plot needs config=, the configuration of the templates, for their samples and style")
        config = source.config
    check_known("histogram", [histogram], config.variables, "the configuration")
    check_known("category", [category], config.categories.names, "the configuration")
    chosen = _plot_of(kind or ("data_mc" if before is None else "before_after"))
    templates = _per_sample(source, histogram, config)
    compared = None if before is None else _per_sample(before, histogram, config)
    given = config.figure_plan(), histogram, category, templates, compared, "before"
    drawn = {
        stem: Drawing(figure, numbers)
        for stem, figure, numbers in draw_templates(*given, plots=[chosen], config=config)
    }
    stems = [chosen.stem(name, "before") for name in names_of_plot(config.variables, histogram, chosen)]
    axes = [each.name for each in config.variables[histogram].axes]
    if not stems:
        raise ConfigError(f"plot {chosen.name!r} shows two axes, and histogram {histogram!r} has {len(axes)}")
    if axis is not None:
        check_known("axis", [axis], axes, f"histogram {histogram!r}")
    elif len(stems) > 1:
        raise ConfigError(
            f"histogram {histogram!r} has several axes: give axis=, one of {', '.join(axes)}"
            + (", or kind='map'" if len(axes) == 2 else "")
        )
    stem = stems[axes.index(axis or axes[0])] if len(stems) > 1 else stems[0]
    if stem not in drawn:
        if chosen in _SHIPPED.values() and not any(config.samples[name.partition(SUBSAMPLE)[0]] for name in templates):
            raise ConfigError(
                f"plot {chosen.name!r} needs simulation, and {histogram!r} has only data: process files of both"
            )
        raise ConfigError(f"plot {chosen.name!r} of {histogram!r} in {category!r} has nothing to draw")
    return drawn[stem]


def _plot_of(kind: str | TemplatePlot | Callable[[Any], Any]) -> TemplatePlot:
    if isinstance(kind, TemplatePlot):
        return kind
    if not isinstance(kind, str):
        return TemplatePlot(getattr(kind, "__name__", "plot"), kind)
    check_known("plot", [kind], _SHIPPED, "kind")
    return _SHIPPED[kind]


def _per_sample(source: Result | Mapping[str, Hist[Any]], histogram: str, config: Configurator) -> dict[str, Hist[Any]]:
    """Return copies of the histograms by sample; plots change the labels of axes."""
    templates = source.histograms if isinstance(source, Result) else source
    if isinstance(templates, Templates):
        found = templates.per_sample(histogram)
    else:
        check_known("histogram", [histogram], templates, "the templates")
        joined = templates[histogram]
        if SAMPLES not in joined.axes.name:
            raise ConfigError(f"histogram {histogram!r} has no axis {SAMPLES!r}: keep it when you change the histogram")
        data = [name for sample, is_mc in config.samples.items() if not is_mc for name in config.stored_samples(sample)]
        found = split_samples(joined, without_variations=data)
    stored = [name for sample in config.samples for name in config.stored_samples(sample)]
    check_known("sample", found, stored, "the configuration")
    return {sample: each.copy() for sample, each in found.items()}
