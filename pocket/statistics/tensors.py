"""The arrays of a model that expectations are computed from: bins of all regions side by side, processes as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats, Indices, Mask
from pocket.statistics.formulas import Formula, multiply
from pocket.statistics.model import Model, RegionModel


@dataclass(frozen=True, eq=False)
class Factor:
    """A product of parameters and formulas that multiplies the yields of some processes in some regions.

    Args:
        formulas: what is multiplied; a parameter is the formula ``@0``.
        positions: for each formula, the positions of its arguments among all parameters.
        rows, columns: the processes and regions whose yields are multiplied, each of shape (places,).
    """

    formulas: tuple[Formula, ...]
    positions: tuple[Indices, ...]
    rows: Indices
    columns: Indices

    def evaluate(self, values: Floats) -> tuple[Indices, float, Floats, Floats]:
        """Return the positions of the arguments, the value, the gradient and the Hessian of the product."""
        if len(self.formulas) == 1 and self.formulas[0].expression == "@0":
            return self.positions[0], float(values[self.positions[0][0]]), np.ones(1), np.zeros((1, 1))
        where = np.unique(np.concatenate(self.positions))
        size = len(where)
        product = (1.0, np.zeros(size), np.zeros((size, size)))
        for formula, positions in zip(self.formulas, self.positions, strict=True):
            value, gradient, hessian = formula.evaluate(values[positions])
            spread = np.zeros((len(positions), size))
            spread[np.arange(len(positions)), np.searchsorted(where, positions)] = 1
            product = multiply(product, (value, spread.T @ gradient, spread.T @ hessian @ spread))
        return where, *product


@dataclass(frozen=True, eq=False)
class Tensors:
    """Arrays of P processes, B bins of C regions, K nuisances of shapes, L nuisances of yields.

    Args:
        starts: first bin of each region, shape (C,).
        column: region of each bin, shape (B,).
        nominal: shape (P, B), 0 where a region doesn't have a process.
        sumw2: shape (P, B).
        morphing: odd parts, then even parts of the templates at fixed yield, shape (2K, P, B).
        logarithmic: where these are parts of logarithms, shape (P, C).
        shape_positions: positions of the K nuisances among all parameters.
        odd_norm, even_norm: odd and even part of the logarithms of factors, shape (L, P, C).
        norm_positions: positions of the L nuisances among all parameters.
        factors: products of parameters that multiply yields.
    """

    starts: Indices
    column: Indices
    nominal: Floats
    sumw2: Floats
    morphing: Floats
    logarithmic: Mask
    shape_positions: Indices
    odd_norm: Floats
    even_norm: Floats
    norm_positions: Indices
    factors: tuple[Factor, ...]

    def by_region(self, values: Floats) -> Floats:
        """Return the sums over the bins of each region, of values of shape (…, B)."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1))

    def slices(self) -> list[slice]:
        """Return the bins of each region."""
        ends = [*self.starts[1:], len(self.column)]
        return [slice(int(start), int(end)) for start, end in zip(self.starts, ends, strict=True)]


def tensors(model: Model) -> Tensors:
    """Return the arrays of a model."""
    rows = {process: row for row, process in enumerate(model.processes)}
    sizes = np.array([region.bins for region in model.regions])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    # Free parameters may change templates and yields, too.
    changing = (*model.free, *model.nuisances)
    shaped = [name for name in changing if any(name in region.shapes for region in model.regions)]
    nominal = np.zeros((len(rows), int(sizes.sum())))
    sumw2 = np.zeros_like(nominal)
    morphing = np.zeros((2 * len(shaped), *nominal.shape))
    logarithmic = np.zeros((len(rows), len(sizes)), dtype=bool)
    up, down = np.zeros((2, len(changing), len(rows), len(sizes)))
    order = {name: number for number, name in enumerate(changing)}
    for column, (region, start) in enumerate(zip(model.regions, starts, strict=True)):
        bins = slice(int(start), int(start) + region.bins)
        at = [rows[process] for process in region.processes]
        nominal[at, bins], sumw2[at, bins] = region.nominal, region.sumw2
        logarithmic[[rows[process] for process in region.logarithmic], column] = True
        for name, effects in region.log_normals.items():
            for process, kappas in effects.items():
                down[order[name], rows[process], column] += np.log(kappas[0])
                up[order[name], rows[process], column] += np.log(kappas[1])
        for name, templates in region.shapes.items():
            number = shaped.index(name)
            for process, pair in templates.items():
                row = rows[process]
                kappas, odd, even = decompose(region, process, pair, model.smallest_norm)
                down[order[name], row, column] += kappas[0]
                up[order[name], row, column] += kappas[1]
                morphing[number, row, bins] = odd
                morphing[len(shaped) + number, row, bins] = even
    norms = np.flatnonzero((up != 0).any(axis=(1, 2)) | (down != 0).any(axis=(1, 2)))
    first = len(model.pois)
    return Tensors(
        starts=starts,
        column=np.repeat(np.arange(len(sizes)), sizes),
        nominal=nominal,
        sumw2=sumw2,
        morphing=morphing,
        logarithmic=logarithmic,
        shape_positions=first + np.array([order[name] for name in shaped], dtype=np.int64),
        odd_norm=(up - down)[norms] / 2,
        even_norm=(up + down)[norms] / 2,
        norm_positions=first + norms,
        factors=_factors(model, rows),
    )


