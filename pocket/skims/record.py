"""The record of a skimmed branch: its files, and the sums over all its events before the skim."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pocket.datasets.fileset import FileInfo

RECORD = "skim.json"


@dataclass
class SkimRecord:
    """Result of skimming a branch.

    Args:
        nevents: number of events before the skim.
        sum_genweights: sum of their generator weights, 0 for data.
        sum_signs: sum of the signs of their generator weights, 0 for data.
        files: file name → its entries and UUID; files without surviving events are omitted.
        size: size of these files in bytes.
        skipped: file of the dataset → reason, for unreadable files that were left out completely.
        failures: path or URL → reason, for failed attempts to read a file that was read later or from another replica.
    """

    nevents: int = 0
    sum_genweights: float = 0.0
    sum_signs: float = 0.0
    files: dict[str, FileInfo] = field(default_factory=dict)
    size: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> SkimRecord:
        """Return the record in the folder of a branch."""
        return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))

    def write(self, folder: Path) -> None:
        """Write the record into the folder of the branch."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=1, allow_nan=False), encoding="utf-8")
