"""Files as described by a catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueFile:
    """File of a dataset; what the catalogue doesn't have is None or empty.

    Args:
        name: logical name at CMS; elsewhere the address, or the absolute path.
        size: in bytes.
        checksum: of any kind; with the size it tells whether the content has changed, without opening the file.
        entries: number of events.
        block: name of its block in DBS.
        valid: whether the file may be used; others are left out.
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
