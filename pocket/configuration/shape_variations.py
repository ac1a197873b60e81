"""The block ``variations.shape`` of a configuration, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pocket.base.sample_blocks import Block
from pocket.calibrators.base import Calibrator, check_calibrators
from pocket.errors import ConfigError, check_known
from pocket.plan.shapes import ShapePlan


def build_shape_plan(
    block: Mapping[str, Any],
    calibrators: Sequence[type[Calibrator]],
    categories: Sequence[str],
    samples: Mapping[str, bool],
    dropped: Iterable[str] = (),
) -> ShapePlan:
    """Return the plan of the block ``variations.shape`` of a configuration (:mod:`pocket.base.sample_blocks`)."""
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


def check_variations(variations: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any], Any]:
    """Return the blocks of weight and of shape variations, and which of them eras share."""
    check_known("key", variations, ("weights", "shape", "correlated"), "variations")
    return variations.get("weights", {}), variations.get("shape", {}), variations.get("correlated")
