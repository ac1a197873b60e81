"""Plots of a grid of signals: limits against its parameter, and the significance of the largest excess."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.io.store import write_output
from tasks.framework.base import input_ids, load
from tasks.framework.jobs import save_plots
from tasks.statistics.fitting import FitModel, missing_results
from tasks.statistics.plotting import PlotFit

if TYPE_CHECKING:
    from pocket.statistics import Grid, StatisticalModel

RESULTS = ("significance", "limits")
GRID = "grid.json"


class PlotGrid(PlotFit):
    """Fits a model at each point of its grid, and draws limits and local p-values against the parameter of the grid.

    Examples:
        law run PlotGrid --version v1 --model zprime --formats png
    """

    results = law.CSVParameter(default=RESULTS, description=f"results of each fit; default: {','.join(RESULTS)}")

    exclude_index = False

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a model without a grid, and what the fits of its points refuse, before anything runs."""
        from pocket.statistics.declared_grids import grids_of

        if params["card"] != law.NO_STR:
            raise ConfigError("PlotGrid draws the grid of a model of the analysis, so it takes --model, not --card")
        analysis, name = load(params), params["model"]
        grids = grids_of(analysis.models)
        if name == law.NO_STR or name not in grids:
            known = ", ".join(grids) or "none"
            raise ConfigError(f"expected --model with a grid, of which analysis {analysis.name!r} has {known}")
        if not {*RESULTS} <= {*params["results"]}:
            raise ConfigError(f"--results must have {' and '.join(RESULTS)}, which PlotGrid draws")
        for point in grids[name].models(name).values():
            checked = super().modify_param_values({**params, "model": point})
        return {**checked, "model": name}

    @property
    def grid(self) -> Grid:
        """The grid of the model."""
        from pocket.statistics.declared_grids import grids_of

        return grids_of(self.analysis_inst.models)[self.model]

    @cached_property
    def parts(self) -> dict[str, StatisticalModel]:
        """The declared models of all points by name."""
        from pocket.statistics.combined import parts_of

        points = self.grid.models(self.model).values()
        return {name: part for point in points for name, part in parts_of(point, self.analysis_inst).items()}

    def requires(self) -> Any:
        """Return the fits by the names of their models."""
        return {
            model: FitModel.req(self, model=model, accept_missing=True)
            for model in self.grid.models(self.model).values()
        }

    @property
    def summarised(self) -> list[FitModel]:
        """The tasks whose results these are, so that a report doesn't tell them again."""
        return list(self.requires().values())

    def fingerprint_spec(self) -> Any:
        """Return the fits, the grid, the style, and the code that draws."""
        from pocket.plots.specification import style_spec

        config = self.styled_as
        return {
            "fits": {model: fit.fingerprint for model, fit in self.requires().items()},
            "grid": self.grid,
            "periods": self.periods,
            "style": style_spec(config) if config else None,
            "code": code_closure("pocket.plots.fits.grids"),
        }

    def input_ids(self) -> dict[str, str] | None:
        """Return the fits."""
        return input_ids({model: fit.output() for model, fit in self.requires().items()})

    def describe_results(self) -> list[tuple[str, str]]:
        """Return where limits cross the theory, and the largest excess."""
        from pocket.plots.fits.grids import result_lines
        from pocket.statistics import from_json

        return result_lines(from_json((self.directory / GRID).read_text(encoding="utf-8")), self.grid.name)

    def make(self) -> None:
        """Draw limits and p-values, and write and print the table."""
        from pocket.plots.fits.grids import GridPoint, as_table, draw_grid, find_results
        from pocket.plots.fits.yields import FORMS
        from pocket.statistics import to_json

        grid, fits, is_data = self.grid, self.requires(), self.data == "observed"
        points = [(point, fits[model]) for point, model in grid.models(self.model).items()]
        rows = [GridPoint.of_fit(fit.directory, grid, point, observed=is_data) for point, fit in points]
        found, missing = find_results(rows, observed=is_data), sum(row.missing for row in rows)
        tables = {suffix: as_table(rows, grid, form, observed=is_data) for suffix, form in FORMS.items()}
        print(tables["txt"], flush=True)
        formats, (style, period) = self.formats_to_write(), self.look
        with write_output(**self.write_info(), formats=formats, missing=missing, **self.reason) as output:
            (output / GRID).write_text(
                to_json({"data": self.data, "grid": vars(grid), "points": list(map(vars, rows)), **found})
            )
            for suffix, table in tables.items():
                (output / f"grid.{suffix}").write_text(f"{table}\n", encoding="utf-8")
            save_plots(draw_grid(rows, found, grid, style, period, data=is_data), output, formats)
        if missing and not self.accept_missing:
            raise missing_results(self, missing)
