"""Fits of the energy scale to spectra whose scale is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pocket.base.typing import Floats
from pocket.scale_factors.methods.energy_scale.fit import Expected, Spectra, fit


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


def smeared(seed: int, entries: int) -> Spectra:
    """Data that are wider than as many simulated pairs."""
    rng = np.random.default_rng(seed)
    edges, simulated = np.linspace(80, 100, 51), np.linspace(70, 110, 101)
    wider = masses(entries, rng) * (1 + 0.008 * rng.normal(size=entries))
    data = np.histogram(wider, edges)[0][None].astype(float)
    signal = np.histogram(masses(entries, rng), simulated)[0][None].astype(float)
    return Spectra(data, 0 * data, signal, signal, 0 * data, edges, simulated, 1, "gaussian", True)


def test_fluctuations_of_simulation_tell_nothing_of_the_smearing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [fit(smeared(seed, 1500)) for seed in range(100)]
    spread = np.std([np.append(one.scales, one.squares) for one in found], axis=0, ddof=1)

    def widths() -> Floats:
        variances = [np.diag(fit(smeared(seed, 1500)).covariance) for seed in range(30)]
        return np.asarray(spread / np.sqrt(np.mean(variances, axis=0)))

    assert widths() == pytest.approx(1, abs=0.2)
    # With the noise, the error of the smearing would be that of more entries.
    monkeypatch.setattr(Expected, "noise", np.zeros((2, 2)))
    assert widths()[1] > 1.25


def test_products_of_slopes_have_the_noise_of_simulation() -> None:
    rng, parameters = np.random.default_rng(1), np.array([0.001, 2e-4])
    many = smeared(1, 400_000)
    mean = replace(many, data=many.data / 100, signal=many.signal / 100, variances=many.variances / 100)

    def expected(signal: Floats) -> Expected:
        return Expected(replace(mean, signal=signal, variances=signal), parameters)

    exact = expected(mean.signal)
    found = [expected(rng.poisson(mean.signal).astype(float)) for _ in range(300)]

    def products(one: Expected) -> Floats:
        return np.asarray(np.einsum("ipb,jpb,pb->ij", one.slopes, one.slopes, 1 / (exact.values + exact.variances)))

    added = np.array([products(one) - products(exact) for one in found])
    error = added.std(axis=0) / np.sqrt(len(added))
    noise = np.mean([one.noise for one in found], axis=0)
    assert (np.abs(added.mean(axis=0) - noise) < 4 * error).all()
    assert (np.diag(noise) > 4 * np.diag(error)).all()
