"""Result of processing in memory: histograms, cutflow, yields and columns."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pocket.configuration.configurator import Configurator
from pocket.errors import check_known
from pocket.histograms.files import add
from pocket.histograms.one_sided import NOMINAL
from pocket.interactive.tables import Table, Yield
from pocket.interactive.templates import Templates

if TYPE_CHECKING:
    import awkward as ak

#: stages of the cutflow before the categories → name in tables
_STAGES = {"initial": "initial", "skim": "skim", "presel": "preselection"}
#: Row of yields with all of simulation.
SIMULATION = "simulation"


@dataclass(frozen=True, eq=False)
class Result:
    """What :func:`pocket.process` returns: normalised histograms, sums and columns.

    Args:
        config: the configuration, with the datasets that were processed.
        output: merged sums and histograms, see :func:`pocket.outputs.merging.merge_outputs`.
        columns: sample → category → variation → records of shape (n events,).
        skipped: file → reason, for unreadable files that were left out.
        notes: sentences about what was processed and how it is normalised.

    Example:
        >>> from pocket import load_analysis, process
        >>> config = load_analysis("zmumu").config("real_samples")
        >>> result = process(config, {"DATA_DoubleMuon_2018_EraA": "nano_dimuon.root"})
        >>> result.yields()["DATA_DoubleMuon"]["baseline"]
        12
        >>> result.histograms["mll"].axes.name
        ('samples', 'cat', 'll_mass')
    """

    config: Configurator
    output: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Mapping[str, ak.Array]]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def histograms(self) -> Templates:
        """Name → histogram with axes ``samples``, ``cat``, ``variation`` and its own."""
        variables = self.output["variables"]

        def read(name: str) -> dict[str, Any]:
            return {sample: add(datasets.values()) for sample, datasets in variables[name].items()}

        return Templates("the result", tuple(variables), read)

    @cached_property
    def cutflow(self) -> Table:
        """Number of events of each dataset that pass the skim, the preselection and each category, unweighted."""
        counts = self.output["cutflow"]
        samples = {dataset: str(metadata["sample"]) for dataset, metadata in self.output["datasets_metadata"].items()}
        rows: dict[str, dict[str, int]] = {
            name: {dataset: _nominal(counts[stage][dataset]) for dataset in samples} for stage, name in _STAGES.items()
        }
        for category in self.config.categories.names:
            rows[category] = {
                dataset: _nominal(counts[category].get(dataset, {}).get(sample, 0))
                for dataset, sample in samples.items()
            }
        return Table("Events", "Cut", rows)

    def yields(self, variation: str = NOMINAL) -> Table:
        """Return the sum of weights of each sample in each category, with its statistical error; numbers of data.

        Args:
            variation: ``nominal`` or a shape variation, as only these have sums of their own; samples and categories
                without it have their nominal yield.

        Raises:
            UnknownNameError: if there is no such shape variation.
        """
        known = {NOMINAL: None}
        for by_dataset in self.output["sumw"].values():
            known |= {name: None for samples in by_dataset.values() for sums in samples.values() for name in sums}
        check_known("variation", [variation], known, "the sums of nominal and of shape variations")
        rows: dict[str, dict[str, Any]] = {}
        for is_mc in (True, False):
            of_kind = [sample for sample, simulated in self.config.samples.items() if simulated == is_mc]
            for sample in of_kind:
                for counted in self.config.counted_samples(sample):
                    rows[counted] = self._row([counted], variation, is_mc)
            if is_mc and len(of_kind) > 1:
                rows[SIMULATION] = self._row(of_kind, variation, is_mc)
        return Table("Yields" if variation == NOMINAL else f"Yields with {variation}", "Sample", rows)

    def _row(self, samples: list[str], variation: str, is_mc: bool) -> dict[str, Yield | int]:
        row: dict[str, Yield | int] = {}
        for category in self.config.categories.names:
            sumw, sumw2 = (
                math.fsum(_nominal(value, variation) for value in _of_samples(self.output[key][category], samples))
                for key in ("sumw", "sumw2")
            )
            # Data may be weighted; for counts, both sums are their number.
            row[category] = Yield(sumw, math.sqrt(sumw2)) if is_mc or sumw != sumw2 else round(sumw)
        return row

    def __repr__(self) -> str:
        """Return the datasets, the names of the histograms, and the notes."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        events = ", ".join(f"{dataset} ({number:,} events)" for dataset, number in self.cutflow["initial"].items())
        yield f"Result of {events}"
        if self.histograms:
            yield f"histograms: {', '.join(self.histograms)}"
        if self.columns:
            yield f"columns of {', '.join(self.columns)}"
        yield from self.notes

    def _repr_html_(self) -> str:
        """Return the same with the yields, for notebooks."""
        lines = "<br>".join(map(html.escape, self._lines()))
        return f"<p>{lines}</p>{self.yields()._repr_html_()}"


def _nominal(value: Any, variation: str = NOMINAL) -> Any:
    """Return a number, or that of a variation, or else the nominal one."""
    return value.get(variation, value.get(NOMINAL, 0)) if isinstance(value, Mapping) else value


def _of_samples(by_dataset: Mapping[str, Mapping[str, Any]], samples: list[str]) -> Iterator[Any]:
    for by_sample in by_dataset.values():
        yield from (value for sample, value in by_sample.items() if sample in samples)
