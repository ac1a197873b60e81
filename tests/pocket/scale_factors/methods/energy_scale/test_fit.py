"""Fits of the energy scale to spectra whose scale is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pocket.base.typing import Floats
from pocket.scale_factors.methods.energy_scale.fit import Spectra, fit


def masses(size: int, rng: np.random.Generator) -> Floats:
    """Masses of Z bosons, seen with a resolution of 1.2 %."""
    found = 91.19 + 1.25 * np.tan(np.pi * (rng.random(4 * size) - 0.5))
    inside = found[(found > 60) & (found < 120)][:size]
    return np.asarray(inside * (1 + 0.012 * rng.normal(size=size)))


def spectra(width: float, seed: int) -> Spectra:
    """Data of one category, and twice as many simulated pairs, with the same energies."""
    rng = np.random.default_rng(seed)
    edges, simulated = np.arange(80, 100 + width / 2, width), np.arange(70, 110 + width / 2, width)
    data = np.histogram(masses(8000, rng), edges)[0][None].astype(float)
    signal = np.histogram(masses(16000, rng), simulated)[0][None] / 2
    return Spectra(data, 0 * data, signal, signal / 2, 0 * data, edges, simulated, 1, "gaussian", False)


@pytest.mark.parametrize("width", [0.5, 0.1])
def test_fluctuations_of_simulation_are_no_peaks_to_follow(width: float) -> None:
    # In bins of 0.1 GeV the width of pulls was 7, and errors were a third of these.
    found = [fit(spectra(width, seed)) for seed in range(25)]
    pulls = np.array([one.scales[0] / np.sqrt(one.covariance[0, 0]) for one in found])
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.5


def test_smearing_is_measured_beside_the_scale() -> None:
    found = fit(replace(spectra(0.5, 1), has_smearing=True))
    assert found.is_valid
    assert found.squares[0] < 3 * np.sqrt(found.covariance[1, 1])
