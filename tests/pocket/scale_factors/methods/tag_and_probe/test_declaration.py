"""Settings of single bins, and other declarations of fits."""

from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest

from pocket.base.fingerprint.specification import specification
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis
from pocket.scale_factors import Alternative, Closure, Fit, TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure, measure_by_year
from pocket.scale_factors.measurement.result import FitDiagnostics, ScaleFactorResult
from pocket.scale_factors.methods.tag_and_probe.declaration import BACKGROUNDS, PARAMETERS, background_parameters
from pocket.scale_factors.methods.tag_and_probe.fit import BACKGROUND_SHAPES
from pocket.scale_factors.validation.fits import check_fits
from tests.pocket.scale_factors import toys

BIN, OTHER = "pt [30, 50), abseta [0, 1.2)", "pt [20, 30), abseta [0, 1.2)"
#: number of BIN
NUMBER = 2


def declaration(**changes: Any) -> TagAndProbeFit:
    return TagAndProbeFit(**{**toys.DECLARED, "mass_range": (60, 120), **changes})


def fits(result: ScaleFactorResult, label: str) -> dict[str, FitDiagnostics]:
    return {fit.model: fit for fit in result.diagnostics if isinstance(fit, FitDiagnostics) and fit.label == label}


def test_parameters_are_those_of_the_shapes() -> None:
    edges = np.linspace(60, 120, 61)
    assert set(BACKGROUND_SHAPES) == set(BACKGROUNDS)
    for name, shape in BACKGROUND_SHAPES.items():
        background = shape(edges)
        assert background.names == BACKGROUNDS[name]
        assert len(background.start(100.0, 0.01)) == len(background.names)


