"""J/ψ instead of the Z boson, whose efficiencies are known."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest

from pocket.base.fingerprint.specification import specification
from pocket.errors import ConfigError
from pocket.scale_factors import Fit, TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import FitDiagnostics
from pocket.scale_factors.methods.tag_and_probe.crystal_ball import CrystalBallSpectrum, Tails
from pocket.scale_factors.methods.tag_and_probe.declaration import Z_MASS, Z_WIDTH
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import breit_wigner_spectrum

MASS, WIDTH = 3.0969, 9.26e-5
RESOLUTION = 0.030
EFFICIENCY = {"data": np.array([0.80, 0.93]), "mc": np.array([0.84, 0.95])}
BIN = "pt [2, 5)"


def declaration(**changes: Any) -> TagAndProbeFit:
    given = {
        "input": "tnp",
        "variable": "mass",
        "category": "pairs",
        "axes": ("pt",),
        "data": ("data",),
        "mc": ("jpsi",),
        "mass_range": (2.9, 3.3),
        "mass": MASS,
        "width": WIDTH,
        "alternative_fits": (),
        "signal": "breit_wigner",
    }
    return TagAndProbeFit(**{**given, **changes})


def j_psi(seed: int, pairs: int = 4000) -> dict[str, Any]:
    """Templates with two bins of p_T; the resolution in data is a tenth worse, and the background falls."""
    rng = np.random.default_rng(seed)
    made = {}
    for sample, size, resolution in (("data", pairs, 1.1 * RESOLUTION), ("jpsi", 4 * pairs, RESOLUTION)):
        filled = hist.Hist(
            hist.axis.StrCategory(["pairs"], name="cat"),
            hist.axis.Regular(60, 2.8, 3.4, name="mass"),
            hist.axis.Integer(0, 2, name="passing"),
            hist.axis.Variable([2, 5, 10], name="pt"),
            storage=hist.storage.Weight(),
        )
        for number, efficiency in enumerate(EFFICIENCY["mc" if sample == "jpsi" else "data"]):
            drawn = rng.poisson(size)
            signal, passing = MASS + resolution * rng.normal(size=drawn), rng.random(drawn) < efficiency
            filled.fill("pairs", signal, passing, 3 + 4 * number)
            if sample == "data":
                for flag, other in enumerate(rng.poisson((0.4 * pairs, 0.3 * pairs))):
                    falling = 2.8 - np.log1p(rng.random(other) * np.expm1(-1.5 * 0.6)) / 1.5
                    filled.fill("pairs", falling, np.full(other, flag), 3 + 4 * number)
        made[sample] = filled
    return made


@pytest.mark.parametrize("signal", ["breit_wigner", "crystal_ball", "template"])
def test_the_efficiency_of_a_j_psi_is_the_true_one(signal: str) -> None:
    pulls = []
    for seed in range(15):
        result = measure("muon_id", declaration(signal=signal, alternative_signal="template"), j_psi(seed))
        found = result.efficiencies["data"]
        differences = found.value - EFFICIENCY["data"]
        pulls.append(differences / np.where(differences > 0, found.down, found.up))
        for fit in result.diagnostics:
            assert isinstance(fit, FitDiagnostics)
            assert fit.mass_edges[[0, -1]] == pytest.approx([2.9, 3.3])
            # Templates have the resolution of simulation already.
            worse = RESOLUTION * (np.sqrt(1.1**2 - 1) if signal == "template" else 1.1)
            sigma, error = fit.parameters["sigma"]
            assert abs(sigma - worse) < 5 * error < worse
            assert abs(fit.parameters["shift"][0]) < 0.01
    assert np.abs(pulls).max() < 4
    assert abs(np.mean(pulls)) < 4 / np.sqrt(np.size(pulls))
    assert 0.6 < np.std(pulls) < 1.4


def test_settings_of_a_j_psi_are_in_units_of_its_mass_axis() -> None:
    own = Fit(start={"sigma": 0.02, "slope_fail": 1.0}, ranges={"sigma": (0.01, 0.025), "slope_fail": (0.9, 1.1)})
    first, second = measure("muon_id", declaration(overrides={BIN: own}), j_psi(1)).diagnostics
    assert first.parameters["sigma"][0] == pytest.approx(0.025, abs=1e-3)
    assert 0.9 <= first.parameters["slope_fail"][0] <= 1.1
    assert second.parameters["sigma"][0] > 0.03
    with pytest.raises(ConfigError, match=r"range of 'sigma', \(0.001, 0.05\), .* be within \(0.005\d*, 0.13\d*\)"):
        measure("muon_id", declaration(overrides={BIN: Fit(ranges={"sigma": (0.001, 0.05)})}), j_psi(1))


@pytest.mark.parametrize("changes", [{"mass": Z_MASS}, {"width": 0.0}, {"width": float("nan")}, {"mass": 2.0}])
def test_a_resonance_out_of_the_range_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"a resonance with mass=.* can't be fitted in mass_range=\(2.9, 3.3\)"):
        declaration(**changes)


def test_the_resonance_counts_in_the_fingerprint_if_it_is_another() -> None:
    zee = {"mass_range": (60, 120)}
    plain = specification(declaration(**zee, mass=Z_MASS, width=Z_WIDTH)).values
    assert not [place for place in plain if place in (".mass", ".width", "mass", "width")]
    assert specification(declaration(**zee, mass=91.0, width=Z_WIDTH)).values["mass"] == "float 91.0"


@pytest.mark.parametrize("width", [0.003, 0.1])
def test_a_narrow_resonance_has_the_shape_of_the_resolution(width: float) -> None:
    """Summing over steps of the displacement doesn't show, though the resonance is narrower than a step."""
    edges = np.linspace(85, 97, 41)
    normal = np.random.default_rng(1).normal(Z_MASS + 0.3, 0.9, 4_000_000)
    narrow = normal + width / 2 * np.random.default_rng(2).standard_cauchy(normal.size)
    expected = np.histogram(narrow, edges)[0] / normal.size
    core = expected > 0.01
    for spectrum in (breit_wigner_spectrum(edges, width), CrystalBallSpectrum(edges, Tails(5, 50, 5, 50), 1, width)):
        found = spectrum(0.3, 0.9)
        assert found[core] / found.sum() == pytest.approx(expected[core] / expected.sum(), rel=0.02)
