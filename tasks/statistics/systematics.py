"""Plots of systematic uncertainties, of a configuration or as a statistical model treats them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.executors.base import Progress
from pocket.io.store import write_output
from pocket.plots.files import save_plots
from tasks.chain.figures import check_style_in
from tasks.chain.systematics import PlotsFromTemplates
from tasks.chain.validation import ClosureGate
from tasks.core.names import choose
from tasks.framework.base import input_ids, load
from tasks.framework.executors import run_jobs
from tasks.settings.options import option
from tasks.statistics.datacards import ProduceDatacards

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.plots.canvas import Period
    from pocket.plots.style import PlotStyle
    from pocket.statistics import RegionModel, StatisticalModel
    from pocket.statistics.shifts import Shift


class PlotSystematics(PlotsFromTemplates, ClosureGate):
    """Draws the shift of each systematic source, or nuisance of a model, and their ranking by yield and by shape.

    Examples:
        law run PlotSystematics --version v1 --variables mll
        law run PlotSystematics --version v1 --model z_xsec --sources "CMS_*"
    """

    sources = option(
        "systematic sources to draw, without Up and Down, or nuisances of --model; the ranking always has all",
        (),
        "all",
    )
    model = option(
        "statistical model whose nuisances are drawn, before and after the treatment, instead of a configuration",
        law.NO_STR,
    )
    regions = option("regions of --model to draw", (), "all")
    processes = option("processes of --model to draw separately, too", (), "none, only their sum")

    module = "pocket.plots.systematics"
    function = "pocket.plots.systematics:draw_systematics"

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        from pocket.configuration.stored_variations import stored_sources

        has_model = params["model"] != law.NO_STR
        for name in ("variables", "categories") if has_model else ("regions", "processes"):
            if params[name]:
                reason = "with --model: choose --regions" if has_model else "without --model"
                raise ConfigError(f"--{name} has no effect {reason}")
        if not has_model:
            params = super().modify_param_values(params)
            known = stored_sources(load(params).config(params["config"]))
            if known is not None:
                params["sources"] = choose("source", params["sources"], known, f"configuration {params['config']!r}")
            return params
        parts, where = load(params).parts_of(params["model"]).values(), f"model {params['model']!r}"
        params = super().modify_param_values({**params, "config": next(iter(parts)).configs[0]})
        known_regions = [name for part in parts for name in part.regions]
        known_processes = dict.fromkeys(name for part in parts for name in part.processes)
        params["regions"] = choose("region", params["regions"], known_regions, where)
        params["processes"] = choose("process", params["processes"], known_processes, where)
        check_style_in(load(params), load(params).config(params["config"]))
        return params

    @cached_property
    def parts(self) -> dict[str, StatisticalModel]:
        """The declared models by name, none for a configuration."""
        return {} if self.model == law.NO_STR else self.analysis_inst.parts_of(str(self.model))

    @property
    def config_part(self) -> str:
        return str(self.config) if self.model == law.NO_STR else str(self.model)

    @property
    def drawn_config(self) -> str:
        return str(self.config)

    def requires(self) -> Any:
        return super().requires() if self.model == law.NO_STR else ProduceDatacards.req(self)

    def input_ids(self) -> dict[str, str] | None:
        return super().input_ids() if self.model == law.NO_STR else input_ids({"model": self.requires().output()})

    def drawing_spec(self) -> Any:
        return tuple(self.sources)

    def fingerprint_spec(self) -> Any:
        if not self.parts:
            return super().fingerprint_spec()
        return {
            "model": self.requires().fingerprint,
            "drawn": (self.sources, self.regions, self.processes),
            "periods": {name: periods_of(self.analysis_inst, part) for name, part in self.parts.items()},
            "style": self.figure_plan.spec()["style"],
            "axes": {name: axes_of(self.analysis_inst, part) for name, part in self.parts.items()},
            "code": code_closure("pocket.plots.fits.treatment"),
        }

    def options_in(self, category: str) -> dict[str, Any]:
        return {"sources": tuple(self.sources)}

    def make(self) -> None:
        if not self.parts:
            super().make()
            return
        formats = self.formats_to_write()
        with write_output(**self.write_info(), formats=formats) as folder:
            jobs = [job for name in self.parts for job in self.region_jobs(folder, name)]
            known = dict.fromkeys(nuisance for job in jobs for nuisance in job.shifts[""])
            sources = choose("nuisance", self.sources, known, f"templates of model {self.model!r}")
            chosen = {str(job.folder.relative_to(folder)): replace(job, sources=sources) for job in jobs}
            run_jobs(chosen, self.cores, self.progress_label, "regions")

    def region_jobs(self, folder: Path, name: str) -> Iterator[TreatmentPlotJob]:
        """Yield the jobs that draw the regions of a declared model into a folder."""
        from pocket.plots.fits.results import with_processes
        from pocket.plots.style import PlotStyle
        from pocket.plots.templates.figures import period_from
        from pocket.statistics import build_model
        from pocket.statistics.shifts import find_shifts

        declaration = self.parts[name]
        merged = ProduceDatacards.req(self, model=name).templates
        built, axes = build_model(declaration, merged), axes_of(self.analysis_inst, declaration)
        periods, names = periods_of(self.analysis_inst, declaration), names_of(self.analysis_inst, declaration)
        style = PlotStyle.from_parameters(self.figure_plan.style)
        style = with_processes(style, {}, histograms_of(declaration))
        for region in declaration.regions:
            if self.regions and region not in self.regions:
                continue
            made, stored = built.model.region(region), merged[region]
            alone = [process for process in self.processes if process in made.processes]
            shifts = {
                process: find_shifts(declaration, built, region, stored, [process] if process else [])
                for process in ("", *alone)
            }
            look = style, period_from(periods[region]), axes[region], names.get(region, ())
            yield TreatmentPlotJob(shifts, made, *look, folder / region, self.formats_to_write())


@dataclass(frozen=True)
class TreatmentPlotJob:
    """Draws the nuisances of a region: ``""`` or a process → nuisance → templates; without sources, all of them."""

    shifts: Mapping[str, Mapping[str, Shift]]
    region: RegionModel
    style: PlotStyle
    period: Period
    axis: str
    names: tuple[str, ...]
    folder: Path
    formats: tuple[str, ...]
    sources: tuple[str, ...] = ()
    size: int = 1

    def run(self, progress: Progress) -> None:
        from pocket.plots.fits.treatment import draw_treatment

        chosen = {
            process: {name: shift for name, shift in found.items() if not self.sources or name in self.sources}
            for process, found in self.shifts.items()
        }
        plots = draw_treatment(chosen, self.region, self.style, self.period, self.axis, self.names)
        save_plots(plots, self.folder, self.formats)
        progress(self.size)


def axes_of(analysis: Analysis, declaration: StatisticalModel) -> dict[str, str]:
    """Return region → label of its axis, empty if its histogram has several."""
    found = {}
    for name, region in declaration.regions.items():
        axes = analysis.config(region.config).variables[region.variable].axes
        # A region that is only counted may sum a histogram of several axes.
        found[name] = axes[0].label or axes[0].name if len(axes) == 1 else ""
    return found


def names_of(analysis: Analysis, declaration: StatisticalModel) -> dict[str, tuple[str, ...]]:
    """Return region → names of its bins, if these are the categories or the few integers of its histogram."""
    from pocket.histograms.axes import build_axis
    from pocket.plots.axes import Binning

    found = {}
    for name, region in declaration.regions.items():
        axes = analysis.config(region.config).variables[region.variable].axes
        if region.is_counting or region.edges is not None or len(axes) > 1:
            continue
        if names := Binning.from_axis(build_axis(axes[0])).names:
            more = f"≥ {names[-1]}" if axes[0].type == "integer" else f"{names[-1]}, other"
            is_more = region.flow == "fold" and axes[0].overflow
            found[name] = (*names[:-1], more if is_more else names[-1])
    return found


def periods_of(analysis: Analysis, declaration: StatisticalModel) -> dict[str, Any]:
    """Return region → its years, luminosities and energies, as :meth:`pocket.plan.figures.FigurePlan.period`."""
    plans = {name: analysis.config(region.config).figure_plan() for name, region in declaration.regions.items()}
    return {name: plans[name].period(region.years) for name, region in declaration.regions.items()}


def histograms_of(declaration: StatisticalModel) -> dict[str, str]:
    """Return region with bins → its histogram."""
    return {name: one.variable for name, one in declaration.regions.items() if not one.is_counting}
