"""Plots of fits of statistical models, and of a grid of signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.outputs.tables import as_json
from pocket.plots.files import save_plots
from tasks.chain.figures import FormatsTask
from tasks.chain.results import EVIDENCE, describe_fit, seen_signals
from tasks.core.report import is_done
from tasks.framework.base import input_ids, load
from tasks.settings.options import option
from tasks.statistics.fitting import POSTFIT, FitChoice, FitModel
from tasks.statistics.systematics import axes_of, histograms_of, names_of, periods_of

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.plan.figures import FigurePlan
    from pocket.statistics import Grid, StatisticalModel

T = TypeVar("T")
#: results of a fit that are drawn, by the stems of their files
_DRAWN = ("impacts", "impacts_of_simulation", "scan", "limits", "toy_limits", "gof")


class PlotFit(FormatsTask, FitChoice):
    """Draws pulls, impacts, correlations, profiles, limits, and regions with their yields before and after the fit.

    Examples:
        law run PlotFit --version v1 --model z_xsec --formats png
        law run PlotFit --version v1 --card datacard.txt --formats png
    """

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if params["data"] == "toys":
            raise ConfigError(
                f"{cls.task_family} draws no toys, so --data must be asimov or observed: FitModel prints pulls of toys"
            )
        return params

    @property
    def fitted(self) -> FitModel:
        return FitModel.req(self, accept_missing=True)

    def requires(self) -> dict[str, FitModel]:
        """Return the fits that are drawn, by their labels among inputs."""
        return {"fit": self.fitted}

    @cached_property
    def styled_as(self) -> FigurePlan | None:
        """The plan whose style and luminosity the plots have: of the first region, ``None`` for a card."""
        if self.the_card is not None:
            return None
        first = next(iter(self.parts.values()))
        return self.analysis_inst.config(first.configs[0]).figure_plan()

    @property
    def wanted_formats(self) -> tuple[str, ...]:
        from pocket.plots.specification import formats_of

        return tuple(self.formats) or formats_of(self.styled_as)

    @property
    def _declared(self) -> list[StatisticalModel]:
        """The declared models, none for a card."""
        return [] if self.the_card is not None else list(self.parts.values())

    def of_regions(self, of_model: Callable[[Analysis, StatisticalModel], Mapping[str, T]]) -> dict[str, T]:
        """Return region → what a function returns for it, of all declared models; a card has none."""
        return {
            region: value for part in self._declared for region, value in of_model(self.analysis_inst, part).items()
        }

    @cached_property
    def axes(self) -> dict[str, str]:
        """Region → label of its axis."""
        return self.of_regions(axes_of)

    @property
    def periods(self) -> dict[str, Any]:
        """Region → its years, luminosities and energies."""
        return self.of_regions(periods_of)

    @property
    def samples(self) -> dict[str, tuple[str, ...]]:
        """Process → its samples; those of a card aren't known."""
        found: dict[str, tuple[str, ...]] = {}
        for part in self._declared:
            for name, process in part.processes.items():
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *process.samples)))
        return found

    def fingerprint_spec(self) -> Any:
        return {
            "fits": {label: fit.fingerprint for label, fit in self.requires().items()},
            "periods": self.periods,
            "style": self.styled_as.spec()["style"] if self.styled_as else None,
            "axes": self.axes,
            "asked": [result for result in ("limits", "background") if self.asks_for(result)],
            "evidence": EVIDENCE,
            "code": [code_closure(f"pocket.plots.fits.{module}") for module in ("results", "yields")],
        }

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({label: fit.output() for label, fit in self.requires().items()})

    def describe_results(self) -> list[tuple[str, str]]:
        """Return the parameters of interest of a fit that was there before; one that is made here tells them itself."""
        return [] if is_done(self.fitted) else describe_fit(self.fitted.directory, self.asks_for("limits"))

    def make(self) -> None:
        from pocket.plots.fits.results import draw_fit, look_of, with_processes
        from pocket.plots.fits.yields import FORMS, as_table, fitted_yields
        from pocket.plots.templates.figures import period_from
        from pocket.statistics import from_json, load_predictions

        folder = self.fitted.directory
        results = {name: path for name in _DRAWN if (path := folder / f"{name}.json").exists()}
        records = {name: from_json(path.read_text(encoding="utf-8")) for name, path in results.items()}
        seen = seen_signals(folder)
        if not self.asks_for("limits") and "limits" in records:
            records["limits"] = [limit for limit in records["limits"] if getattr(limit, "poi", "") not in seen]
        fitted_results = from_json((folder / "fit.json").read_text(encoding="utf-8"))
        records["fit"], missing = fitted_results["fit"], fitted_results["missing"]
        # Nuisances say nothing in a fit that lacks a signal that is there.
        with_background = self.asks_for("background") or not seen
        records["background"] = fitted_results["background"] if with_background else None
        formats, (style, period) = self.formats_to_write(), look_of(self.styled_as, self.periods)
        style = with_processes(style, self.samples, self.of_regions(lambda _, part: histograms_of(part)))
        periods = {region: period_from(spec) for region, spec in self.periods.items()}
        predictions, is_data = load_predictions(folder / POSTFIT), self.data == "observed"
        if not with_background:
            predictions.pop("background", None)
        yields = fitted_yields(predictions, is_data=is_data)
        fitted = "" if is_data else "Asimov data"
        tables = {f"yields.{suffix}": f"{as_table(yields, form, fitted)}\n" for suffix, form in FORMS.items()}
        tables["yields.json"] = as_json([each.row() for each in yields]) + "\n"
        with self.writing(tables, len(missing), formats=formats) as output:
            look = style, period, self.axes
            plots = draw_fit(
                records, predictions, *look, is_data=is_data, periods=periods, names=self.of_regions(names_of)
            )
            save_plots(plots, output, formats)


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
        points = self.grid.models(self.model).values()
        return {name: part for point in points for name, part in self.analysis_inst.parts_of(point).items()}

    def requires(self) -> dict[str, FitModel]:
        models = self.grid.models(self.model).values()
        return {model: FitModel.req(self, model=model, accept_missing=True) for model in models}

    def fingerprint_spec(self) -> Any:
        return {**super().fingerprint_spec(), "grid": self.grid, "code": code_closure("pocket.plots.fits.grids")}

    def describe_results(self) -> list[tuple[str, str]]:
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
