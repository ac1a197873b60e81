"""The record of a skimmed branch: its files, and the sums over all its events before the skim."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pocket.datasets.fileset import FileInfo

RECORD = "skim.json"


@dataclass
class SkimRecord:
    """Result of skimming a branch: events before the skim, sums of their weights and signs (0 for data), and files.

    ``files`` have a name → entries and UUID, and a size in bytes; files without surviving events are omitted.
    Unreadable files that were left out completely are ``skipped`` (→ reason); ``failures`` are paths or URLs after
    which another attempt or replica worked.
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
