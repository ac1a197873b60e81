"""Scale factors measured in outputs on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pocket.outputs import add, read_variable
from pocket.scale_factors.declarations import ScaleFactor
from pocket.scale_factors.measuring import measure, measure_by_year
from pocket.scale_factors.result import ScaleFactorResult
from pocket.scale_factors.shifts import Histograms


def measure_from(
    name: str, declaration: ScaleFactor, folders: Mapping[str, Path], years: Callable[[str], Mapping[str, str]]
) -> ScaleFactorResult:
    """Measure a scale factor in outputs on disk.

    Args:
        name: name of the scale factor.
        declaration: what to measure.
        folders: configuration → output of the merging.
        years: configuration → year of each dataset.

    Raises:
        UnknownNameError: if a histogram isn't there; and as :func:`measure` and :func:`measure_by_year`.
    """
    read = {source: read_variable(folders[source[0]], source[1]) for source in declaration.sources()}
    nominal = declaration.input, declaration.variable

    def add_datasets(year: str | None) -> dict[tuple[str, str], Histograms]:
        """Add the datasets of a year, or all of them; samples without any are left out."""
        chosen: dict[tuple[str, str], Histograms] = {}
        for source, samples in read.items():
            year_of = years(source[0])
            of_year = {
                sample: [histogram for dataset, histogram in datasets.items() if year in (None, year_of[dataset])]
                for sample, datasets in samples.items()
            }
            chosen[source] = {sample: add(histograms) for sample, histograms in of_year.items() if histograms}
        return chosen

    if not declaration.years:
        sources = add_datasets(None)
        return measure(name, declaration, sources[nominal], sources)
    by_year = {year: add_datasets(year) for year in declaration.years}
    return measure_by_year(name, declaration, {year: sources[nominal] for year, sources in by_year.items()}, by_year)