@pytest.mark.parametrize(
    ("overrides", "error", "text"),
    [
        ({BIN: {"signal": "gauss"}}, UnknownNameError, rf"unknown signal 'gauss' in overrides of .*{BIN[:2]}"),
        ({BIN: {"background": "cmsshape"}}, UnknownNameError, "did you mean 'cms_shape'"),
        ({BIN: {"start": {"sigm": 1.0}}}, UnknownNameError, "unknown parameter 'sigm' .*did you mean 'sigma'"),
        ({BIN: {"start": {"alpha_pass": 1.0}}}, UnknownNameError, "unknown parameter 'alpha_pass'"),
        ({BIN: {"mass_range": (110, 70)}}, ConfigError, "mass_range in overrides, .* must rise"),
        ({BIN: {}}, ConfigError, "nothing is given"),
        ({BIN: {"ranges": {"sigma": (2.0, 1.0)}}}, ConfigError, "range of 'sigma'.* must rise"),
        ({BIN: {"ranges": {"sigma": (1, 2)}, "start": {"sigma": 3}}}, ConfigError, "contain its start 3"),
    ],
)
def test_wrong_overrides_are_refused_at_once(overrides: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        declaration(overrides={label: Fit(**of_bin) for label, of_bin in overrides.items()})


def test_parameters_of_the_overridden_background_are_known() -> None:
    own = Fit(background="cms_shape", start={"alpha_pass": 70.0})
    assert declaration(overrides={BIN: own}).fit_of(BIN, "nominal").start == {"alpha_pass": 70.0}


def test_bins_are_checked_when_the_histogram_is_known() -> None:
    axes = [
        Axis("pt", name="pt", bins=list(toys.PT)),
        Axis("eta", name="abseta", bins=list(toys.ABSETA)),
        Axis("m", name="mass", bins=60, start=60, stop=120),
        Axis("p", name="passing", type="int", start=0, stop=2),
    ]
    for label in (BIN, f"{OTHER} + {BIN}"):
        declaration(overrides={label: Fit(signal="crystal_ball")}).check_axes(axes, "scale factor 'a'")
    for label in ("pt [30, 40), abseta [0, 1.2)", f"{BIN} + pt [50, 60), abseta [0, 1.2)"):
        wrong = declaration(overrides={label: Fit(signal="crystal_ball")})
        with pytest.raises(UnknownNameError, match=r"unknown bin .* in overrides of scale factor 'a'"):
            wrong.check_axes(axes, "scale factor 'a'")
    declaration(closure=Closure(accept={BIN: "few pairs"})).check_axes(axes, "scale factor 'a'")
    with pytest.raises(UnknownNameError, match=r"unknown bin .* in accept in the closure of scale factor 'a'"):
        declaration(closure=Closure(accept={"pt [20, 30)": "few pairs"})).check_axes(axes, "scale factor 'a'")
    of_year = declaration(overrides={f"year 2018, {BIN}": Fit(signal="crystal_ball")}, years=("2017", "2018"))
    of_year.check_axes(axes, "scale factor 'a'")
    with pytest.raises(UnknownNameError, match="unknown bin"):
        measure("sf", declaration(overrides={"pt [20, 30)": Fit(signal="crystal_ball")}), toys.tag_and_probe(1, 200))


def test_an_override_changes_its_bin_alone() -> None:
    """Its fits are those of a measurement in which all bins have the settings."""
    own = {"background": "cms_shape", "mass_range": (65.0, 120.0)}
    histograms = toys.tag_and_probe(1, pairs=4000)
    plain, everywhere = (measure("sf", declaration(**changes), histograms) for changes in ({}, own))
    result = measure("sf", declaration(overrides={BIN: Fit(**own)}), histograms)
    for source in ("nominal", *plain.systematics):
        found, of_plain, of_own = (
            (one.scale_factor.value if source == "nominal" else one.systematics[source][0]).ravel()
            for one in (result, plain, everywhere)
        )
        assert found[NUMBER] == of_own[NUMBER] != of_plain[NUMBER]
        assert (np.delete(found, NUMBER) == np.delete(of_plain, NUMBER)).all()
    assert fits(result, BIN)["nominal"].overridden == "background cms_shape, mass_range (65.0, 120.0)"
    assert {fit.overridden for fit in result.diagnostics if isinstance(fit, FitDiagnostics) and fit.label != BIN} == {
        ""
    }
    again = ScaleFactorResult.from_json(result.to_json())
    assert fits(again, BIN)["nominal"].overridden == fits(result, BIN)["nominal"].overridden
    assert '"overridden"' not in plain.to_json()
    (check,) = check_fits(result, {})
    assert f"overridden in {BIN}: background cms_shape, mass_range (65.0, 120.0)" in check.outcome


def test_start_and_range_of_a_parameter() -> None:
    histograms = toys.tag_and_probe(1, pairs=4000)
    narrow = Fit(start={"sigma": 0.4, "slope_pass": 0.0}, ranges={"sigma": (0.3, 0.5), "slope_pass": (-0.001, 0.001)})
    found = fits(measure("sf", declaration(overrides={BIN: narrow}, alternative_fits=("background",)), histograms), BIN)
    assert 0.3 <= found["nominal"].parameters["sigma"][0] <= 0.5
    assert abs(found["nominal"].parameters["slope_pass"][0]) <= 0.001
    # The alternative has no slope, but its signal is the nominal one.
    assert 0.3 <= found["background"].parameters["sigma"][0] <= 0.5
    for wrong in (Fit(ranges={"sigma": (0.01, 1.0)}), Fit(ranges={"efficiency": (0.1, 0.2)})):
        with pytest.raises(ConfigError, match=r"overrides, pt \[30, 50\), .* must contain its start .* and be within"):
            measure("sf", declaration(overrides={BIN: wrong}, alternative_fits=()), histograms)


def test_alternatives_that_change_what_is_overridden() -> None:
    own = Fit(signal="breit_wigner", start={"sigma": 1.2, "slope_pass": 0.02, "signal": 900.0}, mass_range=(70, 120))
    one = declaration(overrides={BIN: own})
    # The alternative signal is that of this bin, so it has that of the others.
    assert one.fit_of(BIN, "signal") == dataclasses.replace(
        own, signal="template", background="exponential", start={"slope_pass": 0.02, "signal": 900.0}
    )
    assert one.fit_of(BIN, "background") == dataclasses.replace(
        own, background="quadratic", start={"sigma": 1.2, "signal": 900.0}
    )
    assert one.fit_of(BIN, "mass_range") == dataclasses.replace(own, background="exponential")
    assert one.fit_of(OTHER, "signal") == Fit(
        signal="breit_wigner", background="exponential", mass_range=one.mass_range
    )
    ranged = dataclasses.replace(one, systematics=(Alternative("range", {"mass_range": (75, 120)}),))
    ((_, changed),) = ranged.changed()
    assert changed.fit_of(BIN, "nominal") == dataclasses.replace(own, background="exponential", mass_range=(75, 120))


def test_overrides_of_a_year_and_of_joined_bins() -> None:
    histograms = {year: toys.tag_and_probe(seed, pairs=1500) for seed, year in enumerate(("2017", "2018"))}
    own = Fit(signal="crystal_ball")
    one = declaration(years=("2017", "2018"), overrides={f"year 2018, {BIN}": own}, alternative_fits=())
    result = measure_by_year("sf", one, histograms)
    assert [fit.label for fit in result.diagnostics if isinstance(fit, FitDiagnostics) and fit.overridden] == [
        f"year 2018, {BIN}"
    ]
    with pytest.raises(ConfigError, match="must begin with its year, such as 'year 2017, pt"):
        declaration(years=("2017", "2018"), overrides={BIN: own})
    joined = f"{OTHER} + {BIN} + pt [50, 100), abseta [0, 1.2)"
    result = measure(
        "sf", declaration(min_n_eff=2000, overrides={joined: own}, alternative_fits=()), histograms["2017"]
    )
    assert fits(result, joined)["nominal"].overridden == "signal crystal_ball"
    with pytest.raises(UnknownNameError, match="unknown bin"):
        measure("sf", declaration(min_n_eff=2000, overrides={BIN: own}), histograms["2017"])


def test_overrides_count_in_the_fingerprint_if_they_are_given() -> None:
    plain = specification(declaration())
    assert not [place for place in plain.values if "overrides" in place]
    assert plain.digest == specification(declaration(overrides={}, closure=Closure(injected=(1.1,)))).digest
    given = [specification(declaration(overrides={BIN: Fit(start={"sigma": value})})).digest for value in (0.5, 0.6)]
    assert len({plain.digest, *given}) == 3


def test_names_of_parameters() -> None:
    names = (*PARAMETERS, *background_parameters("quadratic"))
    found = measure("sf", declaration(background="quadratic", alternative_fits=()), toys.tag_and_probe(1, 500))
    assert tuple(fits(found, BIN)["nominal"].parameters) == names


def test_combinations_of_alternative_fits() -> None:
    """Each against its formula, with the numbers of the single fits."""
    histograms = toys.tag_and_probe(3, pairs=3000)
    single = measure("sf", declaration(), histograms)
    nominal, up = single.scale_factor.value, single.scale_factor.up
    values = [nominal, *(nominal + shift for shift, _ in single.systematics.values())]
    assert len(values) == 4
    mean = sum(values) / 4
    deviation = np.sqrt(sum((value - mean) ** 2 for value in values) / 4)
    shifts = np.array([value - nominal for value in values])
    expected = {
        "maximum": (nominal, np.max(np.abs(shifts), axis=0)),
        "spread": (nominal, deviation),
        "mean": (mean, deviation),
    }
    for how, (value, error) in expected.items():
        result = measure("sf", declaration(combine_fits=how), histograms)
        assert result.scale_factor.value == pytest.approx(value, rel=1e-12), how
        assert (result.scale_factor.up == up).all()
        assert set(result.systematics) == {"fits"}
        above, below = result.systematics["fits"]
        assert np.abs(above) == pytest.approx(error, rel=1e-9), how
        assert (above == -below).all()
        data, mc = (result.efficiencies[of].value for of in ("data", "mc"))
        assert data / mc == pytest.approx(value, rel=1e-12)
        (check,) = check_fits(result, {})
        assert check.passed, check.outcome
    # The largest shift keeps its sign.
    above, _ = measure("sf", declaration(combine_fits="maximum"), histograms).systematics["fits"]
    assert {*np.sign(above).ravel()} == {-1.0, 1.0}


def test_the_mean_of_fits_is_that_of_every_measurement() -> None:
    """Another measurement that had the nominal fit alone would differ by the mean, even without any change."""
    histograms = toys.tag_and_probe(3, pairs=3000)
    sources = (Alternative("same", {"pass_axis": "passing"}), Alternative("range", {"mass_range": (65, 120)}))
    result = measure("sf", declaration(combine_fits="mean", systematics=sources), histograms)
    assert not result.systematics["same"][0].any()
    other = measure("sf", declaration(combine_fits="mean", mass_range=(65, 120)), histograms)
    shift = other.scale_factor.value - result.scale_factor.value
    assert result.systematics["range"][0] == pytest.approx(shift)
    assert declaration(combine_fits="spread").bare() == declaration(alternative_fits=())


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"combine_fits": "maximun"}, UnknownNameError, "unknown combine_fits 'maximun' .*did you mean 'maximum'"),
        ({"combine_fits": "mean", "alternative_fits": ()}, ConfigError, "combine_fits='mean' needs alternative_fits"),
        (
            {"combine_fits": "mean", "systematics": (Alternative("tag", {"alternative_fits": ()}),)},
            ConfigError,
            "needs the same alternative_fits in each measurement",
        ),
    ],
)
def test_wrong_combinations_are_refused(changes: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        declaration(**changes)


def test_mass_bins_and_ranges_of_an_alternative() -> None:
    """They give what templates with these bins, and a declaration with this range, give."""
    fine, even = toys.tag_and_probe(4, pairs=3000), tuple(range(60, 121, 2))
    coarse = {name: histogram[{"mass": hist.rebin(2)}] for name, histogram in fine.items()}
    sources = (Alternative("bins", {"mass_bins": even}), Alternative("range", {"mass_range": (75, 120)}))
    result = measure("sf", declaration(alternative_fits=(), systematics=sources), fine)
    of_coarse = measure("sf", declaration(alternative_fits=()), coarse)
    asymmetric = measure("sf", declaration(alternative_fits=(), mass_range=(75, 120)), fine)
    for source, other in (("bins", of_coarse), ("range", asymmetric)):
        shift = other.scale_factor.value - result.scale_factor.value
        assert result.systematics[source][0] == pytest.approx(shift, rel=1e-9, abs=1e-12)
        assert shift.all()
    # Bins of the axis beyond the range stay, since the spectrum is smeared from there.
    inner = measure("sf", declaration(alternative_fits=(), mass_bins=even[5:-5], mass_range=(70, 110)), fine)
    first = fits(inner, BIN)["nominal"]
    assert first.mass_edges.tolist() == list(even[5:-5])
    counts = fine["data"][{"cat": 0, "passing": 1, "pt": 1, "abseta": 0}].values()
    assert first.regions["pass"].data.tolist() == [counts[i] + counts[i + 1] for i in range(10, 50, 2)]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mass_bins": (60, 70, 65)}, "mass_bins must rise"),
        ({"mass_bins": (60.5, *range(61, 121))}, "axis 'mass': 60.5 in mass_bins is no edge, nearest: 6[01]"),
        ({"mass_bins": tuple(range(60, 121, 4))}, "mass_range holds 15 bins, a fit needs 20"),
        ({"mass_bins": tuple(range(61, 120, 2))}, "bins within mass_range must be equally wide"),
        ({"mass_bins": tuple(range(60, 121, 2)), "mass_range": (61, 120)}, r"isn't on bin edges, nearest: \(60, 120\)"),
    ],
)
def test_wrong_mass_bins(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        measure("sf", declaration(**changes), toys.tag_and_probe(1, pairs=200))
    if "no edge" in text or "holds" in text:
        axes = [Axis("x", name=name, bins=60, start=60, stop=120) for name in ("pt", "abseta", "mass", "passing")]
        with pytest.raises(ConfigError, match=text):
            declaration(**changes).check_axes(axes, "scale factor 'a'")
