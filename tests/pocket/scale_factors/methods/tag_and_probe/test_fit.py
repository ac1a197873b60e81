from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pyhf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iminuit import Minuit

from pocket.base.runtime.spreading import spreading
from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.scale_factors import TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.methods.tag_and_probe.fit import fit
from pocket.scale_factors.methods.tag_and_probe.mass_model import PassFailModel
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import Exponential, MassDependence, template_spectrum
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.copies import spread_in_copies

EDGES = np.linspace(60, 120, 61)


def declaration(**changes: Any) -> TagAndProbeFit:
    return TagAndProbeFit(**{**toys.DECLARED, "mass_range": (60, 120), "description": "muon ID", **changes})


@pytest.fixture(scope="module")
def result() -> ScaleFactorResult:
    return measure("muon_id", declaration(), toys.tag_and_probe(1))


def spectrum(masses: Any) -> Any:
    return np.histogram(masses, EDGES)[0].astype(float)


def one_bin(
    seed: int, passing: int, failing: int, background: tuple[int, int], simulation: tuple[int, int] = (19_000, 1_000)
) -> PassFailModel:
    """Likelihood of one bin with given numbers of pairs, also of simulated ones that pass and fail."""
    rng = np.random.default_rng(seed)
    counts = [
        spectrum(toys.z_mass(rng, signal, 1.6)) + spectrum(toys.exponential_mass(rng, other, 0.02))
        for signal, other in zip((passing, failing), background, strict=True)
    ]
    simulated = [spectrum(toys.z_mass(rng, size, 1.4)) for size in simulation]
    return PassFailModel(
        np.array(counts),
        EDGES,
        template_spectrum(simulated[0] + simulated[1], 1.0, EDGES, EDGES),
        MassDependence(*simulated, 1.0),
        Exponential(EDGES),
    )


def test_result(result: ScaleFactorResult) -> None:
    assert (result.name, result.method, result.description) == ("muon_id", "TagAndProbeFit", "muon ID")
    assert result.axes == {"pt": toys.PT, "abseta": toys.ABSETA}
    assert result.scale_factor.value.shape == toys.SHAPE
    assert result.scale_factor.value == pytest.approx(
        result.efficiencies["data"].value / result.efficiencies["mc"].value
    )
    assert (np.abs(result.scale_factor.value - toys.SCALE_FACTOR) < 4 * result.scale_factor.up).all()
    assert set(result.systematics) == {"signal", "background", "mass_range"}
    for up, down in result.systematics.values():
        assert (up == -down).all()
        assert (up != 0).all()
        assert (np.abs(up) < 0.01).all()


def test_diagnostics(result: ScaleFactorResult) -> None:
    assert len(result.diagnostics) == 4 * 6
    first = result.diagnostics[0]
    assert (first.label, first.model, first.status) == ("pt [20, 30), abseta [0, 1.2)", "nominal", "valid")
    assert first.ndf == 120 - 8
    for one in result.diagnostics:
        assert one.chi2 / one.ndf < 1.6
        assert one.mass_edges[[0, -1]].tolist() == ([66, 114] if one.model == "mass_range" else [60, 120])
        for region in one.regions.values():
            expected = region.postfit_signal + region.postfit_background
            assert expected.sum() == pytest.approx(region.data.sum(), rel=0.01)
            assert (region.errors**2).sum() == pytest.approx(region.data.sum())
        signal = [one.regions[region].postfit_signal.sum() for region in ("pass", "fail")]
        assert one.parameters["efficiency"][0] == pytest.approx(signal[0] / sum(signal))
    assert result.efficiencies["data"].value.flat[0] == first.parameters["efficiency"][0]
    assert result.efficiencies["data"].up.flat[0] == pytest.approx(first.parameters["efficiency"][1], rel=0.1)


