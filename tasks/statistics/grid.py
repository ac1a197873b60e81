"""Plots of a grid of signals: limits against its parameter, and the significance of the largest excess."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.plots.files import save_plots
from tasks.framework.base import load
from tasks.settings.options import option
from tasks.statistics.fitting import FitModel
from tasks.statistics.plotting import PlotFit

if TYPE_CHECKING:
    from pocket.statistics import Grid, StatisticalModel

RESULTS = ("significance", "limits")


class PlotGrid(PlotFit):
    """Fits a model at each point of its grid, and draws limits and local p-values against the parameter of the grid.

    Examples:
        law run PlotGrid --version v1 --model zprime --formats png
    """

    results = option("results of each fit", RESULTS, f"{','.join(RESULTS)}")

    #: tasks whose results are told here
    tells_of = ("FitModel",)

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a model without a grid, and what the fits of its points refuse, before anything runs."""
        from pocket.statistics.declared_grids import grids_of

        analysis, name = load(params), params["model"]
        grids = grids_of(analysis.models)
        if name not in grids:
            known = ", ".join(grids) or "none"
            raise ConfigError(f"expected --model with a grid, of which analysis {analysis.name!r} has {known}")
        params["results"] = tuple(dict.fromkeys((*RESULTS, *params["results"])))
        for point in grids[name].models(name).values():
            checked = super().modify_param_values({**params, "model": point})
        return {**checked, "model": name}

    @property
    def grid(self) -> Grid:
        from pocket.statistics.declared_grids import grids_of

        return grids_of(self.analysis_inst.models)[self.model]

    @cached_property
    def parts(self) -> dict[str, StatisticalModel]:
        """The declared models of all points by name."""
        from pocket.statistics.combined import parts_of

        points = self.grid.models(self.model).values()
        return {name: part for point in points for name, part in parts_of(point, self.analysis_inst).items()}

    def requires(self) -> dict[str, FitModel]:
        models = self.grid.models(self.model).values()
        return {model: FitModel.req(self, model=model, accept_missing=True) for model in models}

    def fingerprint_spec(self) -> Any:
        return {**super().fingerprint_spec(), "grid": self.grid, "code": code_closure("pocket.plots.fits.grids")}

    def describe_results(self) -> list[tuple[str, str]]:
        """Return where limits cross the theory, and the largest excess."""
        from pocket.plots.fits.grids import read_lines

        return read_lines(self.directory, self.grid)

    def make(self) -> None:
        from pocket.plots.fits.grids import GridPoint, as_files, draw_grid, find_results
        from pocket.plots.fits.results import look_of

        grid, fits, is_data = self.grid, self.requires(), self.data == "observed"
        folders = {point: fits[model].directory for point, model in grid.models(self.model).items()}
        rows = [GridPoint.of_fit(folder, grid, point, observed=is_data) for point, folder in folders.items()]
        found, missing = find_results(rows, observed=is_data), sum(row.missing for row in rows)
        files = as_files(rows, found, grid, observed=is_data)
        print(files["grid.txt"], end="", flush=True)
        formats, look = self.formats_to_write(), look_of(self.styled_as, self.periods)
        with self.writing(files, missing, formats=formats) as output:
            save_plots(draw_grid(rows, found, grid, *look, data=is_data), output, formats)
