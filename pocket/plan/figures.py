"""The plan of figures: all that plots know of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
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
    that of the configuration. What fingerprints hold of it is in :mod:`pocket.plots.specification`.

    Args:
        datasets: dataset → its sample.
        categories: their names.
        combinations: rules that combine variations, such as those of a PDF set.
        years: year of datasets → its luminosity in pb⁻¹ and its energy in TeV, ``None`` if the parameters lack them.
        style: the section ``plotting_style`` in our own words, plain, resolved and not checked, see
            :func:`pocket.plots.specification.check_style`.

    >>> from pocket import load_analysis
    >>> plan = load_analysis("zmumu").config("nominal").figure_plan()
    >>> plan.years
    {'toys': (50.0, 13)}
    """

    samples: Mapping[str, bool]
    subsamples: Mapping[str, StandardSelection]
    datasets: Mapping[str, str]
    categories: tuple[str, ...]
    variables: Mapping[str, HistConf]
    combinations: tuple[Combination, ...]
    years: Mapping[str, tuple[Any, Any]]
    style: Any
