"""Formats in which merged columns are written besides parquet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pocket.errors import ConfigError

if TYPE_CHECKING:
    import awkward as ak


class ColumnFormat(ABC):
    """A format of merged columns, whose files lie beside those of parquet: ``{dataset}{suffix}``."""

    #: end of the names of files, such as ``.root``
    suffix: ClassVar[str]

    @abstractmethod
    def write(self, path: Path, tables: Iterator[ak.Array]) -> None:
        """Write the file of a dataset.

        Args:
            path: the file, in a folder that exists.
            tables: one or more arrays of records, of shape (events,) with the same fields, up to 100,000 events each;
                the first one may be empty. Weights are normalised.
        """


def check_formats(formats: Sequence[type[ColumnFormat]]) -> tuple[type[ColumnFormat], ...]:
    """Return the formats of a configuration.

    Raises:
        ConfigError: if one is no :class:`ColumnFormat`, or two have one suffix.
    """
    suffixes = {".parquet": "parquet, which is always written"}
    for one in formats:
        if not (isinstance(one, type) and issubclass(one, ColumnFormat)):
            raise ConfigError(f"column_formats: expected classes derived from ColumnFormat, not {one!r}")
        suffix = getattr(one, "suffix", None)
        if not isinstance(suffix, str) or not suffix.startswith(".") or "/" in suffix:
            raise ConfigError(f"column_formats: suffix of {one.__name__} must be like '.root', not {suffix!r}")
        if suffix in suffixes:
            raise ConfigError(f"column_formats: {one.__name__} has the suffix {suffix!r} of {suffixes[suffix]}")
        suffixes[suffix] = one.__name__
    return tuple(formats)