def decompose(
    region: RegionModel, process: str, pair: tuple[Floats, Floats], smallest_norm: float
) -> tuple[tuple[float, float], Floats, Floats]:
    """Return the change of the yield by a nuisance, and that of the template at fixed yield.

    Args:
        pair: templates at +1 and −1, each of shape (bins,).
        smallest_norm: changes of the yield that are smaller, up and down, are dropped.

    Returns:
        Logarithms of the factors of the yield (at −1, at +1), then the odd and the even part of the template at fixed
        yield, each of shape (bins,); for logarithmic processes those of the logarithms, which are 0 in empty bins.
    """
    nominal = region.nominal[region.row(process)]
    up, down = pair
    kappa_up, kappa_down = up.sum() / nominal.sum(), down.sum() / nominal.sum()
    fixed_up, fixed_down = up / kappa_up, down / kappa_down
    logs = (0.0, 0.0)
    if max(abs(kappa_up - 1), abs(kappa_down - 1)) >= smallest_norm:
        logs = (float(np.log(kappa_down)), float(np.log(kappa_up)))
    if process in region.logarithmic:
        ratios = (
            np.divide(one, nominal, out=np.ones(region.bins), where=nominal > 0) for one in (fixed_up, fixed_down)
        )
        log_up, log_down = (np.log(ratio, out=np.zeros(region.bins), where=ratio > 0) for ratio in ratios)
        return logs, (log_up - log_down) / 2, (log_up + log_down) / 2
    return logs, (fixed_up - fixed_down) / 2, (fixed_up + fixed_down - 2 * nominal) / 2


def _factors(model: Model, rows: Mapping[str, int]) -> tuple[Factor, ...]:
    positions = {name: number for number, name in enumerate(model.parameters)}
    places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for column, region in enumerate(model.regions):
        for process, names in region.factors.items():
            if names:
                places.setdefault(names, []).append((rows[process], column))
    found = []
    for names, where in places.items():
        formulas = tuple(model.formulas.get(name, Formula("@0", (name,))) for name in names)
        found.append(
            Factor(
                formulas=formulas,
                positions=tuple(np.array([positions[name] for name in f.arguments]) for f in formulas),
                rows=np.array([row for row, _ in where]),
                columns=np.array([column for _, column in where]),
            )
        )
    return tuple(found)


def poisson_processes(model: Model, arrays: Tensors) -> tuple[Mask, Mask, Floats]:
    """Return how the statistical errors of simulation are described, see :class:`McStat`.

    Returns:
        Where a Gaussian parameter varies a process, where a Poisson one does, and the effective events of the latter,
        each of shape (P, B); the events are rounded.
    """
    gaussian = np.zeros(arrays.nominal.shape, dtype=bool)
    poisson = np.zeros_like(gaussian)
    events = effective(arrays.nominal, arrays.sumw2)
    rows = {process: row for row, process in enumerate(model.processes)}
    for region, bins in zip(model.regions, arrays.slices(), strict=True):
        if region.mc_stat is None:
            continue
        signals = () if region.mc_stat.include_signal else model.signals(region)
        at = [rows[process] for process in region.processes if process not in signals]
        total = effective(arrays.nominal[at, bins].sum(axis=0), arrays.sumw2[at, bins].sum(axis=0))
        filled = (arrays.sumw2[:, bins] > 0) & (arrays.sumw2[at, bins].sum(axis=0) > 0)
        few = total <= region.mc_stat.threshold
        # A Poisson distribution can't describe an error larger than the content, but for rounding, as in combine.
        enough = arrays.nominal[:, bins] >= 0.999 * np.sqrt(arrays.sumw2[:, bins])
        poisson[:, bins] = filled & few & (events[:, bins] <= region.mc_stat.threshold) & enough
        gaussian[:, bins] = filled & ~poisson[:, bins]
    return gaussian, poisson, np.where(poisson, events, 0.0)


def count_simulation(gaussian: Mask, events: Floats) -> int:
    """Return the number of parameters of simulation's statistical errors, which are profiled and not among the others.

    They are Gaussian ones of bins (B,), or of processes in bins (P, B), and those of processes with events (P, B).

    >>> count_simulation(np.array([[True, False], [True, False]]), np.array([[0.0, 4.0], [0.0, 2.0]]))
    3
    """
    return int(np.count_nonzero(np.atleast_2d(gaussian).any(axis=0)) + np.count_nonzero(events))


def effective(contents: Floats, sumw2: Floats) -> Floats:
    """Return the number of unweighted events with the same relative error, rounded as combine does."""
    return np.floor(0.5 + np.divide(contents**2, sumw2, out=np.zeros_like(contents), where=sumw2 > 0))
