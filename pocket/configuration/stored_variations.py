"""The variations that templates have: those of weights and calibrators, of dedicated samples, and one-sided ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.calibrators.base import names_come_later, requested_variations
from pocket.calibrators.sequence import CalibratorSequence
from pocket.datasets.sample_variations import dedicated_variations
from pocket.errors import ConfigError, check_known
from pocket.histograms.combined import combinations_of
from pocket.histograms.one_sided import Symmetrise, check_symmetrise, mode_of, other_side, stem_of
from pocket.weights.plan import variation_names

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


@dataclass(frozen=True)
class Source:
    """Variations of one ``"weight"`` or ``"calibrator"`` in a dataset."""

    kind: str
    instance: Any
    variations: tuple[str, ...]
    is_complete: bool = True

    @property
    def name(self) -> str:
        """Name of the weight or calibrator."""
        return str(self.instance.name)


def sources_of(cfg: Configurator, dataset: str) -> Iterator[Source]:
    """Yield the weights and calibrators whose variations a dataset stores in any category."""
    definition = cfg.definitions[dataset]
    if definition.varies is not None or not definition.is_mc:
        return
    metadata = {"dataset": dataset, **definition.metadata()}
    plans = [cfg.weights.samples[sample] for sample in cfg.counted_samples(definition.sample)]
    for name in dict.fromkeys(name for plan in plans for names in plan.variations.values() for name in names):
        weight = cfg.weights.classes[name](cfg.parameters, metadata)
        yield Source("weight", weight, tuple(weight.variation_names()))
    yield from shape_sources_of(cfg, dataset)


def shape_sources_of(cfg: Configurator, dataset: str) -> Iterator[Source]:
    """Yield the calibrators whose variations a dataset stores in any category, see :func:`sources_of`."""
    definition = cfg.definitions[dataset]
    if definition.varies is not None or not definition.is_mc:
        return
    if requested := cfg.shapes.requested(cfg.counted_samples(definition.sample)):
        metadata = {"dataset": dataset, **definition.metadata()}
        sequence = CalibratorSequence(cfg.shapes.calibrators, cfg.parameters, metadata, requested)
        for calibrator in sequence.calibrators:
            if calibrator.name in requested:
                variations = sequence.variations_of(calibrator.name)
                yield Source("calibrator", calibrator, variations, not names_come_later(calibrator))


def stored_variations(
    cfg: Configurator, samples: Collection[str] | None = None, years: Collection[str] = ()
) -> Iterator[str | None]:
    """Yield all variations that samples store, and ``None`` if some aren't known before there are events.

    Args:
        samples: names of samples and subsamples; ``None`` for all.
        years: years of their datasets; empty for all.
    """
    for definition in cfg.definitions.values():
        counted = cfg.counted_samples(definition.sample)
        wanted = counted if samples is None else [name for name in counted if name in samples]
        if not wanted or (years and definition.year not in years):
            continue
        if definition.varies is not None:
            yield definition.varies.variation
            continue
        metadata = definition.metadata()
        for sample in wanted:
            yield from variation_names(cfg.weights, cfg.weights.samples[sample], cfg.parameters, metadata)
            for calibrator in cfg.shapes.calibrators:
                if calibrator.name in cfg.shapes.requested([sample]):
                    instance = calibrator(cfg.parameters, metadata, True)
                    yield from (None,) if names_come_later(instance) else requested_variations(instance)


def stored_sources(cfg: Configurator) -> list[str] | None:
    """Return the systematic sources of templates, without ``Up`` and ``Down``; ``None`` if some are known later.

    Members of combined variations, such as those of a PDF set, count as one.
    """
    stored = list(stored_variations(cfg))
    if None in stored:
        return None
    names = list(dict.fromkeys(stem_of(name) for name in stored if name is not None))
    for combination in combinations_of(cfg.weights.classes.values()):
        members = combination.find(names)
        if combination.quadrature:
            members += combination.find(names, combination.quadrature)
        if members:
            names = [name for name in names if name not in members] + [combination.name]
    return names


def check_sample_variations(cfg: Configurator) -> None:
    """Check that no weight or calibrator has a variation that a dataset fills for the same sample."""
    for one in dedicated_variations(cfg.definitions):
        for source in (source for target in one.targets for source in sources_of(cfg, target)):
            if {one.name, other_side(one.name)}.intersection(source.variations):
                raise ConfigError(
                    f"{cfg.definitions[one.sources[0]].where} fills variation {one.name!r} of sample {one.sample!r}, "
                    f"but {source.kind} {source.name!r} has the variation {stem_of(one.name)!r} already: name it "
                    "otherwise"
                )


def one_sided_variations(cfg: Configurator) -> dict[str, str]:
    """Return one-sided variation → mode of its other side, for the variations that a configuration stores."""
    found: dict[str, str] = {}
    stems: dict[str, set[str]] = {}
    modes: dict[str, Mapping[str, str]] = {}
    for source in (source for dataset in cfg.definitions for source in shape_sources_of(cfg, dataset)):
        calibrator, variations = source.instance, source.variations
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
    for variation, mode in _of_samples(cfg).items():
        if found.setdefault(variation, mode) != mode:
            raise ConfigError(
                f"variation {variation!r} of a dedicated sample has the other side {mode!r}, but a weight or "
                f"calibrator has a variation of that name with {found[variation]!r}"
            )
    return found


def _of_samples(cfg: Configurator) -> dict[str, str]:
    """Return one-sided variation of a dedicated sample → mode of its other side."""
    dedicated = dedicated_variations(cfg.definitions)
    filled = {(target, one.name) for one in dedicated for target in one.targets}
    found: dict[str, str] = {}
    for one in dedicated:
        if all((target, other_side(one.name)) in filled for target in one.targets):
            continue
        for definition in map(cfg.definitions.__getitem__, one.sources):
            mode = definition.varies.symmetrise if definition.varies else ""
            if not mode or found.setdefault(one.name, mode) != mode:
                raise ConfigError(
                    f"{definition.where} fills variation {one.name!r}, but none fills {other_side(one.name)!r}: "
                    "'symmetrise' in 'varies' must say whether that is the same change with the opposite sign, "
                    '"mirror", or no change, "none", the same for all datasets'
                )
    return found


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
