"""The likelihood written out with loops, and its statistical errors of simulation minimised one bin at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import optimize

from pocket.statistics.likelihood import Observations
from pocket.statistics.model import Model, RegionModel


def step(x: float) -> float:
    if abs(x) >= 1:
        return math.copysign(1, x)
    return 0.125 * x * (3 * x**4 - 10 * x**2 + 15)


def log_kappa(theta: float, down: float, up: float) -> float:
    """``ProcessNormalization::logKappaForX`` of combine, times θ."""
    high, low = math.log(up), -math.log(down)
    if abs(theta) >= 0.5:
        return theta * (high if theta >= 0 else low)
    return theta * ((high + low) / 2 + (high - low) / 2 * step(2 * theta))


def process_yields(
    model: Model, region: RegionModel, process: str, values: Mapping[str, float]
) -> tuple[list[float], float]:
    """Return the expectation of a process in each bin, and what its yield is multiplied with."""
    nominal = list(region.nominal[region.row(process)])
    template = list(nominal)
    factor = 1.0
    for nuisance in model.nuisances:
        theta = values[nuisance]
        if process in region.log_normals.get(nuisance, {}):
            factor *= math.exp(log_kappa(theta, *region.log_normals[nuisance][process]))
        if process in region.shapes.get(nuisance, {}):
            up, down = region.shapes[nuisance][process]
            kappa_up, kappa_down = sum(up) / sum(nominal), sum(down) / sum(nominal)
            if abs(kappa_up - 1) >= model.smallest_norm or abs(kappa_down - 1) >= model.smallest_norm:
                factor *= math.exp(log_kappa(theta, kappa_down, kappa_up))
            for b, n in enumerate(nominal):
                u, d = up[b] / kappa_up, down[b] / kappa_down
                template[b] += theta * (u - d) / 2 + theta * step(theta) * (u + d - 2 * n) / 2
    for name in region.factors.get(process, ()):
        if name in model.formulas:
            formula = model.formulas[name]
            text = formula.expression.replace("^", "**")
            for number, argument in enumerate(formula.arguments):
                text = text.replace(f"@{number}", f"({values[argument]!r})")
            factor *= float(eval(text))
        else:
            factor *= values[name]
    return [factor * max(content, 0.0) for content in template], factor


def bin_deviance(expected: float, data: float) -> float:
    return 2 * (expected - data + (data * math.log(data / expected) if data > 0 else 0))


def deviance(model: Model, values: Mapping[str, float], observed: Observations) -> float:
    """Return the deviance, profiled over the statistical errors of simulation."""
    total = sum((values[name] - observed.nuisances[i]) ** 2 for i, name in enumerate(model.nuisances))
    first = 0
    for region in model.regions:
        yields = [process_yields(model, region, process, values) for process in region.processes]
        for b in range(region.bins):
            total += profiled_bin(model, region, b, yields, observed, first + b)
        first += region.bins
    return total


def profiled_bin(
    model: Model,
    region: RegionModel,
    b: int,
    yields: list[tuple[list[float], float]],
    observed: Observations,
    position: int,
) -> float:
    expected = [contents[b] for contents, _ in yields]
    data = observed.data[position]
    if region.mc_stat is None:
        return bin_deviance(sum(expected), data)
    signals = () if region.mc_stat.include_signal else model.signals(region)
    counted = [row for row, process in enumerate(region.processes) if process not in signals]
    error = sum(region.sumw2[row, b] for row in counted)
    if not error:
        return bin_deviance(sum(expected), data)
    effective = math.floor(0.5 + sum(region.nominal[row, b] for row in counted) ** 2 / error)
    # one term for each parameter: ("gaussian", amplitude, measured) or ("poisson", row, n, n₀)
    gaussian = [
        (row, math.sqrt(region.sumw2[row, b]) * abs(factor))
        for row, (_, factor) in enumerate(yields)
        if region.sumw2[row, b] > 0
    ]
    poisson = []
    if effective <= region.mc_stat.threshold:
        gaussian, everything = [], gaussian
        for row, amplitude in everything:
            n = math.floor(0.5 + region.nominal[row, b] ** 2 / region.sumw2[row, b])
            if n <= region.mc_stat.threshold and region.nominal[row, b] >= 0.999 * math.sqrt(region.sumw2[row, b]):
                where = model.processes.index(region.processes[row])
                poisson.append((row, float(n), observed.poisson[where, position]))
            else:
                gaussian.append((row, amplitude))

    # Gaussian terms of a bin act as one, whose amplitude is the root of the sum of squares.
    error = math.sqrt(sum(amplitude**2 for _, amplitude in gaussian))

    def value(x: np.ndarray) -> float:
        scale = {row: math.exp(x[1 + number]) for number, (row, _, _) in enumerate(poisson)}
        total = sum(scale.get(row, 1.0) * content for row, content in enumerate(expected)) + x[0] * error
        if total <= 0:
            return 1e10 * (1 - total)
        found = bin_deviance(total, data)
        if error:
            found += (x[0] - observed.gaussian[position]) ** 2
        return found + sum(bin_deviance(n * scale[row], measured) for row, n, measured in poisson)

    if not poisson:
        bound = -sum(expected) / error if error else 0.0
        if not error:
            return value(np.zeros(1))
        low = max(bound, observed.gaussian[position] - 60) + 1e-12
        return float(
            optimize.minimize_scalar(
                lambda x: value(np.array([x])), bounds=(low, low + 130), options={"xatol": 1e-11}
            ).fun
        )
    start = np.zeros(1 + len(poisson))
    start[0] = observed.gaussian[position] if error else 0
    best = min(
        (
            optimize.minimize(
                value, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxfev": 20000}
            )
            for start in (start, start * 0 + 0.1)
        ),
        key=lambda result: float(result.fun),
    )
    return float(best.fun)
