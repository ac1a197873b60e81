"""Restriction of a run to some datasets, and to the first files and chunks of each, for trials."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import DatasetInfo, FileInfo, Fileset
from pocket.datasets.sample_variations import names_of
from pocket.errors import DatasetError, check_known

#: events of a chunk, as PocketCoffea has them by default, so that a limited run reads the same events in both
CHUNK = 150_000


@dataclass(frozen=True)
class Restriction:
    """Part of the datasets of an analysis that a run reads; empty values restrict nothing.

    Files and chunks are the first ones of each dataset. Samples choose the datasets that vary them, too.

    Examples:
        >>> Restriction(files=2, chunks=1).text
        'limited: 2 files, 1 chunk per dataset'
    """

    samples: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    files: int = 0
    chunks: int = 0
    chunk_size: int = CHUNK

    @property
    def chooses(self) -> bool:
        """Whether some datasets may be left out."""
        return bool(self.samples or self.years or self.datasets)

    @property
    def limits(self) -> dict[str, int]:
        """What determines the events that are read of a dataset; empty if all are."""
        files = {"files": self.files} if self.files else {}
        return files | ({"chunks": self.chunks, "chunk_size": self.chunk_size} if self.chunks else {})

    def __bool__(self) -> bool:
        """Tell whether anything is restricted."""
        return self.chooses or bool(self.limits)

    @property
    def text(self) -> str:
        """Description for labels of plots and for manifests."""
        limits = ", ".join(
            f"{number} {name}{'s' if number > 1 else ''}"
            for name, number in (("file", self.files), ("chunk", self.chunks))
            if number
        )
        parts = [*(["some datasets"] if self.chooses else []), *([f"{limits} per dataset"] if limits else [])]
        return f"limited: {', '.join(parts)}"

    def check(self, definitions: Iterable[DatasetDefinition]) -> None:
        """Check that there are samples, years and datasets of the given names."""
        known = list(definitions)
        check_known("sample", self.samples, {name for one in known for name in names_of(one)}, "--filter-samples")
        check_known("year", self.years, {one.year for one in known}, "--filter-years")
        check_known("dataset", self.datasets, {one.name for one in known}, "--filter-datasets")

    def select(self, definitions: Mapping[str, DatasetDefinition]) -> dict[str, DatasetDefinition]:
        """Return the datasets that are read."""
        return {
            name: one
            for name, one in definitions.items()
            if (not self.samples or any(sample in self.samples for sample in names_of(one)))
            and (not self.years or one.year in self.years)
            and (not self.datasets or name in self.datasets)
        }

    def refuse_empty(self, definitions: Mapping[str, DatasetDefinition]) -> None:
        """Check that some of the datasets are read."""
        if self.chooses and not self.select(definitions):
            chosen = {"samples": self.samples, "years": self.years, "datasets": self.datasets}
            options = " ".join(f"--filter-{kind} {','.join(names)}" for kind, names in chosen.items() if names)
            has = ", ".join(f"{name} ({one.sample}, {one.year})" for name, one in definitions.items())
            raise DatasetError(f"{options} leaves no dataset, there are {has}")

    def limit(self, fileset: Fileset) -> Fileset:
        """Return a fileset with the entries of the first chunks of each dataset only.

        Chunks are those of coffea's ``Runner(maxchunks=…)``: of nearly equal size in a file, and those of the last
        files first.
        """
        if not self.chunks:
            return fileset
        return {name: self._limit(dataset) for name, dataset in fileset.items()}

    def _limit(self, dataset: DatasetInfo) -> DatasetInfo:
        left = self.chunks
        kept: dict[str, FileInfo] = {}
        for path, info in reversed(dataset["files"].items()):
            entries = info["num_entries"]
            chunks = max(round(entries / self.chunk_size), 1)
            size = math.ceil(entries / chunks)
            if left and entries:
                kept[path] = {**info, "num_entries": min(entries, left * size)}
                left -= min(left, math.ceil(entries / size))
        files = {path: kept[path] for path in dataset["files"] if path in kept}
        nevents = sum(info["num_entries"] for info in files.values())
        return {"metadata": {**dataset["metadata"], "nevents": nevents}, "files": files}
