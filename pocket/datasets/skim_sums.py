"""Sums of a dataset before its skim, which its metadata pass from the skim to the normalisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.errors import BadFileError, DatasetError

#: Metadata keys of a skim's sums; only the normalisation uses them.
SUMS = ("nevents_before_skim", "sum_genweights", "sum_signOf_genweights")


@dataclass(frozen=True)
class BeforeSkim:
    """Sums over all events of a dataset before its skim; ``None`` for unknown ones and for weights of data."""

    nevents: int | None = None
    sum_genweights: float | None = None
    sum_signs: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.metadata().items():
            if not math.isfinite(value) or (name == "nevents_before_skim" and value < 0):
                raise DatasetError(f"{name!r} of a skim can't be {value}")

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> BeforeSkim | None:
        """Return the sums in the metadata of a dataset, ``None`` if it isn't a skim."""
        if not metadata.get("isSkim"):
            return None
        nevents, *sums = (metadata.get(key) for key in SUMS)
        return cls(None if nevents is None else int(nevents), *sums)

    @property
    def is_known(self) -> bool:
        """Whether any of the sums is known, so that the dataset is normalised by it, whatever files are read."""
        return bool(self.metadata())

    def metadata(self) -> dict[str, Any]:
        """Return the known sums as metadata."""
        values = (self.nevents, self.sum_genweights, self.sum_signs)
        return {key: value for key, value in zip(SUMS, values, strict=True) if value is not None}


def needs_all_files(dataset: str, error: BadFileError) -> BadFileError:
    """Return the error for a file that can't be skipped, because the sums of its skim include its events."""
    return BadFileError(
        f"dataset {dataset!r}: {error}; it is a skim that its metadata normalise, so none of its files can be left out"
    )
