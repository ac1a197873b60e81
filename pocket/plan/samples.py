"""Names of the samples that are counted and stored, which are the same in a configuration and its plan."""

from __future__ import annotations

from collections.abc import Mapping

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.cuts.categories import StandardSelection


class SampleNames:
    """Names of samples and of their subsamples."""

    subsamples: Mapping[str, StandardSelection]

    def counted_samples(self, sample: str) -> tuple[str, ...]:
        """Return the names that the cutflow counts for a sample: itself and subsamples ``{sample}__{subsample}``."""
        names = self.subsamples[sample].names if sample in self.subsamples else ()
        return (sample, *(f"{sample}{SUBSAMPLE}{name}" for name in names))

    def stored_samples(self, sample: str) -> tuple[str, ...]:
        """Return the names with templates for a sample: its subsamples, or itself if it has none."""
        return self.counted_samples(sample)[1:] or (sample,)
