"""The declaration of a skim: the configuration with its selection, and the columns that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError, check_known
from pocket.plan.skim import MODES, SkimPlan

#: names of compressions as in ROOT
COMPRESSIONS = ("LZ4", "ZSTD", "LZMA")


@dataclass(frozen=True)
class Skim(metaclass=Declarative):
    """A skim of the datasets of a configuration.

    Args:
        config: name of the configuration whose datasets are skimmed with its own cuts.
        mode: ``"skim"`` keeps events that pass the cuts ``skim`` of the configuration, ``"presel_any_variation"`` those
            that also pass its preselections, nominally or in any of its shape variations.
        keep: patterns of the columns to keep, e.g. ``"Muon_*"``; empty for all. Columns that identify an event, its
            ``genWeight`` and the counters of kept columns are always kept.
        drop: patterns of columns to leave out, even if ``keep`` has them, e.g. ``"HLT_*"``.
        compression: ``"LZ4"`` is read fastest, files of ``"ZSTD"`` are smaller, and those of ``"LZMA"`` are smallest
            and read slowest.

    Raises:
        UnknownNameError: if there is no such mode or compression.
        ConfigError: if the patterns aren't lists of strings.

    Examples:
        >>> Skim("nominal", keep=["Muon_*", "HLT_IsoMu24"], compression="ZSTD").mode
        'skim'
    """

    config: str
    mode: str = "skim"
    keep: Sequence[str] = ()
    drop: Sequence[str] = ()
    compression: str = "LZ4"

    def __post_init__(self) -> None:
        check_known("mode", [self.mode], MODES, f"skim of configuration {self.config!r}")
        check_known("compression", [self.compression], COMPRESSIONS, f"skim of configuration {self.config!r}")
        for option in ("keep", "drop"):
            patterns = getattr(self, option)
            if isinstance(patterns, str) or not all(isinstance(item, str) and item for item in patterns):
                raise ConfigError(
                    f"{option} of the skim of configuration {self.config!r} must be a list of patterns such as "
                    f"'Muon_*', not {patterns!r}"
                )

    def plan(self) -> SkimPlan:
        """Return what the skim keeps."""
        return SkimPlan(self.mode, tuple(self.keep), tuple(self.drop), self.compression)
