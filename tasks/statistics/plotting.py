"""Plots of fits of statistical models."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.io.store import write_output
from tasks.chain.figures import FormatsTask
from tasks.framework.base import input_ids
from tasks.framework.jobs import save_plots
from tasks.statistics.fitting import POSTFIT, FitChoice, FitModel
from tasks.statistics.systematics import axes_of, histograms_of

#: results of a fit that are drawn, by the stems of their files
_DRAWN = ("impacts", "impacts_of_simulation", "scan", "limits", "gof")


class PlotFit(FormatsTask, FitChoice):
    """Draws pulls, impacts, correlations, profiles, limits, and regions with their yields before and after the fit."""

    exclude_index = False

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse toys, of which there is no single fit to draw, before anything runs."""
        params = super().modify_param_values(params)
        if params["data"] == "toys":
            raise ConfigError(
                "PlotFit draws one fit, so --data must be asimov or observed: FitModel prints pulls of toys"
            )
        return params

    @property
    def fitted(self) -> FitModel:
        """The fit."""
        return FitModel.req(self)

    def requires(self) -> FitModel:
        """Return the fit."""
        return self.fitted

    @property
    def drawn_config(self) -> str:
        """The configuration whose style and luminosity the plots have: of the first region, for a card the default."""
        return self.declaration.configs[0] if self.card == law.NO_STR else self.analysis_inst.default_config

    @cached_property
    def axes(self) -> dict[str, str]:
        """Region → label of its axis; a card has none."""
        return axes_of(self.analysis_inst, self.declaration) if self.card == law.NO_STR else {}

    @property
    def samples(self) -> dict[str, tuple[str, ...]]:
        """Process → its samples; those of a card aren't known."""
        if self.card != law.NO_STR:
            return {}
        return {name: process.samples for name, process in self.declaration.processes.items()}

    @property
    def histograms(self) -> dict[str, str]:
        """Region with bins → its histogram; those of a card aren't known."""
        return histograms_of(self.declaration) if self.card == law.NO_STR else {}

    def fingerprint_spec(self) -> Any:
        """Return the fit, the luminosity, the style, the labels, and the code that draws."""
        from pocket.plots.specification import period_spec, style_spec

        config = self.analysis_inst.config(self.drawn_config)
        return {
            "fit": self.fitted.fingerprint,
            "period": period_spec(config),
            "style": style_spec(config),
            "axes": self.axes,
            "code": [code_closure(f"pocket.plots.fits.{module}") for module in ("results", "yields")],
        }

    def input_ids(self) -> dict[str, str] | None:
        """Return the fit."""
        return input_ids({"fit": self.fitted.output()})

    def make(self) -> None:
        """Draw all plots, and write the tables of yields."""
        from pocket.outputs.tables import as_json
        from pocket.plots.fits.results import draw_fit, with_processes
        from pocket.plots.fits.yields import FORMS, as_table, fitted_yields
        from pocket.plots.style import PlotStyle
        from pocket.plots.templates.figures import period_of
        from pocket.statistics import from_json, load_predictions

        folder = self.fitted.directory
        results = {name: path for name in _DRAWN if (path := folder / f"{name}.json").exists()}
        records = {name: from_json(path.read_text(encoding="utf-8")) for name, path in results.items()}
        records["fit"] = from_json((folder / "fit.json").read_text(encoding="utf-8"))["fit"]
        config, formats = self.analysis_inst.config(self.drawn_config), self.formats_to_write()
        style = PlotStyle.from_parameters(config.parameters.get("plotting_style", {}))
        style = with_processes(style, self.samples, self.histograms)
        predictions, is_data = load_predictions(folder / POSTFIT), self.data == "observed"
        yields = fitted_yields(predictions, is_data=is_data)
        tables = {suffix: as_table(yields, form) for suffix, form in FORMS.items()}
        tables["json"] = as_json([each.row() for each in yields])
        with write_output(**self.write_info(), formats=formats, **self.reason) as output:
            for suffix, table in tables.items():
                (output / f"yields.{suffix}").write_text(f"{table}\n", encoding="utf-8")
            plots = draw_fit(records, predictions, style, period_of(config), self.axes, is_data=is_data)
            save_plots(plots, output, formats)
        print(f"plots and tables of the fit of {self.config_part} are in {self.directory}")
