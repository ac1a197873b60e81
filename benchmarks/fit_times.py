"""CPU time of the fits of scale factors: ``python -m benchmarks.fit_times [name …]``.

A hundred bins, each with a nominal fit and ten alternatives, must take less than a minute on one core. Otherwise, the
exit code is 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hist

from pocket.errors import check_known
from pocket.scale_factors import Alternative, ScaleFactor, TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors import tagging_toys, toys

BINS, BAR = 100, 60.0

#: tag-and-probe fit with the method's three other fits, and seven other mass ranges
TNP_FIT = TagAndProbeFit(
    **toys.DECLARED,
    mass_range=(60, 120),
    systematics=tuple(
        Alternative(f"range{cut}", {"mass_range": (60 + cut, 120 - cut), "alternative_fits": ()}) for cut in range(1, 8)
    ),
)
PASSFAIL_TEMPLATE = tagging_toys.declaration(
    systematics=tuple(
        Alternative(f"fractions{number}", {"fractions": {"b": 0.02 * number, "c": 0.02 * number}})
        for number in range(1, 11)
    )
)

#: method → declaration, and the function that returns its toys for a seed
FITS: dict[str, tuple[ScaleFactor, Callable[[int], Mapping[str, hist.Hist[Any]]]]] = {
    "tnp_fit": (TNP_FIT, toys.tag_and_probe),
    "passfail_template": (PASSFAIL_TEMPLATE, lambda seed: tagging_toys.histograms(seed)[0]),
}


def processor_time(
    declaration: ScaleFactor, generate: Callable[[int], Mapping[str, hist.Hist[Any]]], bins: int
) -> float:
    """Return the CPU time for a hundred bins, in seconds.

    Args:
        declaration: the scale factor to measure.
        generate: returns templates for a seed; all have the same bins.
        bins: smallest number of bins to measure, before the time is scaled to a hundred.
    """
    seconds, measured, seed = 0.0, 0, 0
    while measured < bins:
        templates = generate(seed)
        start = time.process_time()
        result = measure("toys", declaration, templates)
        seconds += time.process_time() - start
        # Several scale factors may come from the fit of one bin.
        measured += sum(fit.model == "nominal" for fit in result.diagnostics)
        seed += 1
    return seconds * BINS / measured


def main(arguments: Sequence[str]) -> int:
    """Print the times of all fits, or of the named ones; return the exit code."""
    names = arguments or tuple(FITS)
    check_known("method", names, FITS, "the arguments")
    slow = False
    for name in names:
        seconds = processor_time(*FITS[name], BINS)
        slow = slow or seconds >= BAR
        print(f"{name}: {seconds:.0f} s for {BINS} bins with 10 alternatives; the bar is {BAR:.0f} s", flush=True)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
