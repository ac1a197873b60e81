"""Normalisation of skims by the sums over all events before the skim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError

#: Branch of a skim: Σ genWeight before the skim divided by that after it, for the events of one file.
RESCALE = "skimRescaleGenWeight"


def generator_sums(events: Any, metadata: Mapping[str, Any]) -> tuple[float, float]:
    """Return Σ genWeight and Σ sign(genWeight) of simulated events before any cut, in double precision.

    For a skim, the first is Σ genWeight · skimRescaleGenWeight, the sum before the skim as far as its files have it:
    files without surviving events are missing. The second isn't known, so it is 0. If the metadata of the skim have the
    sums, :func:`restore_sums` replaces both. Without ``genWeight``, both are 0.
    """
    if "genWeight" not in events.fields:
        return 0.0, 0.0
    # A float32 sum over a large dataset would be off by more than the luminosity error.
    weights = np.asarray(events.genWeight, dtype=np.float64)
    if bad := int((~np.isfinite(weights)).sum()):
        raise DatasetError(
            f"dataset {metadata['dataset']!r}: genWeight is not finite for {bad} of {len(weights)} events"
        )
    if not metadata.get("isSkim"):
        return float(weights.sum()), float(np.sign(weights).sum())
    if RESCALE not in events.fields:
        return 0.0, 0.0
    return float((weights * np.asarray(events[RESCALE], dtype=np.float64)).sum()), 0.0


def restore_sums(output: dict[str, Any], dataset: str, metadata: Mapping[str, Any]) -> None:
    """Replace the sums in a merged output by those before the skim, if the metadata of the dataset have them."""
    before = BeforeSkim.of(metadata) or BeforeSkim()
    if before.nevents is not None:
        output["cutflow"]["initial"][dataset] = before.nevents
    if before.sum_genweights is not None:
        output["sum_genweights"][dataset] = before.sum_genweights
    if before.sum_signs is not None:
        output["sum_signOf_genweights"][dataset] = before.sum_signs
