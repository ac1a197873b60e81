"""Plots of each histogram in each category, such as of shapes, and tables of yields, from merged templates."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.base.runtime.remarks import some_of
from pocket.errors import ConfigError, check_known
from pocket.histograms.files import read_sums, read_templates
from pocket.io.store import write_output
from pocket.outputs.tables import as_csv, as_json
from pocket.plan.plot import SHAPES
from tasks.chain.blinding import BlindTask
from tasks.chain.figure_jobs import FigureJob, named
from tasks.chain.figures import FormatsTask, FromTemplates, filled
from tasks.core.report import print_result
from tasks.framework.base import load
from tasks.framework.executors import run_jobs
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator
    from pocket.plots.yields import Yield

#: names of the formats of tables
TABLES = ("text", "md", "tex", "csv", "json")


class PlotsFromTemplates(FormatsTask, FromTemplates):
    """A task that draws figures of each histogram in each category."""

    variables = option("histograms to draw, with patterns such as m*", (), "all")
    exclude_index = True

    #: the module that draws, and ``module:function`` of what jobs call
    module: str
    function: str

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Category and histogram of all that is drawn."""
        return filled(self.config_inst, self.categories, self.variables)

    @property
    def blind(self) -> tuple[str, ...]:
        """The categories whose data are hidden; plots of simulation hide none."""
        return ()

    def drawing_spec(self) -> Any:
        """Return what decides the figures beside templates, style and code."""
        return None

    def record(self) -> dict[str, Any]:
        """Return what the manifest says beside formats."""
        return {}

    def options_in(self, category: str) -> dict[str, Any]:
        """Return the options of the function that draws, in a category."""
        return {}

    def fingerprint_spec(self) -> Any:
        from pocket.plots.specification import figure_specs

        return {
            "templates": self.requires().fingerprint,
            "figures": figure_specs(self.figure_plan, self.shown, self.blind),
            "drawing": self.drawing_spec(),
            "code": code_closure(self.module),
        }

    def make(self) -> None:
        formats = self.formats_to_write()
        with write_output(**self.write_info(), formats=formats, **self.record()) as folder:
            jobs = [
                FigureJob(
                    **self.of_jobs,
                    variable=variable,
                    category=category,
                    templates=self.requires().directory,
                    folder=folder / category,
                    formats=formats,
                    function=self.function,
                    options=self.options_in(category),
                )
                for category, variable in self.shown
            ]
            run_jobs(named(jobs), self.cores, self.progress_label, "histograms")


class PlotsWithData(PlotsFromTemplates, BlindTask):
    """A task that draws figures with data."""

    exclude_index = True

    @property
    def blind(self) -> tuple[str, ...]:
        return self.hidden_categories

    def record(self) -> dict[str, Any]:
        return self.reason

    def options_in(self, category: str) -> dict[str, Any]:
        return {"blind": category in self.blind}


class PlotShapes(PlotsWithData):
    """Compares the shapes of the processes and of data, each scaled to the same area."""

    module = "pocket.plots.templates.shapes"
    function = "pocket.plots.templates.figures:draw_templates"

    def options_in(self, category: str) -> dict[str, Any]:
        return {**super().options_in(category), "plots": [SHAPES]}


class ShowYields(FromTemplates, BlindTask):
    """Prints the yields of processes and data by category, with statistical and systematic errors.

    Examples:
        law run ShowYields --version v1
        law run ShowYields --version v1 --config "*" --table md
    """

    variable = option(
        "histogram whose sum is the yield, with one entry per event, underflow and overflow included",
        law.NO_STR,
        "the first such histogram of each category",
    )
    table = option("form of the table: text, md, tex, csv or json", TABLES[0])

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        check_known("form", [params["table"]], TABLES, "--table")
        config = load(params).config(params["config"])
        if params["variable"] != law.NO_STR:
            check_known("variable", [params["variable"]], config.variables, f"configuration {params['config']!r}")
        for category in params["categories"] or config.categories.names:
            _candidates(config, category, params["variable"], params["config"])
        return params

    @property
    def candidates(self) -> dict[str, list[str]]:
        """Category → histograms whose sum may be its yield."""
        config = self.config_inst
        return {
            category: _candidates(config, category, self.variable, self.config) for category in self.shown_categories
        }

    def fingerprint_spec(self) -> Any:
        from pocket.plots.specification import sum_specs

        shown = [(category, variable) for category, names in self.candidates.items() for variable in names]
        return {
            "templates": self.requires().fingerprint,
            "histograms": sum_specs(self.config_inst.figure_plan(), shown, self.hidden_categories),
            "table": self.table,
            "code": code_closure("pocket.plots.yields"),
        }

    def complete(self) -> bool:
        """Whether the table was printed in this process, since that is what the task is for."""
        return self._shown and super().complete()

    _shown = False

    def make(self) -> None:
        from pocket.plots.yields import counted_by, yields_of

        folder = self.requires().directory
        read, sums = functools.cache(functools.partial(read_templates, folder)), read_sums(folder)
        yields, plan = [], self.config_inst.figure_plan()
        for category, names in self.candidates.items():
            variable = counted_by(sums["sumw"][category], {name: read(name) for name in names}, category)
            hidden = category in self.hidden_categories
            yields += yields_of(plan, variable, category, read(variable), blind=hidden)
        table = _table(yields, self.table)
        with write_output(**self.write_info(), **self.reason) as folder:
            suffix = {"text": "txt"}.get(self.table, self.table)
            (folder / f"yields.{suffix}").write_text(f"{table}\n", encoding="utf-8")
        self._shown = True
        print_result(self, table)


def _table(yields: Sequence[Yield], form: str) -> str:
    from pocket.plots.yields import COLUMNS, as_table

    rows = [each.row() for each in yields]
    if form == "csv":
        return as_csv(rows, COLUMNS).rstrip("\n")
    return as_json(rows) if form == "json" else as_table(yields, form)


def _candidates(config: Configurator, category: str, variable: str, name: str) -> list[str]:
    """Return the histograms whose sum may be the yield of a category: with one axis, errors, and filled there."""
    fitting = [
        each
        for each, conf in config.variables.items()
        if len(conf.axes) == 1 and conf.storage == "weight" and conf.fills_category(category)
    ]
    where = f"category {category!r} of configuration {name!r}"
    if not fitting:
        raise ConfigError(
            f"{where} has no histogram with one axis and storage='weight' to sum: choose others with --categories"
        )
    if variable == law.NO_STR:
        return fitting
    if variable not in fitting:
        raise ConfigError(
            f"histogram {variable!r} has several axes or another storage than 'weight', or isn't filled in {where}: "
            f"choose one of {some_of(fitting)}"
        )
    return [variable]
