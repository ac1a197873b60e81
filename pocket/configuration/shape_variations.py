"""The stored variations of samples in categories, and the one-sided ones among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.base.sample_blocks import Block
from pocket.calibrators.base import Calibrator, check_calibrators
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError, check_known
from pocket.histograms.one_sided import Symmetrise, check_symmetrise, mode_of, other_side, stem_of

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


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
        block: block of names of calibrators.
        calibrators: the calibrators, in the order of their application.
        categories: names of the categories.
        samples: sample, or ``{sample}__{subsample}`` → whether it is simulation; data have no variations.
        dropped: other samples and subsamples that may be named.

    Raises:
        UnknownNameError: for an unknown key, calibrator, category or sample.
        ConfigError: if a calibrator has the wrong type, two have the same name, one has no variations to store, or
            there are no calibrators to vary.
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
        plan: the calibrators.
        sample: the sample or subsample.
        available: calibrator → names of its variations.

    Returns:
        Category → names of its shape variations, in the order of the calibrators.
    """
    return {
        category: tuple(variation for name in names for variation in available.get(name, ()))
        for category, names in plan.samples[sample].items()
    }


def check_variations(variations: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the blocks of weight and of shape variations.

    Raises:
        UnknownNameError: if there is another key.
    """
    check_known("key", variations, ("weights", "shape"), "variations")
    return variations.get("weights", {}), variations.get("shape", {})


def one_sided_variations(cfg: Configurator) -> dict[str, str]:
    """Return one-sided variation → mode of its other side, for the variations that a configuration stores.

    Args:
        cfg: the configuration.

    Raises:
        ConfigError: if a variation has one side and no mode, or its name has no side.
        UnknownNameError: if a mode is unknown, or belongs to a variation that no dataset has.
    """
    found: dict[str, str] = {}
    stems: dict[str, set[str]] = {}
    modes: dict[str, Mapping[str, str]] = {}
    for calibrator, variations in _shape_variations(cfg):
        where = f"calibrator {calibrator.name!r}"
        check_symmetrise(calibrator.symmetrise, where)
        found |= _one_sided(variations, calibrator.symmetrise, where)
        # A source may exist for some years only, so all datasets are collected first.
        stems.setdefault(where, set()).update(map(stem_of, variations))
        if not isinstance(calibrator.symmetrise, str):
            modes[where] = calibrator.symmetrise
    for where, by_variation in modes.items():
        check_known("variation", by_variation, stems[where], f"symmetrise of {where}")
    for cls in cfg.weights.classes.values():
        check_symmetrise(cls.symmetrise, f"weight {cls.name!r}")
        of_weight = {"": cls.symmetrise} if isinstance(cls.symmetrise, str) else cls.symmetrise
        found |= {f"{cls.name}_{name}Up" if name else f"{cls.name}Up": mode for name, mode in of_weight.items() if mode}
    return found


def _shape_variations(cfg: Configurator) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each calibrator that varies simulation with its variations, for all datasets."""
    for dataset, definition in cfg.definitions.items():
        requested = cfg.shapes.requested(cfg.counted_samples(definition.sample)) if definition.is_mc else ()
        if requested:
            metadata = {"dataset": dataset, **definition.metadata()}
            sequence = CalibratorSequence(cfg.shapes.calibrators, cfg.parameters, metadata, requested)
            for calibrator in sequence.calibrators:
                if calibrator.name in requested:
                    yield calibrator, sequence.variations_of(calibrator.name)


def _one_sided(variations: Sequence[str], symmetrise: Symmetrise, where: str) -> dict[str, str]:
    found = {}
    for variation in variations:
        try:
            other = other_side(variation)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        if other in variations:
            continue
        if not (mode := mode_of(symmetrise, stem_of(variation))):
            raise ConfigError(
                f"{where} has the variation {variation!r} but not {other!r}: symmetrise must say whether that is the "
                f'same change with the opposite sign, {{{stem_of(variation)!r}: "mirror"}}, or no change, "none"'
            )
        found[variation] = mode
    return found