def test_agrees_with_pyhf() -> None:
    """The same templates in pyhf, with passing and failing signal and background as free normalisations."""
    model = one_bin(3, 4600, 400, (200, 300))
    fixed = {"shift": 0, "sigma": 0.15, "odds_linear": 0, "odds_quadratic": 0, "slope_pass": 0.02, "slope_fail": 0.02}
    minuit = Minuit(model, *model.start(), name=model.names)
    for name, value in fixed.items():
        minuit.values[name], minuit.fixed[name] = value, True
    minuit.limits["efficiency"] = (0, 1)
    minuit.migrad()
    minuit.hesse()
    assert minuit.valid

    signal, background = model.components(5000, 0.92, 0, 0.15, 0, 0, 200, 0.02, 300, 0.02)
    channels = [
        {
            "name": region,
            "samples": [
                {
                    "name": sample,
                    "data": spectra[i].tolist(),
                    "modifiers": [{"name": f"{sample}_{region}", "type": "normfactor", "data": None}],
                }
                for sample, spectra in (("signal", signal), ("background", background))
            ],
        }
        for i, region in enumerate(("pass", "fail"))
    ]
    pyhf.set_backend("numpy", "minuit")
    pdf = pyhf.Model({"channels": channels}, validate=False, poi_name="signal_pass")
    counts = dict(zip(("pass", "fail"), model.counts, strict=True))
    data = np.concatenate([counts[region] for region in pdf.config.channels])
    best, correlation = pyhf.infer.mle.fit(
        [*data, *pdf.config.auxdata], pdf, return_uncertainties=True, return_correlations=True
    )
    order = [pdf.config.par_order.index(f"signal_{region}") for region in ("pass", "fail")]
    passing, failing = best[order, 0] * signal.sum(axis=1)
    covariance = (correlation * np.outer(best[:, 1], best[:, 1]))[np.ix_(order, order)]
    gradient = np.array([failing, -passing]) / (passing + failing) ** 2 * signal.sum(axis=1)
    efficiency, error = passing / (passing + failing), np.sqrt(gradient @ covariance @ gradient)
    assert minuit.values["efficiency"] == pytest.approx(efficiency, abs=0.01 * error)
    assert minuit.errors["efficiency"] == pytest.approx(error, rel=0.01)


def test_interval_near_one_is_not_shorter_than_that_of_counting() -> None:
    one = fit(one_bin(1, 200, 0, (0, 0)), "bin", "nominal")
    assert one.diagnostics.status == "valid"
    assert one.efficiency == pytest.approx(1, abs=1e-4)
    assert one.efficiency + one.up <= 1 + 1e-12
    assert one.down == pytest.approx(1 - 0.1587 ** (1 / 200), rel=0.05)


def test_negative_background_is_given_up_where_entries_are_few() -> None:
    one = fit(one_bin(1, 20, 2, (0, 0)), "bin", "nominal")
    assert (one.diagnostics.status, one.diagnostics.attempts) == ("valid", 2)
    for region in one.diagnostics.regions.values():
        assert (region.postfit_background >= 0).all()
    assert one.efficiency == pytest.approx(20 / 22, abs=0.03)


few = st.integers(0, 60)


@given(few, few, st.tuples(few, few), st.integers(0, 1000))
@settings(max_examples=30)
def test_an_interval_or_a_status(passing: int, failing: int, background: tuple[int, int], seed: int) -> None:
    one = fit(one_bin(seed, passing, failing, background), "bin", "nominal")
    if one.diagnostics.status == "valid":
        assert 0 <= one.efficiency - one.down < one.efficiency <= one.efficiency + one.up <= 1 + 1e-9
    else:
        assert one.up == one.down == 0


@pytest.mark.parametrize("simulation", [(60, 2), (400, 10)])
def test_few_entries_of_which_none_fails(simulation: tuple[int, int]) -> None:
    """Half of these need the last of the attempts."""
    fits = [fit(one_bin(seed, 43, 0, (0, 0), simulation), "bin", "mass_range").diagnostics for seed in range(20)]
    assert {one.status for one in fits} == {"valid"}
    assert all(one.parameters["efficiency"][0] > 0.99 for one in fits)
    assert max(one.attempts for one in fits) > 3


@pytest.mark.parametrize(
    ("passing", "failing", "background", "status"),
    [(50, 50, (5000, 5000), "no efficiency above zero"), (0, 0, (500, 500), "no efficiency above zero")],
)
def test_failed_fit(passing: int, failing: int, background: tuple[int, int], status: str) -> None:
    assert fit(one_bin(1, passing, failing, background), "bin", "nominal").diagnostics.status == status


def test_failed_fit_names_the_bin() -> None:
    templates = toys.tag_and_probe(1, pairs=2000)
    data = templates["data"]
    rng = np.random.default_rng(1)
    for content in (data.view().value, data.view().variance):
        content[..., 1, 1] = 0
    for passing in (0, 1):
        toys.fill(data, 1, 1, np.full(500, passing), mass=toys.exponential_mass(rng, 500, 0.02))
    with pytest.raises(
        ScaleFactorError, match=r"^muon_id: the fit fails in pt \[30, 50\), abseta \[1.2, 2.4\) \(nominal"
    ):
        measure("muon_id", declaration(alternative_fits=()), templates)


