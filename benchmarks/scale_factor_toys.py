"""Pulls of measured scale factors over many toys: ``python -m benchmarks.scale_factor_toys [toys] [name …]``.

Every method must pass the bars of :class:`benchmarks.pulls.Bars`; every control, which is wrong on purpose, must fail
the bar that shows its mistake. Otherwise, the exit code is 1.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from benchmarks.pulls import Bars, Closure
from pocket.errors import check_known
from pocket.scale_factors import EfficiencyRatio, ScaleFactor, TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure, measure_by_year
from pocket.scale_factors.measurement.result import Measurement
from tests.pocket.scale_factors import energy_toys, map_toys, tagging_toys, toys, yield_toys

Array = npt.NDArray[np.float64]
Histograms = Mapping[str, hist.Hist[Any]]

TNP_FIT = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
TNP_ELECTRONS = dataclasses.replace(TNP_FIT, background="cms_shape")
TNP_COUNT = TagAndProbeCount(**toys.DECLARED, peak=(76, 106), sidebands=((60, 70), (110, 120)))
EFFICIENCY_RATIO = EfficiencyRatio(**toys.DECLARED)
BY_YEAR = dataclasses.replace(EFFICIENCY_RATIO, years=("2017", "2018"))
KEEP_YIELD = dataclasses.replace(yield_toys.VERTICES, keep_yield=True)
#: true scale factors of both years, with the same mean
OF_YEARS = np.stack([toys.SCALE_FACTOR + 0.01, toys.SCALE_FACTOR - 0.01])
#: true scale factors of the pairs in the peak
IN_PEAK = toys.scale_factor_in(*TNP_COUNT.peak)
OF_ENERGIES = np.stack([energy_toys.SCALES, energy_toys.SMEARINGS])
OF_SHARES = yield_toys.RATIO * yield_toys.SIMULATED.sum() / (yield_toys.RATIO * yield_toys.SIMULATED).sum()


def closure(declaration: ScaleFactor, generate: Callable[[int], Histograms], truth: Array) -> Closure:
    """Return the closure of a declared measurement in toys."""
    return Closure(lambda seed: measure("toys", declaration, generate(seed)).scale_factor, truth)


def by_year(order: slice) -> Closure:
    """Return the closure of two years with different truth, whose templates may be swapped."""

    def measured(seed: int) -> Measurement:
        templates = [toys.counting(2 * seed + number, factor=factor) for number, factor in enumerate(OF_YEARS)][order]
        return measure_by_year("toys", BY_YEAR, dict(zip(BY_YEAR.years, templates, strict=True))).scale_factor

    return Closure(measured, OF_YEARS)


def norm_templates(seed: int) -> dict[str, hist.Hist[Any]]:
    """Return templates of a weight that changes yields."""
    return yield_toys.norm_templates(yield_toys.events(seed))


def without_correlation(seed: int) -> dict[str, hist.Hist[Any]]:
    """Return the same templates as if the events with and without the weight were independent."""
    templates = norm_templates(seed)
    view: Any = templates["tt"].view()
    view["variance"][2] = 0
    return templates


def without_tails(seed: int) -> dict[str, hist.Hist[Any]]:
    """Return templates of a Z boson without simulation in the sidebands."""
    templates = toys.with_tails(seed)
    index = templates["dy"].axes["mass"].index
    view: Any = templates["dy"].view()
    for low, high in TNP_COUNT.sidebands:
        for field in ("value", "variance"):
            view[field][:, :, index(low) : index(high)] = 0
    return templates


def mean_weight(factor: float) -> Closure:
    """Return the closure of event weights from the measured map, times a factor; their mean must be 1 in six parts."""
    of_tt = dataclasses.replace(map_toys.TAGGED, mc=("tt",), groups={})

    def measured(seed: int) -> Measurement:
        # The map is measured with many events, so that its own errors are negligible.
        efficiencies = measure("toys", of_tt, map_toys.templates(seed, 50_000)).scale_factor.value
        return map_toys.mean_weights(factor * efficiencies, map_toys.jets(seed + 1_000_000, "tt", 12_000), 6)

    return Closure(measured, np.ones(6))


def working_point(barlow_beeston: bool, simulated: float) -> Closure:
    """Return the closure of a template fit, whose errors include the nuisance parameters; their truth is random.

    Args:
        barlow_beeston: whether the fit includes MC statistics.
        simulated: number of simulated jets per jet in data.
    """
    declaration = tagging_toys.declaration(barlow_beeston=barlow_beeston)
    floating = len(declaration.floating)

    def measured(seed: int) -> Measurement:
        found = measure("toys", declaration, tagging_toys.histograms(seed, simulated=simulated)[0])
        return Measurement(found.scale_factor.value[:floating], found.total_up[:floating], found.total_down[:floating])

    return Closure(measured, tagging_toys.SCALE_FACTOR)


def one(of: Closure) -> Closure:
    """Return the closure with every scale factor replaced by 1, with the measured errors."""

    def measured(seed: int) -> Measurement:
        found = of.measure(seed)
        return dataclasses.replace(found, value=np.ones_like(found.value))

    return Closure(measured, of.truth)


#: methods that must pass all bars; add a new method here
METHODS = {
    "efficiency_ratio": closure(EFFICIENCY_RATIO, toys.counting, toys.SCALE_FACTOR),
    "efficiency_ratio by year": by_year(slice(None)),
    "efficiency_map": closure(map_toys.TAGGED, map_toys.templates, map_toys.truth()),
    "efficiency_map, mean weight": mean_weight(1.0),
    "tnp_count": closure(TNP_COUNT, toys.with_tails, IN_PEAK),
    "tnp_fit": closure(TNP_FIT, toys.tag_and_probe, toys.SCALE_FACTOR),
    "tnp_fit, next to no background": closure(
        TNP_FIT, lambda seed: toys.tag_and_probe(seed, background=(0.001, 0.005)), toys.SCALE_FACTOR
    ),
    "tnp_fit, same resolution": closure(
        TNP_FIT, lambda seed: toys.tag_and_probe(seed, resolution=(1.4, 1.4)), toys.SCALE_FACTOR
    ),
    "tnp_fit, electrons": closure(
        TNP_ELECTRONS,
        lambda seed: toys.electrons(seed, losses=(0.3, 0.3), shape=toys.any_cms_mass),
        toys.SCALE_FACTOR,
    ),
    "data_mc_ratio": closure(yield_toys.VERTICES, yield_toys.vertices, yield_toys.RATIO),
    "data_mc_ratio, keep_yield": closure(KEEP_YIELD, yield_toys.vertices, OF_SHARES),
    "norm_ratio": closure(yield_toys.NORM, norm_templates, 1 / yield_toys.MEAN_WEIGHT),
    "passfail_template": working_point(barlow_beeston=True, simulated=3.0),
    "energy_scale": closure(energy_toys.declared(), energy_toys.histograms, OF_ENERGIES),
}

#: controls that are wrong on purpose, with the bar that each must fail
CONTROLS = {
    "SF = 1": (one(METHODS["efficiency_ratio"]), "mean"),
    "years swapped": (by_year(slice(None, None, -1)), "bin_mean"),
    "map x 1.1": (mean_weight(1.1), "mean"),
    "correlation dropped": (closure(yield_toys.NORM, without_correlation, 1 / yield_toys.MEAN_WEIGHT), "width"),
    "Barlow-Beeston off": (working_point(barlow_beeston=False, simulated=1.0), "width"),
    "turn-on of electrons ignored": (closure(TNP_FIT, toys.electrons, toys.SCALE_FACTOR), "mean"),
    "tails of the Z ignored": (closure(TNP_COUNT, without_tails, IN_PEAK), "mean"),
    "a sample missing": (
        closure(dataclasses.replace(yield_toys.VERTICES, background=()), yield_toys.vertices, yield_toys.RATIO),
        "mean",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Print the pulls of all methods and controls, or of the named ones; return the exit code."""
    number = int(arguments[0]) if arguments else 200
    known = (*METHODS, *CONTROLS)
    names = arguments[1:] or known
    check_known("method", names, known, "the arguments")
    wrong = []
    for name in names:
        measurement, reason = CONTROLS.get(name) or (METHODS[name], None)
        start = time.perf_counter()
        pulls = measurement.pulls(range(number))
        failures = pulls.failures(Bars())
        seconds = time.perf_counter() - start
        kind = f"must fail {reason}: " if reason else ""
        print(f"{kind}{name}: {pulls}; fails {', '.join(sorted(failures)) or 'nothing'} ({seconds:.0f} s)", flush=True)
        if reason not in failures if reason else failures:
            wrong.append(name)
    print(f"not as it must be: {', '.join(wrong)}" if wrong else "all as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
