"""Files as described by a catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueFile:
    """File of a dataset; what the catalogue doesn't have is None or empty.

    Its name is its logical name at CMS, and its address at CERN Open Data.
    """

    name: str
    size: int | None = None
    checksum: str = ""
    entries: int | None = None
    block: str = ""
    valid: bool = True

    @property
    def identity(self) -> str:
        """Description that changes with the content; empty if the catalogue doesn't have one."""
        known = self.checksum and self.size is not None
        return f"{self.name} {self.size} bytes {self.checksum}" if known else ""
