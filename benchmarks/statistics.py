"""CPU time of fits of statistical models: ``python -m benchmarks.statistics [large pyhf toys]``.

``large`` has 40 regions of 20 bins, 8 processes and 60 nuisances: all impacts must take no more than 60 times as long
as the fit, limits no more than 25 times. ``pyhf`` fits 4 of the regions here and with pyhf's numpy backend, which must
take 100 times as long; it takes minutes. ``toys`` fits 2,000 toys of a smaller model: the mean of the pulls must be
within 0.1 of 0, their width within 0.1 of 1, and MINOS intervals must cover the true value in 68 ± 3 % of the toys.
Otherwise, the exit code is 1.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

# Matrices are small: BLAS threads would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from pocket.errors import check_known
from pocket.statistics import Likelihood, find_interval, find_upper_limit, fit, rank_impacts, toys
from tests.pocket.statistics import models, pyhf_models

T = TypeVar("T")

#: largest CPU times, in units of that of the fit
IMPACTS_BAR, LIMITS_BAR = 60.0, 25.0
#: smallest CPU time of pyhf, in that unit
PYHF_BAR = 100.0
TOYS = 2000
COVERAGE = 0.6827


def measured(function: Callable[[], T], repeat: int = 1) -> tuple[float, T]:
    """Return the median CPU time of a function, in seconds, and what it returns."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return statistics.median(times), result


def large(regions: int = 40) -> bool:
    """Print the times of the likelihood, the fit, the impacts and the limits; return whether they pass the bars."""
    model = models.large(regions)
    building, likelihood = measured(lambda: Likelihood(model))
    rng = np.random.default_rng(1)
    start = likelihood.parameters.start
    points = [start + rng.normal(0, 0.1, len(start)) for _ in range(50)]
    for name, function in (
        ("NLL", likelihood.deviance),
        ("gradient", likelihood.gradient),
        ("Hessian", likelihood.hessian),
    ):
        seconds, _ = measured(lambda function=function: [function(point + 0.0) for point in points])  # type: ignore[misc]
        print(f"{name}: {1e3 * seconds / len(points):.2f} ms", flush=True)
    fitting, best = measured(lambda: fit(likelihood), repeat=9)
    print(f"model: {building:.2f} s, fit: {1e3 * fitting:.0f} ms, {best.minimum.iterations} iterations", flush=True)
    impacts, _ = measured(lambda: rank_impacts(best))
    limits, _ = measured(lambda: find_upper_limit(likelihood, "r"))
    print(f"impacts: {impacts:.2f} s, {impacts / fitting:.0f} times the fit; the bar is {IMPACTS_BAR:.0f}", flush=True)
    print(f"limits: {limits:.2f} s, {limits / fitting:.0f} times the fit; the bar is {LIMITS_BAR:.0f}", flush=True)
    return impacts <= IMPACTS_BAR * fitting and limits <= LIMITS_BAR * fitting


def against_pyhf(regions: int = 4, shapes: int = 40, norms: int = 20) -> bool:
    """Print the times of a fit here and with pyhf, whose MC errors are one parameter for each bin."""
    import pyhf

    model = models.large(regions, shapes=shapes, norms=norms)
    likelihood = Likelihood(model)
    ours, best = measured(lambda: fit(likelihood), repeat=9)
    print(f"{regions} regions, here: {1e3 * ours:.1f} ms, r = {best.value('r'):.3f}", flush=True)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer())
    pdf = pyhf_models.convert(model, "r", staterror=True)
    data = pyhf_models.data_of(likelihood, pdf)
    theirs, values = measured(lambda: pyhf.infer.mle.fit(data, pdf))
    value = float(values[pdf.config.par_slice("r")][0])
    print(f"pyhf: {theirs:.1f} s, {theirs / ours:.0f} times as long, r = {value:.3f}; the bar is {PYHF_BAR:.0f}")
    return theirs >= PYHF_BAR * ours


def many_toys(count: int = TOYS) -> bool:
    """Print the pulls and the coverage of toys; return whether they pass the bars."""
    likelihood = Likelihood(models.realistic())
    pulls, covered, start = [], 0, time.process_time()
    for thrown in toys(likelihood, range(count), seed=7):
        interval = find_interval(fit(thrown), "r")
        down, up = interval.errors
        pulls.append((interval.value - 1) / (up if interval.value < 1 else down))
        covered += interval.low <= 1 <= interval.high
    seconds, mean, width, coverage = time.process_time() - start, np.mean(pulls), np.std(pulls), covered / count
    print(f"{count} toys: {seconds:.0f} s, pulls {mean:+.3f} ± {width:.3f}, coverage {100 * coverage:.1f} %")
    return bool(abs(mean) < 0.1 and 0.9 < width < 1.1 and abs(coverage - COVERAGE) < 0.03)


CHECKS: dict[str, Callable[[], bool]] = {"large": large, "pyhf": against_pyhf, "toys": many_toys}


def main(arguments: Sequence[str]) -> int:
    """Print the figures of all checks, or of the named ones; return the exit code."""
    names = arguments or tuple(CHECKS)
    check_known("check", names, CHECKS, "the arguments")
    passed = [CHECKS[name]() for name in names]
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
