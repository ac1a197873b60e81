"""Known values in pseudo-data of each method, see :mod:`pocket.scale_factors.validation.pseudo_data`."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.declarations.measured import PassFail, ScaleFactor
from pocket.scale_factors.declarations.systematics import LogNormal
from pocket.scale_factors.measurement.rebinning import Histogram
from pocket.scale_factors.measurement.templates import Templates
from pocket.scale_factors.methods.energy_scale.declaration import EnergyScale
from pocket.scale_factors.methods.energy_scale.folding import fold
from pocket.scale_factors.methods.pass_fail_template.declaration import PassFailTemplate
from pocket.scale_factors.methods.yields.declaration import DataMCRatio
from pocket.scale_factors.validation.pseudo_data import (
    Contents,
    Injected,
    bin_axes,
    by_bin,
    efficiency_factor,
    of_passing,
)

#: relative smearings that categories have in turn in pseudo-data
SMEARINGS = (0.013, 0.018)


def efficiency(declaration: PassFail, templates: Templates, factors: Floats, _: np.random.Generator) -> Injected:
    """Return scale factors of an efficiency, which refers to all entries or to those of a range."""
    counts = templates.counts_in_range(declaration.mc)
    # Where nothing fails, nothing can take what doesn't pass.
    factors = np.where(counts.failing > 0, factors, 1.0)
    return Injected(factors, efficiency_factor(declaration, templates, factors, counts.passing, counts.failing))


def yields(declaration: DataMCRatio, templates: Templates, factors: Floats, _: np.random.Generator) -> Injected:
    """Return ratios of yields, relative to their mean if the yield is kept."""
    target = templates.read(declaration.mc).values
    truth = factors * target.sum() / (factors * target).sum() if declaration.keep_yield else factors
    return Injected(truth, lambda _, histogram: by_bin(templates, histogram, factors)[None])


def simulation(declaration: ScaleFactor, templates: Templates, *_: object) -> Injected:
    """Return what is measured in the templates themselves, for methods without data."""
    return Injected(find_function(declaration.method)(declaration, templates).values.value, lambda *_: np.ones(1))


def working_point(
    declaration: PassFailTemplate, templates: Templates, factors: Floats, rng: np.random.Generator
) -> Injected:
    """Return scale factors of a tagger, and nuisances as they are drawn from their constraints."""
    counts = templates.counts(declaration.mc, (declaration.flavour_axis, declaration.discriminant))
    axis = templates.histogram(declaration.mc, None, (declaration.flavour_axis,)).axes[declaration.flavour_axis]
    groups = len(factors)
    # Each group has a fit, and nuisances, of its own.
    samples: dict[str, Floats] = {}
    shifts: dict[str, Floats] = {}
    for source in declaration.fitted():
        if isinstance(source, LogNormal):
            samples |= dict.fromkeys(source.samples, source.kappa ** rng.normal(size=groups))
        else:
            shifts[source.stem] = rng.normal(size=groups)
    # The shape of all factors is (bins of the flavour, groups).
    passing, failing = np.ones((2, axis.extent, groups))
    truth = []
    for flavour, values in declaration.flavours.items():
        positions = [int(axis.index(value)) for value in values]
        value = declaration.frozen.get(flavour, (1.0, 0.0))
        injected = factors if flavour in declaration.floating else value[0] * (1 + value[1]) ** rng.normal(size=groups)
        rate = (1 + declaration.fractions.get(flavour, 0.0)) ** rng.normal(size=groups)
        ratio = np.divide(*(part[:, positions].sum(axis=(1, 2)) for part in (counts.passing, counts.failing)))
        for position in positions:
            passing[position + int(axis.traits.underflow)] = rate * injected
            failing[position + int(axis.traits.underflow)] = rate * (1 + (1 - injected) * ratio)
            truth.append(injected)

    def factor(sample: str, histogram: Histogram) -> Floats:
        where = [one.name for one in bin_axes(histogram)].index(declaration.flavour_axis)
        sides = (
            np.concatenate([by_bin(templates, histogram, of_bin) for of_bin in side], axis=where)
            for side in (passing, failing)
        )
        rate = by_bin(templates, histogram, samples.get(sample, np.ones(groups)))
        return rate * of_passing(declaration, histogram, *sides)

    return Injected(np.concatenate(truth), factor, shifts)


def energy_scale(declaration: EnergyScale, templates: Templates, factors: Floats, _: np.random.Generator) -> Injected:
    """Return energy scales, and smearings where they are measured."""
    smearings = np.resize(SMEARINGS, len(factors)) if declaration.smearing else np.zeros(len(factors))

    def factor(_: str, histogram: Histogram) -> Floats:
        contents = Contents.of(declaration, histogram, ()).values[:, 0]
        axes = bin_axes(histogram)
        names = [axis.name for axis in axes]
        inside = tuple(slice(int(axis.traits.underflow), int(axis.traits.underflow) + axis.size) for axis in axes)
        wanted = (*declaration.axes, *declaration.partner_axes, declaration.mass_axis)
        masses = np.asarray(axes[names.index(declaration.mass_axis)].edges, dtype=float)
        scale, square = (np.add.outer(of_group, of_group).ravel() for of_group in (np.log(factors) / 2, smearings**2))
        folded = fold(masses, masses, np.exp(scale), square, declaration.smearing_function).matrix
        # The axes of both leptons and the mass come last; others are kept.
        sources, targets = [1 + names.index(name) for name in wanted], range(-len(wanted), 0)
        moved = np.moveaxis(contents[(slice(None), *inside)], sources, targets)
        by_pair = moved.reshape(*moved.shape[: -len(wanted)], len(scale), len(masses) - 1)
        changed = np.einsum("...pk,pkb->...pb", by_pair, folded)
        ratio = np.divide(changed, by_pair, out=np.ones_like(changed), where=by_pair != 0).reshape(moved.shape)
        whole = np.ones_like(contents)
        whole[(slice(None), *inside)] = np.moveaxis(ratio, targets, sources)
        return whole

    truth = np.concatenate([factors, smearings]) if declaration.smearing else factors
    return Injected(truth, factor, roots=tuple(range(len(factors), len(truth))))
