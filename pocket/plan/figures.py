"""The plan of figures: all that plots know of a configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pocket.cuts.categories import StandardSelection
from pocket.histograms.combined import Combination
from pocket.histograms.config import HistConf
from pocket.plan.samples import SampleNames


@dataclass(frozen=True, eq=False)
class FigurePlan(SampleNames):
    """What is drawn, and how it looks.

    :meth:`pocket.configuration.configurator.Configurator.figure_plan` makes it. An attribute without a description is
    that of the configuration.

    Args:
        datasets: dataset → its sample.
        categories: their names.
        combinations: rules that combine variations, such as those of a PDF set.
        years: year of data, or of simulation if there are none → its luminosity in pb⁻¹ and its energy in TeV, ``None``
            if the parameters lack them.
        style: the section ``plotting_style`` in our own words, plain, resolved and not checked, see
            :func:`pocket.plots.specification.check_style`.

    >>> from pocket import load_analysis
    >>> plan = load_analysis("zmumu").config("nominal").figure_plan()
    >>> plan.years
    {'toys': (80.0, 13)}
    """

    samples: Mapping[str, bool]
    subsamples: Mapping[str, StandardSelection]
    datasets: Mapping[str, str]
    categories: tuple[str, ...]
    variables: Mapping[str, HistConf]
    combinations: tuple[Combination, ...]
    years: Mapping[str, tuple[Any, Any]]
    style: Any

    def period(self, only: Collection[str] = ()) -> list[Any]:
        """Return the years, or some of them, with their luminosities, and their energies."""
        shown = {year: known for year, known in self.years.items() if not only or year in only}
        return [[(year, lumi) for year, (lumi, _) in shown.items()], [energy for _, energy in shown.values()]]

    def spec(self) -> dict[str, Any]:
        """Return what decides how all figures look, for fingerprints; formats don't decide where an output is."""
        style = {name: value for name, value in self.style.items() if name != "formats"}
        return {"period": self.period(), "style": style}
