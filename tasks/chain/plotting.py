"""Plots of templates, of the cutflow and of scale factors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure, digest
from pocket.errors import ConfigError, ScaleFactorError
from pocket.histograms.contents import checksum_in_category, read_contents
from pocket.histograms.files import read_sums
from pocket.io.store import Manifest, read_manifest, write_output
from pocket.parameters.used_files import recording_files
from pocket.plan.plot import DENSITY
from pocket.plots.files import save_plots
from tasks.chain.blinding import BlindTask
from tasks.chain.figure_jobs import TemplatePlotJob, named
from tasks.chain.figures import (
    Drawn,
    FormatsTask,
    FromTemplates,
    choose_shown,
    figures_of,
    filled,
    find_figures,
    intact_figures,
    lacking_figures,
    outputs_beside,
)
from tasks.chain.merging import MergeOutputs
from tasks.chain.results import describe_yields
from tasks.chain.scale_factors import RESULT, ComputeScaleFactors, ScaleFactorTask
from tasks.chain.validation import UNTESTED, ClosureGate, ValidateScaleFactors
from tasks.core.console import counted
from tasks.core.names import read_inputs
from tasks.framework.base import input_ids, load
from tasks.framework.executors import run_jobs
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.plots.templates.figures import Plot

#: Histograms that a process draws until another one has imported and loaded all that it needs to draw.
_DRAWN_UNTIL_STARTED = 4


class PlotTemplates(FormatsTask, ClosureGate, BlindTask):
    """Draws data over stacked simulation, before and after scale factors, maps of two axes, and an analysis' plots.

    There is one output for all variables and categories, to which figures are added when they are asked for.

    Examples:
        law run PlotTemplates --version v1
        law run PlotTemplates --version v1 --variables "m*" --formats png --density
        law run PlotTemplates --version v1 --config nominal --print-status -1
    """

    variables = option("histograms to draw, with patterns such as m*", (), "all")
    categories = option("categories to draw, with patterns", (), "all")
    compare = option("configuration to draw as before, none for no comparison", law.NO_STR, "as the analysis declares")
    density = option(
        "also draw the shapes of data and of each process, scaled to the same area and divided by the width of bins",
        False,
    )

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = choose_shown(super().modify_param_values(params))
        analysis = load(params)
        if params["compare"] == law.NO_STR:
            params["compare"] = analysis.comparison(params["config"]).before or "none"
        if params["compare"] != "none":
            analysis.config(params["compare"])
        return params

    @property
    def covariance_config(self) -> str:
        """The configuration that gives the covariance of the comparison, if the analysis has one."""
        declared = self.analysis_inst.comparison(self.config)
        return declared.covariance_config if declared.before == self.compare else ""

    def requires(self) -> dict[str, Any]:
        """Return the templates of the configuration and of its comparison, and their upstream closures."""
        compared = [] if self.compare == "none" else [self.compare]
        configs = [self.config, *compared, *([self.covariance_config] if self.covariance_config else [])]
        return {
            "templates": {config: MergeOutputs.req(self, config=config) for config in configs},
            "closures": self.closures(configs),
        }

    def fingerprint_spec(self) -> Any:
        from pocket.plots.specification import plot_specs

        return {
            "templates": {name: task.fingerprint for name, task in self.requires()["templates"].items()},
            "compare": self.compare,
            "figures": self.figure_specs,
            "code": code_closure("pocket.plots.templates.figures"),
            "plots": plot_specs(self.analysis_inst.all_plots),
        }

    @cached_property
    def figure_specs(self) -> dict[tuple[str, str], Any]:
        """Category and variable → everything that determines how the figure is drawn, of all that may be asked for."""
        from pocket.plots.specification import figure_specs

        return figure_specs(self.figure_plan, filled(self.config_inst), self.hidden_categories)

    @cached_property
    def wanted(self) -> list[tuple[str, str, str]]:
        """Category, variable and plot of the figures to draw; plots that compare need something to compare with."""
        from pocket.plots.specification import names_of_plot

        config = self.config_inst
        plots = {
            name: plot
            for name, plot in self.analysis_inst.all_plots.items()
            if (self.compare != "none" or not plot.compares) and (self.density or plot is not DENSITY)
        }
        return [
            (category, variable, name)
            for category, variable in filled(config, self.categories, self.variables)
            for name, plot in plots.items()
            if names_of_plot(config.variables, variable, plot)
        ]

    def describe_work(self) -> str:
        return counted(len({variable for _, variable, _ in self.wanted}), "variable")

    def describe_results(self) -> list[tuple[str, str]]:
        """Return the yields of the first variable, in the first category that has it."""
        for category, variable, _ in self.wanted:
            if rows := describe_yields(self.directory / category, variable, self.compare):
                return rows
        return []

    def drawn_files(self, manifest: Manifest) -> Iterable[str]:
        """Return the files of the figures that were asked for: an output keeps those of other commands."""
        wanted = set(map("/".join, self.wanted))
        figures = dict(figures_of(Path(), manifest)).items()
        return [str(path) for name, drawn in figures if name in wanted for path in chain(*drawn.files.values())]

    def lacks(self, manifest: Manifest) -> str:
        return lacking_figures(manifest, map("/".join, self.wanted), self.wanted_formats)

    def input_ids(self) -> dict[str, str] | None:
        required = self.requires()
        closures = {f"closure {name}": task.output() for name, task in required["closures"].items()}
        return input_ids(
            {**{f"templates {name}": task.output() for name, task in required["templates"].items()}, **closures}
        )

    def make(self) -> None:
        """Draw the missing plots, with one job per variable and category."""
        from pocket.plots.specification import names_of_plot

        plots = self.analysis_inst.all_plots
        folders = {name: task.directory for name, task in self.requires()["templates"].items()}
        if (output := self.output()).manifest is not None:
            # Figures are added to those that the remote store has.
            output.fetch()
        before = read_manifest(self.directory)
        ids = self.figure_ids(folders, self.wanted)
        found = find_figures(outputs_beside(self.directory), set(ids.values()))
        drawn = {name: found.get(identity, Drawn(identity)) for name, identity in ids.items()}
        missing: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for (category, variable, plot), figure in drawn.items():
            if formats := tuple(name for name in self.wanted_formats if name not in figure.files):
                missing.setdefault((category, variable, formats), []).append(plot)
        figures: dict[str, Any] = {}
        hidden = self.hidden_categories
        with (
            write_output(**self.write_info(), figures=figures, **self.reason) as folder,
            TemporaryDirectory(dir=folder) as new,
        ):
            jobs = [
                TemplatePlotJob(
                    **self.of_jobs,
                    variable=variable,
                    category=category,
                    plots=tuple(names),
                    templates=folders[self.config],
                    before=folders.get(self.compare),
                    covariance=folders.get(self.covariance_config),
                    folder=Path(new, f"{number}"),
                    formats=formats,
                    options={"before_name": self.compare, "blind": category in hidden},
                )
                for number, ((category, variable, formats), names) in enumerate(missing.items())
            ]
            if jobs:
                label = self.progress_label, "histograms"
                run_jobs(named(jobs), self.cores, *label, done_until_started=_DRAWN_UNTIL_STARTED)
            for job in jobs:
                for plot in job.plots:
                    names = names_of_plot(self.config_inst.variables, job.variable, plots[plot])
                    stems = {plots[plot].stem(name, self.compare) for name in names}
                    files = sorted(path for path in job.folder.iterdir() if path.stem in stems)
                    drawn[job.category, job.variable, plot].add(files, job.formats)
            self.keep(drawn, read_manifest(self.directory) or before, folders)
            for key, figure in drawn.items():
                figures["/".join(key)] = figure.copied(folder / key[0])

    def keep(
        self, drawn: dict[tuple[str, str, str], Drawn], manifest: Manifest | None, folders: Mapping[str, Path]
    ) -> None:
        """Add other figures of the current output that are still right; another process may have written it by now."""
        kept: dict[tuple[str, str, str], Drawn] = {}
        for name, figure in intact_figures(self.directory, manifest):
            category, variable, plot = name.split("/")
            kept[category, variable, plot] = figure
        if manifest is not None and manifest.inputs != self.input_ids():
            ids = self.figure_ids(folders, kept)
            kept = {key: figure for key, figure in kept.items() if figure.id == ids[key]}
        for key, figure in kept.items():
            there = drawn.setdefault(key, figure)
            if there.id == figure.id:
                there.files = {**figure.files, **there.files}

    def figure_ids(
        self, folders: Mapping[str, Path], figures: Iterable[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], str]:
        """Return category, variable and plot → hash of all that determines the figure, with the templates' contents."""
        from pocket.plots.specification import plot_specs

        figures = list(figures)
        variables = {variable for _, variable, _ in figures}
        contents = {name: read_contents(folder, variables) for name, folder in folders.items()}
        plots, specs = self.analysis_inst.all_plots, plot_specs(self.analysis_inst.all_plots)
        # Versions don't decide where the output is, but pictures of two of them may look different side by side.
        common = code_closure("pocket.plots.templates.figures"), [version(name) for name in ("matplotlib", "mplhep")]

        def checksum(name: str, variable: str, category: str) -> str | None:
            return checksum_in_category(contents[name], variable, category) if name in contents else None

        ids = {}
        for category, variable, name in figures:
            compares = plots[name].compares
            shown = (self.config, self.compare, self.covariance_config) if compares else (self.config,)
            ids[category, variable, name] = digest(
                {
                    "spec": self.figure_specs[category, variable],
                    "figure": (category, variable, self.compare if compares else ""),
                    "contents": [checksum(config, variable, category) for config in shown],
                    "code": common,
                    "plot": specs[name],
                }
            )
        return ids


