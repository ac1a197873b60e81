"""Layout of a dataset's output: the counted and stored samples and variations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.calibrators.base import NOMINAL
from pocket.calibrators.sequence import CalibratorSequence
from pocket.engine.filling import StoredVariations
from pocket.plan.processing import ProcessingPlan
from pocket.plan.shapes import shape_variations
from pocket.weights.plan import variation_names


@dataclass(frozen=True)
class Layout:
    """Samples and variations of a dataset.

    Counted are the sample and its subsamples, which the cutflow counts; stored, with histograms and columns, are the
    subsamples, or the sample if it has none. ``processed`` are all variations, ``nominal`` first.
    """

    dataset: str
    counted: tuple[str, ...]
    stored: tuple[str, ...]
    sequence: CalibratorSequence
    variations: Mapping[str, StoredVariations]
    processed: tuple[str, ...]

    @property
    def stored_variations(self) -> dict[str, StoredVariations]:
        """Stored sample → its variations."""
        return {sample: self.variations[sample] for sample in self.stored}


def dataset_layout(
    plan: ProcessingPlan, params: Any, metadata: Mapping[str, Any], sequence: CalibratorSequence | None = None
) -> Layout:
    """Return the layout of a dataset.

    Some calibrators know their variations after :meth:`initialize` only, so those of a chunk are given.
    """
    sample = str(metadata["sample"])
    counted = plan.counted_samples(sample)
    requested = () if metadata.get("varies") else plan.shapes.requested(counted)
    sequence = sequence or CalibratorSequence(plan.shapes.calibrators, params, metadata, requested)
    available = {name: sequence.variations_of(name) for name in requested}
    variations = {
        name: StoredVariations(
            variation_names(plan.weights, plan.weights.samples[name], params, metadata),
            shape_variations(plan.shapes, name, available),
        )
        for name in counted
    }
    return Layout(
        dataset=str(metadata["dataset"]),
        counted=counted,
        stored=plan.stored_samples(sample),
        sequence=sequence,
        variations=variations,
        processed=(NOMINAL, *sequence.variations),
    )
