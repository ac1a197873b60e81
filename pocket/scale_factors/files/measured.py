"""Scale factors that are measured from outputs on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pocket.histograms.contents import only_read
from pocket.histograms.files import add, read_variable
from pocket.histograms.readings import Reading
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.measure import measure, measure_by_year
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.measurement.systematic_shifts import Histograms, Sources

#: name of the year if all years are added
ALL_YEARS = ""


def make(name: str, declaration: ScaleFactor, outputs: UpstreamOutputs) -> tuple[str, ScaleFactorResult]:
    """Return the content of a scale factor's file, and its measurement."""
    result = measure_from(name, declaration, outputs.template_folders, outputs.dataset_years)
    return dumps(result, outputs.allow_null_systematics), result


def measure_from(
    name: str, declaration: ScaleFactor, folders: Mapping[str, Path], years: Callable[[str], Mapping[str, str]]
) -> ScaleFactorResult:
    """Return the measurement of a scale factor from outputs on disk.

    Args:
        folders: configuration → output of the merging.
        years: configuration → year of each dataset.
    """
    by_year = read_sources(declaration.sources(), declaration.years, folders, years, declaration.readings())
    nominal = declaration.input, declaration.variable
    if not declaration.years:
        return measure(name, declaration, by_year[ALL_YEARS][nominal], by_year[ALL_YEARS])
    return measure_by_year(name, declaration, {year: sources[nominal] for year, sources in by_year.items()}, by_year)


def read_sources(
    sources: Iterable[tuple[str, str]],
    separate: Sequence[str],
    folders: Mapping[str, Path],
    years: Callable[[str], Mapping[str, str]],
    readings: Iterable[Reading] | None = None,
) -> dict[str, Sources]:
    """Return histograms from outputs on disk.

    Args:
        separate: years to read separately; if empty, all are added.
        folders: configuration → output of the merging.
        years: configuration → year of each dataset.
        readings: parts that are read, ``None`` for all; an output depends only on these parts, so others are removed.

    Returns:
        Year, or :data:`ALL_YEARS` → histograms; samples without datasets are left out.
    """
    read = {source: read_variable(folders[source[0]], source[1]) for source in sources}
    for reading in readings or ():
        source = reading.config, reading.variable
        if source in read:
            read[source] = {
                sample: {dataset: only_read(histogram, reading) for dataset, histogram in datasets.items()}
                for sample, datasets in read[source].items()
                if sample in reading.samples
            }

    def add_datasets(year: str) -> dict[tuple[str, str], Histograms]:
        chosen: dict[tuple[str, str], Histograms] = {}
        for source, samples in read.items():
            year_of = years(source[0])
            of_year = {
                sample: [histogram for dataset, histogram in datasets.items() if year in (ALL_YEARS, year_of[dataset])]
                for sample, datasets in samples.items()
            }
            chosen[source] = {sample: add(histograms) for sample, histograms in of_year.items() if histograms}
        return chosen

    return {year: add_datasets(year) for year in separate or (ALL_YEARS,)}