class PlotCutflow(FormatsTask, FromTemplates, BlindTask):
    """Draws the events of each sample after the skim, the preselection and in each category."""

    def fingerprint_spec(self) -> Any:
        return {
            "templates": self.requires().fingerprint,
            "categories": self.shown_categories,
            **({"blind": hidden} if (hidden := self.hidden_categories) else {}),
            **self.figure_plan.spec(),
            "code": code_closure("pocket.plots.cutflow"),
        }

    def make(self) -> None:
        from pocket.plots.cutflow import draw_cutflows

        formats = self.formats_to_write()
        with write_output(**self.write_info(), formats=formats, **self.reason) as folder:
            sums = read_sums(self.requires().directory)
            plots = draw_cutflows(self.figure_plan, sums, self.shown_categories, self.hidden_categories)
            save_plots(plots, folder, formats)


class PlotScaleFactors(FormatsTask, ScaleFactorTask):
    """Draws a scale factor, what its closure says, its uncertainties and fits, and beside it a published one."""

    published = option(
        "published scale factor to compare with, FILE:CORRECTION, e.g. "
        "corrections://POG/MUO/2018_UL/muon_Z.json.gz:NUM_TightID_DEN_TrackerMuons",
        law.NO_STR,
    )
    published_inputs = option(
        "inputs of the published scale factor that aren't axes of the measured one, e.g. year=2018, eta=abseta for "
        "another name, scale_factors=nominal:systup:systdown for errors",
        (),
    )
    closure = option("test the closure first, and write what it says into the figures of the values", True)

    @classmethod
    def suits(cls, analysis: Analysis, scale_factor: str) -> bool:
        """Whether a scale factor is measured in bins, which a plot shows."""
        return bool(analysis.scale_factor(scale_factor).measured())

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a published scale factor that can't be read, and an invalid style, before anything runs."""
        from pocket.plots.specification import check_style

        params = super().modify_param_values(params)
        analysis = load(params)
        check_style(analysis.config(analysis.drawn_as(params["scale_factor"])).figure_plan())
        published = read_published(params["published"], params["published_inputs"])
        if published is not None:
            from pocket.corrections.files import load_correction
            from pocket.scale_factors.files.comparison import read_inputs

            load_correction(published.path, published.correction)
            read_inputs(published.inputs)
        return params

    @property
    def drawn_config(self) -> str:
        return self.analysis_inst.drawn_as(self.scale_factor)

    def requires(self) -> dict[str, Any]:
        required: dict[str, Any] = {"scale_factor": ComputeScaleFactors.req(self)}
        # Nothing waits for these figures, so a scale factor whose closure fails is drawn, too, and marked.
        return required | ({"closure": ValidateScaleFactors.req(self, accept_closure=True)} if self.closure else {})

    def fingerprint_spec(self) -> Any:
        variables = self.figure_plan.variables
        axes = [axis for _, variable in self.declaration.sources()[:1] for axis in variables[variable].axes]
        return {
            **{name: task.fingerprint for name, task in self.requires().items()},
            "published": self.published,
            "published_inputs": self.published_inputs,
            "labels": [(axis.name, axis.label) for axis in axes],
            **self.figure_plan.spec(),
            "code": code_closure("pocket.plots.scale_factors.figures"),
        }

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({name.replace("_", " "): task.output() for name, task in self.requires().items()})

    def make(self) -> None:
        if not self.requires()["scale_factor"].binned:
            raise ScaleFactorError(f"scale factor {self.scale_factor!r} has no bins, so it can't be drawn")
        published = read_published(self.published, self.published_inputs)
        files: dict[str, str] = {}
        formats = self.formats_to_write()
        with write_output(**self.write_info(), parameter_files=files, formats=formats) as folder:
            save_plots(self.plots(published, files), folder, formats)

    def plots(self, published: Published | None, files: dict[str, str]) -> Iterator[Plot]:
        """Yield all pages."""
        from pocket.corrections.files import load_correction
        from pocket.plots.scale_factors.figures import draw_convergence, draw_published, draw_scale_factor
        from pocket.scale_factors.files.comparison import read_inputs
        from pocket.scale_factors.measurement.result import ScaleFactorResult

        analysis, required = self.analysis_inst, self.requires()
        computed, closure = required["scale_factor"], required.get("closure")
        plan = self.figure_plan
        # A scale factor without sources has no variable, so its axes are labelled by their names.
        variable = next((variable for _, variable in self.declaration.sources()), "")
        result, *history = (
            ScaleFactorResult.from_json(path.read_text(encoding="utf-8"))
            for path in (computed.directory / RESULT, *computed.history())
        )
        if coupled := analysis.coupled_with(self.scale_factor):
            yield from draw_convergence(plan, history, coupled.tolerance)
        if published is not None:
            with recording_files() as used:
                correction = load_correction(published.path, published.correction)
            files |= used.checksums()
            yield from draw_published(plan, variable, result, correction, read_inputs(published.inputs))
        yield from draw_scale_factor(plan, variable, result, closure.statements() if closure else {UNTESTED: True})


@dataclass(frozen=True)
class Published:
    """A published scale factor to compare with, and its inputs that aren't axes of the measured one."""

    path: str
    correction: str
    inputs: Mapping[str, str]


def read_published(published: str, inputs: Sequence[str]) -> Published | None:
    """Return the published scale factor ``file:correction`` that options name, ``None`` if there is none."""
    pairs = read_inputs("--published-inputs", inputs)
    if published == law.NO_STR:
        if inputs:
            raise ConfigError("--published-inputs needs --published, the scale factor that they belong to")
        return None
    path, _, correction = published.rpartition(":")
    if not path or not correction or correction.startswith("//"):
        raise ConfigError(f"--published: expected file:correction, not {published!r}")
    return Published(path, correction, pairs)
