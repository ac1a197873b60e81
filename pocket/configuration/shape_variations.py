"""The stored shape variations of samples in categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.base.sample_blocks import Block
from pocket.calibrators.base import Calibrator, check_calibrators
from pocket.errors import ConfigError, check_known


@dataclass(frozen=True)
class ShapePlan:
    """Calibrators whose shape variations are stored.

    Args:
        calibrators: all calibrators of the configuration, in the order of their application.
        samples: sample, or ``{sample}__{subsample}`` → category → names of the varied calibrators.
    """

    calibrators: tuple[type[Calibrator], ...]
    samples: Mapping[str, Mapping[str, tuple[str, ...]]]

    def requested(self, samples: Sequence[str]) -> tuple[str, ...]:
        """Return the calibrators that are varied in any of some samples, in the order of their application."""
        asked = {name for sample in samples for names in self.samples[sample].values() for name in names}
        return tuple(calibrator.name for calibrator in self.calibrators if calibrator.name in asked)


def build_shape_plan(
    block: Mapping[str, Any],
    calibrators: Sequence[type[Calibrator]],
    categories: Sequence[str],
    samples: Mapping[str, bool],
    dropped: Iterable[str] = (),
) -> ShapePlan:
    """Return the plan of the block ``variations.shape`` of a configuration (:mod:`pocket.base.sample_blocks`).

    Args:
        calibrators: the calibrators, in the order of their application.
        samples: sample, or ``{sample}__{subsample}`` → whether it is simulation; data have no variations.
        dropped: other samples and subsamples that may be named.
    """
    for calibrator in calibrators:
        if not (isinstance(calibrator, type) and issubclass(calibrator, Calibrator)):
            raise ConfigError(f"calibrators: {calibrator!r} is no calibrator class")
    check_calibrators(calibrators, (), "calibrators")

    def resolve(entry: Any, where: str) -> str:
        if not calibrators:
            raise ConfigError(
                f"{where} asks for {entry!r}, but the configuration has no calibrators: calibrators=[…] must name "
                "them; PocketCoffea's default sequence is pocket.calibrators.default_calibrators_sequence"
            )
        check_calibrators(calibrators, [entry], where)
        return str(entry)

    wanted = Block(block, "variations.shape", resolve, categories, (*samples, *dropped))
    plan = {
        sample: {
            category: tuple(dict.fromkeys(wanted.of(sample, category))) if is_mc else () for category in categories
        }
        for sample, is_mc in samples.items()
    }
    return ShapePlan(tuple(calibrators), plan)


def shape_variations(
    plan: ShapePlan, sample: str, available: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the shape variations of a sample or subsample in each category.

    Args:
        available: calibrator → names of its variations.

    Returns:
        Category → names of its shape variations, in the order of the calibrators.
    """
    return {
        category: tuple(variation for name in names for variation in available.get(name, ()))
        for category, names in plan.samples[sample].items()
    }


def check_variations(variations: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any], Any]:
    """Return the blocks of weight and of shape variations, and which of them eras share."""
    check_known("key", variations, ("weights", "shape", "correlated"), "variations")
    return variations.get("weights", {}), variations.get("shape", {}), variations.get("correlated")
