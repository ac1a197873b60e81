"""Pulls of measured scale factors over many toys: ``python -m benchmarks.scale_factor_toys [toys]``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import hist
import numpy as np

from pocket.errors import ScaleFactorError
from pocket.scale_factors import EfficiencyRatio, ScaleFactor, TagAndProbeFit
from pocket.scale_factors.measuring import measure
from tests.pocket.scale_factors import toys

TAG_AND_PROBE = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
METHODS: dict[str, tuple[ScaleFactor, Callable[[int], Mapping[str, hist.Hist[Any]]]]] = {
    "tnp_fit": (TAG_AND_PROBE, toys.tag_and_probe),
    "tnp_fit, next to no background": (
        TAG_AND_PROBE,
        lambda seed: toys.tag_and_probe(seed, background=(0.001, 0.005)),
    ),
    "tnp_fit, same resolution": (TAG_AND_PROBE, lambda seed: toys.tag_and_probe(seed, resolution=(1.4, 1.4))),
    "efficiency_ratio": (EfficiencyRatio(**toys.DECLARED), toys.counting),
}


def main(number: int) -> None:
    """Print mean and width of the pulls, statistical errors only, and the valid share."""
    for name, (declaration, generate) in METHODS.items():
        pulls, seconds = [], 0.0
        for seed in range(number):
            templates = generate(seed)
            start = time.perf_counter()
            try:
                measured = measure(name, declaration, templates).scale_factor
            except ScaleFactorError as error:
                print(error)
                continue
            finally:
                seconds += time.perf_counter() - start
            distance = measured.value - toys.SCALE_FACTOR
            pulls.append(distance / np.where(distance > 0, measured.down, measured.up))
        per_bin = np.array(pulls)
        print(
            f"{name}: {len(pulls)}/{number} valid, pull mean {per_bin.mean():.3f} width {per_bin.std():.3f}, "
            f"per bin |mean| < {np.abs(per_bin.mean(axis=0)).max():.2f} width {per_bin.std(axis=0).min():.2f} to "
            f"{per_bin.std(axis=0).max():.2f}, {1e3 * seconds / number / toys.SCALE_FACTOR.size:.1f} ms per bin"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
