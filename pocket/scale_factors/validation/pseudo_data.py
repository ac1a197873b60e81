"""Pseudo-experiments: data with known scale factors, made of templates of simulation, and simulation that fluctuates.

Data are Poisson numbers about the measured samples, with factors injected, and all other samples of the configuration.
Simulation fluctuates within its own statistics: a bin with sums Σw and Σw² is as good as (Σw)²/Σw² events of equal
weight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import hist
import numpy as np
from scipy import stats

from pocket.base.typing import Floats, Indices
from pocket.errors import ScaleFactorError
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail, ScaleFactor
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.rebinning import Histogram, read_axis
from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.yields.declaration import NormRatio

#: function of a histogram of a measured sample, which returns its factor in the data, by part and bin
Factor = Callable[[str, Histogram], Floats]


@dataclass(frozen=True, eq=False)
class Injected:
    """What data of a pseudo-experiment are made with.

    Args:
        truth: the true values, in the order of those of the method.
        factor: factor of each measured sample, of shape (parts, bins with flow …) or one that broadcasts to it.
        shifts: variation of the templates, without its side → standard deviations by which the data have it, shape
            (groups,).
        roots: indices of values that are roots of what a fit measures; their squares are compared, which are normal.
    """

    truth: Floats
    factor: Factor
    shifts: Mapping[str, Floats] = field(default_factory=dict)
    roots: tuple[int, ...] = ()


#: function ``(declaration, templates, factors, rng) -> Injected`` of a method; ``factors`` of the groups, shape
#: (groups,)
Inject = Callable[[Any, Templates, Floats, np.random.Generator], Injected]


@dataclass(frozen=True, eq=False)
class Contents:
    """Sums of weights and their squares of a sample in disjoint parts: passing and failing ones, or each category.

    Args:
        values, variances: shape (parts, variations, bins with flow …).
        variations: names, nominal first.
    """

    values: Floats
    variances: Floats
    variations: tuple[str, ...]
    axes: tuple[Any, ...]

    @classmethod
    def of(cls, declaration: ScaleFactor, histogram: Histogram, variations: Sequence[str]) -> Contents:
        """Return the contents that a declaration reads of a histogram."""
        known = histogram.axes["variation"] if "variation" in histogram.axes.name else ()
        names = (NOMINAL, *(name for name in variations if name in known))
        source: Any = histogram

        def content(category: str, name: str) -> Any:
            chosen = source[{"cat": category, **({"variation": name} if known else {})}]
            return np.asarray(chosen.view(flow=True))

        whole = np.stack([np.stack([content(one, name) for name in names]) for one in declaration.categories()])
        values, variances = whole["value"].copy(), whole["variance"].copy()
        if is_nested(declaration):
            for sums in (values, variances):
                sums[1] -= sums[0]
        return cls(values, variances, names, bin_axes(histogram))

    def histogram(self, declaration: ScaleFactor) -> Histogram:
        """Return a histogram with these contents, in the categories of the declaration."""
        cat = hist.axis.StrCategory(declaration.categories(), name="cat")
        variation = hist.axis.StrCategory(self.variations, name="variation")
        made = hist.Hist(cat, variation, *self.axes, storage=hist.storage.Weight())
        view: Any = made.view(flow=True)
        for key, sums in (("value", self.values), ("variance", self.variances)):
            whole = sums.copy()
            if is_nested(declaration):
                whole[1] += whole[0]
            view[key][: len(whole), : len(self.variations)] = whole
        return made

    def shifted(self, stem: str, by: Floats) -> Floats:
        """Return the change of nominal values by a variation, for standard deviations that broadcast to the bins."""
        nominal = self.values[:, 0]
        up, down = (self.values[:, self.variations.index(f"{stem}{side}")] for side in ("Up", "Down"))
        return np.where(by > 0, by * (up - nominal), by * (nominal - down))

    def fluctuated(self, rng: np.random.Generator) -> Contents:
        """Return contents that fluctuate within their statistics; variations do so along with the nominal ones."""
        values, variances = self.values[:, 0], self.variances[:, 0]
        some = (values > 0) & (variances > 0)
        weight = np.divide(variances, values, out=np.zeros_like(values), where=some)
        effective = np.divide(values**2, variances, out=np.zeros_like(values), where=some)
        drawn = poisson(rng, effective) * weight
        # Sums of negative weights are no numbers of events.
        drawn = np.where(some, drawn, values + np.sqrt(np.maximum(variances, 0)) * rng.normal(size=values.shape))
        ratio = np.divide(drawn, values, out=np.ones_like(values), where=values != 0)[:, None]
        spread = np.where(some, drawn * weight, variances)
        of_squares = np.divide(spread, variances, out=np.ones_like(values), where=variances > 0)[:, None]
        return dataclasses.replace(self, values=self.values * ratio, variances=self.variances * of_squares)


def is_nested(declaration: ScaleFactor) -> bool:
    """Whether the first category of a declaration is a part of the second one."""
    return isinstance(declaration, PassFail) and bool(declaration.denominator)


@dataclass(frozen=True, eq=False)
class PseudoExperiments:
    """Pseudo-experiments of one measurement.

    Args:
        others: samples that the data have, too, with factors of one.
        factors: injected factors, shape (groups,).
        number: of several measurements, which are independent.
    """

    templates: Templates
    others: tuple[str, ...]
    factors: Floats
    inject: Inject
    variations: tuple[str, ...] = ()
    number: int = 0

    @property
    def declaration(self) -> ScaleFactor:
        """What is measured."""
        return self.templates.declaration

    @cached_property
    def contents(self) -> dict[str, Contents]:
        """Sample → contents, of the measured ones and of all others."""
        declaration, histograms = self.declaration, self.templates.histograms
        names = dict.fromkeys((*declaration.simulated(), *self.others))
        return {name: Contents.of(declaration, histograms[name], self.variations) for name in names}

    def draw(self, seed: int) -> tuple[Templates, Injected]:
        """Return templates of a pseudo-experiment, and what its data are made with.

        Those of similar templates are similar for the same seed.
        """
        declaration, rng = self.declaration, np.random.default_rng((seed, self.number))
        injected = self.inject(declaration, self.templates, self.factors, rng)
        made = {
            name: contents.histogram(declaration)
            for name, contents in self._fluctuated(rng, declaration.simulated()).items()
        }
        if isinstance(declaration, DataScaleFactor):
            made |= _as_data(
                declaration, self.contents, poisson(rng, _expected_data(self.templates, self.contents, injected))
            )
        return dataclasses.replace(self.templates, histograms=made), injected

    def from_other_events(self, seed: int) -> PseudoExperiments:
        """Return pseudo-experiments of simulation that has other events: data and simulation are made of these."""
        rng = np.random.default_rng((seed, self.number, 1))
        made = {
            name: contents.histogram(self.declaration)
            for name, contents in self._fluctuated(rng, self.contents).items()
        }
        return dataclasses.replace(self, templates=dataclasses.replace(self.templates, histograms=made))

    def _fluctuated(self, rng: np.random.Generator, samples: Iterable[str]) -> dict[str, Contents]:
        """Return contents that fluctuate within their statistics."""
        templates, declaration = self.templates, self.declaration
        if not isinstance(declaration, NormRatio):
            return {name: self.contents[name].fluctuated(rng) for name in samples}
        # A weight changes the same events, so their number fluctuates once, and then the mean of their weights. Both do
        # so in the bins of the measurement, since negative weights may cancel in finer ones.
        sums = [templates.read(declaration.mc, category) for category in declaration.categories()]
        without, with_it = (part.values for part in sums[:2])
        first, second, both = (part.variances for part in sums)
        effective = without**2 / first
        number = poisson(rng, effective) / effective
        variance = np.maximum(second / with_it**2 - 2 * both / (without * with_it) + first / without**2, 0)
        change = 1 + np.sqrt(variance / np.where(number > 0, number, 1)) * rng.normal(size=number.shape)
        # The weights of all events change alike, so their spread relative to the mean stays.
        changes = [(number, number), (number * change, number * change**2), (number, number * change)]

        def changed(name: str) -> Contents:
            histogram = templates.histograms[name]
            of_values, of_variances = (
                np.stack([by_bin(templates, histogram, part)[None] for part in parts])
                for parts in zip(*changes, strict=True)
            )
            old = self.contents[name]
            return dataclasses.replace(old, values=old.values * of_values, variances=old.variances * of_variances)

        return {name: changed(name) for name in samples}


def _expected_data(templates: Templates, contents: Mapping[str, Contents], injected: Injected | None = None) -> Floats:
    """Return the sum of samples, in which the measured ones have injected values, shape (parts, bins with flow …)."""
    total: Any = 0.0
    for name, of_sample in contents.items():
        expected = of_sample.values[:, 0]
        if injected and name in templates.declaration.mc:
            histogram = templates.histograms[name]
            for stem, shifts in injected.shifts.items():
                if f"{stem}Up" in of_sample.variations:
                    expected = expected + of_sample.shifted(stem, by_bin(templates, histogram, shifts))
            expected = expected * injected.factor(name, histogram)
        if np.shape(total) not in ((), expected.shape):
            raise ScaleFactorError(
                f"variable {templates.declaration.variable!r}: sample {name!r} has other axes than those before, so no "
                "pseudo-data can be made"
            )
        total = total + expected
    return np.asarray(total)


def _as_data(declaration: DataScaleFactor, contents: Mapping[str, Contents], numbers: Floats) -> dict[str, Histogram]:
    """Return histograms of data with some numbers, all of which are in the first sample."""
    data = Contents(numbers[:, None], numbers[:, None], (NOMINAL,), contents[declaration.mc[0]].axes)
    nothing = dataclasses.replace(data, values=0 * data.values, variances=0 * data.values)
    return {name: (nothing if number else data).histogram(declaration) for number, name in enumerate(declaration.data)}


def with_expected(templates: Templates, weighted: Mapping[str, Histogram], others: Sequence[str]) -> Templates:
    """Return templates whose data are what simulation with known values expects, without fluctuations."""
    declaration, own = templates.declaration.bare(), templates.histograms
    assert isinstance(declaration, DataScaleFactor)
    sources = {
        **{name: own[name] for name in others if name in own},
        **{name: weighted[name] for name in declaration.mc},
    }
    names = dict.fromkeys((*declaration.simulated(), *sources))
    contents = {name: Contents.of(declaration, sources.get(name, own[name]), ()) for name in names}
    # Sums of negative weights are no numbers of events.
    data = _as_data(declaration, contents, np.maximum(0, _expected_data(templates, contents)))
    return dataclasses.replace(templates, declaration=declaration, histograms={**own, **data}, data_are_expected=True)


def poisson(rng: np.random.Generator, mean: Floats) -> Floats:
    """Return Poisson numbers, which differ little for means that do if the generator is the same."""
    return np.asarray(stats.poisson.ppf(rng.random(mean.shape), np.maximum(mean, 0)))


def bin_axes(histogram: Histogram) -> tuple[Any, ...]:
    """Return the axes of the contents of a histogram."""
    return tuple(axis for axis in histogram.axes if axis.name not in ("cat", "variation"))


def by_bin(templates: Templates, histogram: Histogram, of_groups: Floats) -> Floats:
    """Return values of groups in the bins of a histogram, flow included, which broadcast to those of its contents.

    Entries outside of an axis have the value of the first or the last bin.

    Args:
        of_groups: shape (groups,).

    Returns:
        Shape (bins of each axis …), with one bin for axes that don't bin the scale factor.
    """
    axes = bin_axes(histogram)
    binning = templates.binning
    numbers: dict[str, Indices] = {}
    for name, bins in binning.axes.items():
        axis = histogram.axes[name]
        own = read_axis(axis)
        if isinstance(bins, Categories) or isinstance(own, Categories):
            # Values without a category of their own are behind the last one.
            found = np.minimum(np.arange(axis.extent), axis.size - 1)
        else:
            middle = (np.array(own[1:]) + np.array(own[:-1])) / 2
            inside = np.clip(np.searchsorted(bins, np.nan_to_num(middle), side="right") - 1, 0, len(bins) - 2)
            found = np.pad(inside, (int(axis.traits.underflow), int(axis.traits.overflow)), mode="edge")
        numbers[name] = found
    values = of_groups[binning.groups[np.ix_(*numbers.values())]]
    order = [axis.name for axis in axes]
    values = np.transpose(values, np.argsort([order.index(name) for name in numbers]))
    shape = [len(numbers[name]) if name in numbers else 1 for name in order]
    return np.asarray(values.reshape(shape))


def of_passing(declaration: PassFail, histogram: Histogram, passing: Floats, failing: Floats) -> Floats:
    """Return factors of passing and failing entries by part and bin, for factors that broadcast to the bins."""
    if declaration.fail_category or declaration.denominator:
        return np.stack([passing, failing])
    axes = bin_axes(histogram)
    position = [axis.name for axis in axes].index(declaration.pass_axis)
    axis = axes[position]
    success = int(axis.index(1)) + int(axis.traits.underflow)
    chosen = np.repeat(failing, axis.extent, axis=position)
    chosen[(slice(None),) * position + (success,)] = passing.take(0, axis=position)
    return chosen[None]


def efficiency_factor(
    declaration: PassFail, templates: Templates, factors: Floats, passing: Floats, failing: Floats
) -> Factor:
    """Return the factors with which an efficiency is larger by ``factors``, at the same sums of weights.

    Failing entries are multiplied by 1 + (1 − f) P / F, with the sums P and F of passing and failing ones.

    Args:
        passing, failing: P and F of simulation, shape (groups,).
    """
    others = 1 + (1 - factors) * np.divide(passing, failing, out=np.zeros_like(passing), where=failing > 0)

    def factor(_: str, histogram: Histogram) -> Floats:
        sides = (by_bin(templates, histogram, side) for side in (factors, others))
        return of_passing(declaration, histogram, *sides)

    return factor