@pytest.mark.parametrize(
    ("sample", "passing", "text"),
    [
        ("data", (0, 1), r"muon_id in data: no efficiency in pt \[30, 50\), abseta \[1.2, 2.4\) \(nothing there\)"),
        ("data", (1,), r"muon_id in data: .* \(nothing passes\)"),
        ("dy", (0, 1), r"muon_id in simulation: .* \(nothing there\)"),
        ("dy", (0,), r"muon_id in simulation: .* in pt \[30, 50\), abseta \[1.2, 2.4\) \(nothing fails\)"),
    ],
)
def test_empty_bin(sample: str, passing: tuple[int, ...], text: str) -> None:
    templates = toys.tag_and_probe(1, pairs=500)
    for flag in passing:
        for content in (templates[sample].view().value, templates[sample].view().variance):
            content[..., flag, 1, 1] = 0
    with pytest.raises(ScaleFactorError, match=text):
        measure("muon_id", declaration(), templates)


@pytest.mark.parametrize(
    ("mass_range", "text"),
    [
        ((60.5, 120), r"mass_range \(60.5, 120\) isn't on bin edges, nearest: \(6[01], 120\)"),
        ((60, 150), r"nearest: \(60, 120\)"),
        ((85, 97), "mass_range holds 12 bins, a fit needs 20"),
    ],
)
def test_mass_range_off_the_axis(mass_range: tuple[float, float], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        measure("muon_id", declaration(mass_range=mass_range), toys.tag_and_probe(1, pairs=100))


def test_mass_bins_must_be_equally_wide() -> None:
    masses = hist.axis.Variable([60, 61, *np.linspace(63, 120, 20)], name="mass")
    axes = (hist.axis.StrCategory(["baseline"], name="cat"), masses, *toys.template(is_mc=False).axes[2:])
    histogram = hist.Hist(*axes, storage=hist.storage.Weight())
    with pytest.raises(ConfigError, match="equally wide"):
        measure("muon_id", declaration(), {"data": histogram, "dy": histogram})


def test_no_mass_axis() -> None:
    with pytest.raises(UnknownNameError, match="unknown axis 'm_ll'"):
        measure("muon_id", declaration(mass_axis="m_ll"), toys.tag_and_probe(1, pairs=100))


ELECTRONS = {"background": "cms_shape", "alternative_signal": "crystal_ball", "alternative_background": "exponential"}


def test_electrons() -> None:
    """The scale factor of electrons is the true one, and each alternative model moves it."""
    result = measure("electron_id", declaration(**ELECTRONS), toys.electrons(2))
    found = result.scale_factor
    pulls = (found.value - toys.SCALE_FACTOR) / np.where(found.value > toys.SCALE_FACTOR, found.down, found.up)
    assert np.abs(pulls).max() < 4
    assert set(result.systematics) == {"signal", "background", "mass_range"}
    fits = {
        model: [fit for fit in result.diagnostics if fit.model == model] for model in ("nominal", *result.systematics)
    }
    assert {fit.status for of_model in fits.values() for fit in of_model} == {"valid"}
    for model, name in (("nominal", "alpha_fail"), ("signal", "alpha_fail"), ("background", "slope_fail")):
        assert all(name in fit.parameters for fit in fits[model])
    # An exponential without the turn-on of the background takes signal for background below the peak.
    shifts = np.abs([result.systematics[model][0] for model in ("background", "signal", "mass_range")])
    assert shifts[0].mean() > 0.005
    assert (shifts > 0).all()
    # The turn-on was generated at 66 GeV.
    turn_on = np.array([fit.parameters["alpha_fail"] for fit in fits["nominal"]])
    assert np.abs((turn_on[:, 0] - 66) / turn_on[:, 1]).max() < 4


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"signal": "gauss"}, UnknownNameError, "unknown signal 'gauss'"),
        ({"background": "cmsshape"}, UnknownNameError, "unknown background 'cmsshape'.*did you mean 'cms_shape'"),
        ({"alternative_signal": "crystalball"}, UnknownNameError, "unknown alternative_signal.*'crystal_ball'"),
        ({"background": "quadratic"}, ConfigError, "alternative_background is 'quadratic', as in the nominal fit"),
    ],
)
def test_unknown_models(changes: dict[str, str], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        declaration(**changes)


def test_an_alternative_that_is_not_asked_for_may_be_anything_known() -> None:
    assert declaration(background="quadratic", alternative_fits=("signal",)).background == "quadratic"


def test_fits_may_run_in_other_processes(result: ScaleFactorResult) -> None:
    with spreading(spread_in_copies):
        assert measure("muon_id", declaration(), toys.tag_and_probe(1)).to_json() == result.to_json()
