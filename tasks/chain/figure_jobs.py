"""Jobs that draw figures, in a form that travels to worker processes: data that import no law."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.errors import HistogramError
from pocket.executors import Progress
from pocket.histograms.files import list_variables, read_templates
from pocket.plots.files import save_plots
from tasks.core.loaded import AnalysisJob

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis


@dataclass(frozen=True, kw_only=True)
class FigureJob(AnalysisJob):
    """Draws figures of one histogram in one category, with a function ``module:function``.

    It takes the plan of figures, the names of histogram and category, the templates of the histogram, and options.
    """

    variable: str
    category: str
    templates: Path
    folder: Path
    formats: tuple[str, ...]
    function: str
    options: Mapping[str, Any]
    size: int = 1

    def run(self, progress: Progress) -> None:
        analysis, draw = self.load(), pkgutil.resolve_name(self.function)
        given = analysis.config(self.config).figure_plan(), self.variable, self.category
        try:
            plots = draw(*given, read_templates(self.templates, self.variable), **self.all_options(analysis))
            save_plots(plots, self.folder, self.formats)
        except HistogramError as error:
            raise HistogramError(f"histogram {self.variable!r} in category {self.category!r}: {error}") from error
        progress(self.size)

    def all_options(self, analysis: Analysis) -> dict[str, Any]:
        """Return the options of the function, with those that can't travel."""
        return dict(self.options)


def named(jobs: Iterable[FigureJob]) -> dict[str, FigureJob]:
    return {f"{job.variable} in {job.category} ({', '.join(job.formats)})": job for job in jobs}


@dataclass(frozen=True, kw_only=True)
class TemplatePlotJob(FigureJob):
    """Draws plots of templates, compared with those in another folder; a third one has the covariances of both."""

    function: str = "pocket.plots.templates.figures:draw_templates"
    plots: tuple[str, ...]
    before: Path | None
    covariance: Path | None

    def all_options(self, analysis: Analysis) -> dict[str, Any]:
        before, covariance = (
            read_templates(folder, self.variable) if folder and self.variable in list_variables(folder) else None
            for folder in (self.before, self.covariance)
        )
        plots = [analysis.all_plots[name] for name in self.plots]
        given = {"plots": plots, "before": before, "covariance": covariance, "config": analysis.config(self.config)}
        return {**self.options, **given}
