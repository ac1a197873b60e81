"""Histograms of scale factors, read from outputs on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hist import Hist

from pocket.outputs import add, read_variable

#: sample → histogram, summed over datasets
Histograms = Mapping[str, Hist[Any]]
#: configuration and variable → histograms
Sources = Mapping[tuple[str, str], Histograms]
#: what stands for the year where all are added
ALL_YEARS = ""


def read_sources(
    sources: Iterable[tuple[str, str]],
    separate: Sequence[str],
    folders: Mapping[str, Path],
    years: Callable[[str], Mapping[str, str]],
) -> dict[str, Sources]:
    """Read histograms.

    Args:
        sources: pairs of configuration and variable.
        separate: years to read separately; without any, all are added.
        folders: configuration → output of the merging.
        years: configuration → year of each dataset.

    Returns:
        Year, or :data:`ALL_YEARS` → histograms.
    """

    def read(config: str, variable: str, year: str) -> Histograms:
        of_datasets = years(config)
        chosen = {
            sample: [one for dataset, one in datasets.items() if year in (ALL_YEARS, of_datasets[dataset])]
            for sample, datasets in read_variable(folders[config], variable).items()
        }
        return {sample: add(histograms) for sample, histograms in chosen.items() if histograms}

    pairs = list(dict.fromkeys(sources))
    return {year: {pair: read(*pair, year) for pair in pairs} for year in separate or (ALL_YEARS,)}
