"""Fits against MINUIT, closed forms and profiles found anew; fits without a minimum."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

from pocket.errors import FitError, PocketError
from pocket.statistics import minimisation
from pocket.statistics.analyses import Choice, choose_likelihood, find_results, fit_toys
from pocket.statistics.fits import Fit, LowerMinimumError, at_lowest_minimum, fit
from pocket.statistics.formulas import Formula
from pocket.statistics.impacts import break_down, rank_impacts
from pocket.statistics.intervals import find_crossing, find_interval, scan
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.minimisation import Minimum, minimise
from pocket.statistics.model import FreeParameter, Model, RegionModel
from pocket.statistics.parameter_options import MINIMISERS
from pocket.statistics.toys import toy, toys
from tests.pocket.statistics import models


def counting(data: float, background: float = 0.0, low: float = 0.0, high: float = 50.0) -> Likelihood:
    """Return the likelihood of one bin."""
    names, nominal = ("signal",), [[1.0]]
    if background:
        names, nominal = ("signal", "other"), [[1.0], [background]]
    region = RegionModel(
        "sr", names, np.array(nominal), np.zeros((len(names), 1)), np.array([data]), factors={"signal": ("r",)}
    )
    return Likelihood(Model((region,), {"r": FreeParameter(low, high)}))


@pytest.mark.parametrize("seed", range(8))
def test_minuit_finds_the_same_minimum(seed: int) -> None:
    likelihood = Likelihood(models.simple(seed, mc_errors=0.4 if seed % 2 else 0.1))
    newton = fit(likelihood)
    minuit = fit(likelihood, "minuit")
    assert newton.deviance == pytest.approx(minuit.deviance, abs=2e-3)
    errors = np.where(newton.errors > 0, newton.errors, 1)
    np.testing.assert_allclose(newton.values / errors, minuit.values / errors, atol=0.02)
    np.testing.assert_allclose(newton.errors / errors, minuit.errors / errors, atol=0.02)
    assert newton.bounds == minuit.bounds


def test_large_model_converges_in_few_iterations() -> None:
    likelihood = Likelihood(models.large(regions=4))
    best = fit(likelihood)
    assert best.minimum.iterations < 10
    assert np.abs(likelihood.gradient(best.values)).max() < 1e-4


@pytest.mark.parametrize("seed", range(6))
def test_profiles_are_fits_with_fixed_parameters(seed: int) -> None:
    likelihood = Likelihood(models.simple(seed, mc_errors=0.3))
    best = fit(likelihood)
    for name, value in (("r", 2.5), ("rate", 1.2), ("tilt", -0.8)):
        found = best.profile({likelihood.parameters.index(name): value})
        again = fit(likelihood.adjusted(freeze={name: value}))
        assert found.deviance == pytest.approx(again.deviance, abs=1e-5)
        np.testing.assert_allclose(found.values, again.values, atol=3e-3)


def test_fits_begin_where_they_are_told() -> None:
    likelihood = Likelihood(models.simple(1))
    best = fit(likelihood)
    for start in ({"r": 0.0}, {"r": 29.0}, {"r": 5.0, "rate": 3.0, "tilt": -3.0}):
        found = fit(likelihood.adjusted(start=start))
        np.testing.assert_allclose(found.values, best.values, atol=1e-4)


def test_free_norms_and_formulas_between_regions() -> None:
    """The ABCD method has a closed form: the background in the signal region is B·C/D."""
    counts = {"A": 70.0, "B": 30.0, "C": 40.0, "D": 60.0}
    regions = []
    for name, data in counts.items():
        processes, nominal = ("qcd",), [[1.0]]
        factors = {"qcd": (f"n_{name}",)}
        if name == "A":
            processes, nominal = ("signal", "qcd"), [[10.0], [1.0]]
            factors = {"signal": ("r",), "qcd": ("abcd",)}
        regions.append(
            RegionModel(
                name, processes, np.array(nominal), np.zeros((len(processes), 1)), np.array([data]), factors=factors
            )
        )
    free = {f"n_{name}": FreeParameter(0, 1000, 50) for name in "BCD"}
    formulas = {"abcd": Formula("@0*@1/@2", ("n_B", "n_C", "n_D"))}
    best = fit(Likelihood(Model(tuple(regions), {"r": FreeParameter(-10, 20)}, free=free, formulas=formulas)))
    background = 30 * 40 / 60
    assert best.value("r") == pytest.approx((70 - background) / 10, rel=1e-6)
    variance = 70 + background**2 * (1 / 30 + 1 / 40 + 1 / 60)
    assert best.error("r") == pytest.approx(np.sqrt(variance) / 10, rel=1e-6)
    assert best.deviance == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("minimiser", MINIMISERS)
def test_a_parameter_at_a_bound_is_a_result(minimiser: str) -> None:
    low, high = fit(counting(3.0, background=10.0), minimiser), fit(counting(30.0, high=5.0), minimiser)
    for best, side, value in ((low, "lower", 0), (high, "upper", 5)):
        assert best.bounds == {"r": side}
        assert (best.value("r"), best.error("r"), best.minimiser) == (value, 0, minimiser)
        assert best.result().parameters["r"].bound == side


def test_an_argument_without_effect_is_said() -> None:
    with pytest.warns(DeprecationWarning, match="bounds_allowed has no effect: a parameter at a bound is a result"):
        fit(counting(5.0), bounds_allowed=False)


def test_degenerate_parameters_are_named() -> None:
    region = RegionModel(
        "sr",
        ("signal", "other"),
        np.array([[5.0, 10.0], [7.0, 14.0]]),
        np.zeros((2, 2)),
        np.array([13.0, 25.0]),
        np.arange(3.0),
        log_normals={"lumi": {"signal": (0.9, 1.1), "other": (0.9, 1.1)}},
        factors={"signal": ("r",), "other": ("norm",)},
    )
    model = Model((region,), {"r": FreeParameter(-5, 20)}, ("lumi",), {"norm": FreeParameter(-5, 5)})
    with pytest.raises(FitError, match=r"parameters '(r|norm)' and '(r|norm)' are degenerate: only a combination"):
        fit(Likelihood(model))
    # Frozen, one of them is determined.
    assert fit(Likelihood(model).adjusted(freeze={"norm": 1.0})).value("r") > 0


def test_undetermined_parameter_is_named() -> None:
    likelihood = Likelihood(models.simple(1))
    region = dataclasses.replace(likelihood.model.regions[0], factors={"signal": ("r", "scale")})
    model = dataclasses.replace(
        likelihood.model, regions=(region,), pois={"r": FreeParameter(-1, 30)}, free={"scale": FreeParameter(0, 5)}
    )
    with pytest.raises(FitError, match="parameter 'scale' isn't determined: the likelihood doesn't depend on it"):
        fit(Likelihood(model).adjusted(freeze={"r": 0.0}))


def test_fit_without_end_names_the_parameter_that_went_farthest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocket.statistics.fits.find_minimum", lambda likelihood, *_: (stopped(likelihood), "newton"))
    with pytest.raises(
        FitError, match=r"no minimum after 1 iterations: parameter 'r' went .* from 1 to 1\.8: look at its effect"
    ):
        fit(counting(5.0))


def stopped(likelihood: Likelihood) -> Minimum:
    values = np.array([1.8])
    return Minimum(values, likelihood.deviance(values), 1.0, 1, False)


def test_unknown_minimiser() -> None:
    with pytest.raises(PocketError, match="unknown minimiser 'minut' in the arguments, did you mean 'minuit'"):
        fit(counting(5.0), "minut")


@pytest.mark.parametrize("level", [0.6826894921370859, 0.95])
@pytest.mark.parametrize("data", [1.0, 9.0, 400.0])
def test_intervals_of_one_bin(data: float, level: float) -> None:
    from scipy import stats

    height = stats.chi2.ppf(level, 1)
    found = find_interval(fit(counting(data, high=5000.0)), "r", level)

    def rise(r: float) -> float:
        return float(2 * (r - data + data * np.log(data / r)) - height)

    assert found.low == pytest.approx(optimize.brentq(rise, 1e-9, data), rel=1e-4)
    assert found.high == pytest.approx(optimize.brentq(rise, data, data * 20), rel=1e-4)
    assert found.bounded == (False, False)
    assert found.errors == (found.value - found.low, found.high - found.value)


def test_intervals_end_at_bounds() -> None:
    best = fit(counting(11.0, background=10.0, high=2.0))
    found = find_interval(best, "r")
    assert (found.low, found.high, found.bounded) == (0.0, 2.0, (True, True))
    at_bound = fit(counting(3.0, background=10.0))
    found = find_interval(at_bound, "r")
    assert (found.low, found.bounded) == (0.0, (True, False))
    assert at_bound.profile({0: found.high}).deviance - at_bound.deviance == pytest.approx(1, rel=1e-3)


def test_intervals_agree_with_minos() -> None:
    from iminuit import Minuit

    likelihood = Likelihood(models.simple(4, mc_errors=0.4))
    best = fit(likelihood)
    minuit = Minuit(likelihood.deviance, best.values, grad=likelihood.gradient, name=likelihood.parameters.names)
    minuit.errordef = 1
    minuit.limits["r"] = (0, 30)
    minuit.migrad()
    minuit.minos()
    for name in likelihood.parameters.names:
        down, up = find_interval(best, name).errors
        assert down == pytest.approx(-minuit.merrors[name].lower, rel=5e-3)
        assert up == pytest.approx(minuit.merrors[name].upper, rel=5e-3)


def test_intervals_of_frozen_parameters_and_wrong_levels() -> None:
    likelihood = Likelihood(models.simple(1)).adjusted(freeze=["lumi"])
    best = fit(likelihood)
    with pytest.raises(PocketError, match="parameter 'lumi' is frozen, so it has no profile"):
        find_interval(best, "lumi")
    with pytest.raises(PocketError, match="the level of an interval is 95, but must be between 0 and 1"):
        find_interval(best, "r", 95)
    with pytest.raises(PocketError, match="unknown parameter 'lumy'"):
        find_interval(best, "lumy")


def test_all_results_begin_again_at_a_lower_minimum() -> None:
    model = models.two_minima()
    likelihood = Likelihood(model)
    first = fit(likelihood)
    lowest = fit(likelihood, start=-likelihood.parameters.start)
    assert first.value("r") > 0 > lowest.value("r")
    with pytest.raises(LowerMinimumError, match=r"one lower by 0\.\d+ is at 'r' = -") as caught:
        find_interval(first, "r")
    assert likelihood.deviance(caught.value.values) < first.deviance
    with pytest.raises(LowerMinimumError):
        scan(first, {"r": [-1.0, 0.0]})
    results = find_results(model, Choice(data="observed"))
    assert not results.missing
    assert results.fit.deviance == pytest.approx(lowest.deviance, abs=1e-6)
    expected = find_interval(lowest, "r")
    assert results.intervals["r"].errors == pytest.approx(expected.errors, rel=1e-3)
    assert min(results.others["scan"][0].rise) >= 0
    # That MINUIT ends at the higher minimum is said.
    assert results.confirmation.difference == pytest.approx(first.deviance - lowest.deviance, abs=1e-3)


def test_toys_begin_again_at_a_lower_minimum() -> None:
    model = models.two_minima()
    found = fit_toys(model, range(30), Choice())["r"]
    assert found["number"] == list(range(30))
    likelihood = choose_likelihood(model, Choice())
    gains = []
    for number, value in enumerate(found["value"]):
        thrown = likelihood.observing(toy(likelihood, 1, number))
        gains.append(fit(thrown).deviance - thrown.deviance(np.array([value])))
    # Behind a barrier that the interval doesn't cross, a lower minimum isn't known.
    assert min(gains) > -1e-6
    assert sum(gain > 0.05 for gain in gains) >= 4


def test_lower_minima_that_do_not_end() -> None:
    best = fit(Likelihood(models.simple(1)))

    def find(best: Fit) -> float:
        return best.rise(dataclasses.replace(best.minimum, deviance=best.deviance - 5))

    with pytest.raises(FitError, match=r"the fit isn't at the lowest minimum: one lower by 5 is at .*, 5 times in a"):
        at_lowest_minimum(best, find)


def test_crossings_of_steep_functions() -> None:
    distance, bounded = find_crossing(lambda x: x**4, 0.1, 10, 2.0, 1e-8)
    assert distance == pytest.approx(2**0.25, rel=1e-6)
    assert not bounded
    assert find_crossing(lambda x: 0.1 * x, 1, 10, 2.0, 1e-8) == (10, True)


def test_scans() -> None:
    likelihood = Likelihood(models.simple(2))
    best = fit(likelihood)
    found = scan(best, {"r": [0.0, 1.0, 2.0]})
    for (value,), rise in zip(found.points, found.rise, strict=True):
        again = fit(likelihood.adjusted(freeze={"r": value}))
        assert rise == pytest.approx(again.deviance - best.deviance, abs=1e-5)
    both = scan(best, {"r": [1.0, 2.0], "rate": [-1.0, 0.0, 1.0]})
    assert both.points[:3] == ((1.0, -1.0), (1.0, 0.0), (1.0, 1.0))
    again = fit(likelihood.adjusted(freeze={"r": 2.0, "rate": 1.0}))
    assert both.rise[-1] == pytest.approx(again.deviance - best.deviance, abs=1e-5)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"r": [31.0]}, "the value 31 of parameter 'r' is outside of its range from 0 to 30"),
        ({"q": [1.0]}, "unknown parameter 'q'"),
        ({}, "a scan is over one parameter or two, not over 0"),
    ],
)
def test_wrong_scans(points: dict[str, list[float]], message: str) -> None:
    with pytest.raises(PocketError) as error:
        scan(fit(Likelihood(models.simple(2))), points)
    assert message in str(error.value)


def test_impacts_are_refits() -> None:
    likelihood = Likelihood(models.simple(5, mc_errors=0.2))
    best = fit(likelihood)
    found = {impact.name: impact for impact in rank_impacts(best)}
    assert set(found) == {"lumi", "rate", "tilt"}
    sizes = [impact.size("r") for impact in found.values()]
    assert sizes == sorted(sizes, reverse=True)
    for name, impact in found.items():
        minos = find_interval(best, name)
        assert impact.errors == pytest.approx(minos.errors, rel=0.02)
        for side, error, effect in zip((-1, 1), impact.errors, impact.effects["r"], strict=True):
            again = fit(likelihood.adjusted(freeze={name: impact.value + side * error}))
            assert effect == pytest.approx(again.value("r") - best.value("r"), abs=2e-4)
    with pytest.raises(PocketError, match="unknown parameter 'r' in the impacts"):
        rank_impacts(best, ["r"])


def test_breakdown_of_a_simple_model_adds_up() -> None:
    """With large numbers, the error is √(statistics² + luminosity²)."""
    region = RegionModel(
        "sr",
        ("s",),
        np.array([[1e6]]),
        np.array([[4e6]]),
        np.array([1e6]),
        factors={"s": ("r",)},
        log_normals={"lumi": {"s": (1 / 1.005, 1.005)}, "id": {"s": (1 / 1.003, 1.003)}},
        mc_stat=models.McStat(10, include_signal=True),
    )
    model = Model((region,), {"r": FreeParameter(0, 5)}, ("lumi", "id"), groups={"lumi": ("lumi",), "id": ("id",)})
    found = break_down(fit(Likelihood(model)), "r")
    expected = {"lumi": 0.005, "id": 0.003, "mc_stat": 0.002, "stat": 0.001}
    assert list(found.groups) == list(expected)
    for name, size in expected.items():
        assert found.groups[name] == pytest.approx((size, size), rel=0.02)
    assert found.total[1] == pytest.approx(np.sqrt(sum(size**2 for size in expected.values())), rel=0.02)
    with pytest.raises(PocketError, match="unknown parameter of interest 'lumi' in the breakdown"):
        break_down(fit(Likelihood(model)), "lumi")
    # Groups of a card may have the names of what a breakdown has anyway.
    shares = break_down(fit(Likelihood(model)), "r", {"stat": ("lumi",), "mc_stat": ("id",)}).groups
    renamed = {"group:stat": 0.005, "group:mc_stat": 0.003, "mc_stat": 0.002, "stat": 0.001}
    assert {name: up for name, (_, up) in shares.items()} == pytest.approx(renamed, rel=0.02)


def test_a_negative_signal_ends_where_a_bin_without_data_has_nothing_left() -> None:
    """The minimum is found by nested minimisations without derivatives, of a likelihood with kinks."""
    signal, background, data = np.linspace(0.1, 1, 5), np.array([4, 2, 1, 0.5, 0.2]), np.array([5.0, 3, 1, 0, 0])
    region = RegionModel(
        "sr",
        ("s", "b"),
        np.array([signal, background]),
        np.zeros((2, 5)),
        data,
        np.arange(6.0),
        factors={"s": ("r",)},
        log_normals={"xs": {"b": (1 / 1.3, 1.3)}},
    )

    def profiled(xs: float) -> optimize.OptimizeResult:
        expected = background * 1.3**xs

        def deviance(r: float) -> float:
            total = np.maximum(expected + r * signal, 0)
            return float(2 * (total - data + special.xlogy(data, data) - special.xlogy(data, total)).sum() + xs**2)

        lowest = -(expected / signal)[data > 0].min()
        return optimize.minimize_scalar(deviance, bounds=(lowest, 5), options={"xatol": 1e-9})

    outer = optimize.minimize_scalar(lambda xs: profiled(xs).fun, bounds=(-3, 3), options={"xatol": 1e-9})
    best = fit(Likelihood(Model((region,), {"r": FreeParameter(-20, 20)}, ("xs",))))
    assert best.value("xs") == pytest.approx(outer.x, abs=0.01)
    assert best.value("r") == pytest.approx(profiled(outer.x).x, abs=0.01)
    # Each of the two bins with less than nothing left may lower it by 0.01.
    assert best.deviance == pytest.approx(outer.fun, abs=0.02)


@pytest.mark.parametrize(
    ("background", "signal", "data"),
    [([13.56, 0.03], [0.5, 28.8], [9, 1]), ([0.04, 0.9, 0.4], [30.7, 0.3, 3.9], [0, 1, 0])],
)
def test_a_fit_does_not_leave_where_its_data_are_possible(
    background: list[float], signal: list[float], data: list[float]
) -> None:
    """A step from r = 1 to a negative signal may leave a bin with data without expectation; the oracle is a scan."""
    b, s, d = map(np.array, (background, signal, data))
    region = RegionModel(
        "sr", ("s", "b"), np.array([s, b]), np.zeros((2, len(b))), d, np.arange(len(b) + 1.0), factors={"s": ("r",)}
    )
    points = np.linspace(-(b / s)[d > 0].min(), 2, 200_001)[1:]
    total = np.maximum(b + points[:, None] * s, 0)
    scanned = points[(total - special.xlogy(d, total)).sum(axis=1).argmin()]
    best = fit(Likelihood(Model((region,), {"r": FreeParameter(-50, 50)})))
    assert best.value("r") == pytest.approx(scanned, abs=0.005)


def test_several_parameters_of_interest() -> None:
    model = models.simple(3)
    regions = tuple(
        dataclasses.replace(region, factors={"signal": ("r",), "wjets": ("w",)}) for region in model.regions
    )
    model = dataclasses.replace(model, regions=regions, pois={"r": FreeParameter(0, 30), "w": FreeParameter(0, 5)})
    best = fit(Likelihood(model))
    impact = rank_impacts(best, ["tilt"])[0]
    assert set(impact.effects) == {"r", "w"}
    record = best.result()
    assert [record.parameters[name].kind for name in ("r", "w", "lumi")] == ["poi", "poi", "nuisance"]


def check_pulls(model: Model, count: int, mean: float, width: tuple[float, float], coverage: float) -> None:
    """Check pulls and coverage of the parameter of interest over toys, thrown at its value of 1."""
    likelihood = Likelihood(model)
    pulls, covered = [], 0
    for thrown in toys(likelihood, range(count), seed=7):
        best = fit(thrown)
        interval = find_interval(best, "r")
        down, up = interval.errors
        pulls.append((best.value("r") - 1) / (up if best.value("r") < 1 else down))
        covered += interval.low <= 1 <= interval.high
    assert abs(np.mean(pulls)) < mean
    assert width[0] < np.std(pulls) < width[1]
    assert covered / count == pytest.approx(0.6827, abs=coverage)


@pytest.mark.parametrize(
    ("count", "bars"),
    [
        (200, {"mean": 0.25, "width": (0.8, 1.2), "coverage": 0.1}),
        pytest.param(1000, {"mean": 0.1, "width": (0.9, 1.1), "coverage": 0.03}, marks=pytest.mark.slow),
    ],
)
def test_pulls_and_coverage(count: int, bars: dict[str, Any]) -> None:
    check_pulls(models.realistic(), count, **bars)


def test_minimum_is_found_from_anywhere() -> None:
    likelihood = Likelihood(models.realistic())
    best = fit(likelihood)
    rng = np.random.default_rng(3)
    for _ in range(5):
        start = best.values + rng.normal(0, 1.5, len(best.values))
        found = minimise(likelihood, np.clip(start, likelihood.parameters.low, None), likelihood.parameters.floating)
        assert found.converged
        np.testing.assert_allclose(found.values, best.values, atol=1e-3)


@pytest.mark.parametrize("data", [1.0, 10.0, 84.0, 2000.0])
def test_degenerate_parameters_at_their_bounds_are_named(data: float) -> None:
    names = ("r", "first", "second", "third")
    nominal = np.array([[2.0], [40.0], [3.0], [30.0]])
    region = RegionModel(
        "sr", names, nominal, 0 * nominal, data=[data], factors={name: (name,) for name in names},
        log_normals={"rate": {"first": (0.9, 1.1)}},
    )  # fmt: skip
    free = {name: FreeParameter(0, 5) for name in names[1:]}
    likelihood = Likelihood(Model((region,), {"r": FreeParameter(0, 20)}, ("rate",), free))
    if data == 2000:
        # All are at their upper bounds, and each is wanted there.
        assert set(fit(likelihood).bounds) == set(names)
    else:
        with pytest.raises(FitError, match=r"parameters '\w+' and '\w+' are degenerate: only a combination"):
            fit(likelihood)


@pytest.mark.parametrize(("seed", "number"), [(179, 4), (195, 4), (225, 3), (238, 4), (294, 5)])
def test_deviances_that_are_curved_downwards_beside_a_kink(
    seed: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    likelihood = choose_likelihood(models.kinked(seed), Choice())
    likelihood = likelihood.observing(toy(likelihood, 1, number))
    parameters = likelihood.parameters
    found, other = (minimise(likelihood, parameters.start, parameters.floating, name) for name in ("newton", "minuit"))
    assert found.converged
    assert found.deviance < other.deviance + 1e-3
    # Without shorter steps there, the way along the kink ends.
    monkeypatch.setattr(minimisation, "LEAST_CURVATURE", -np.inf)
    assert not minimise(likelihood, parameters.start, parameters.floating).converged


@pytest.mark.parametrize(("seed", "number"), [(171, 4), (174, 2)])
def test_a_kink_near_the_minimum_takes_few_steps(seed: int, number: int) -> None:
    likelihood = choose_likelihood(models.kinked(seed), Choice())
    likelihood = likelihood.observing(toy(likelihood, 1, number))
    found = fit(likelihood)
    # The trust region alone needs more than 60.
    assert found.minimum.iterations < 25
    assert found.deviance == pytest.approx(fit(likelihood, "minuit").deviance, abs=1e-4)


@pytest.mark.parametrize(("seed", "number", "r"), [(34, 2, 2.5), (35, 2, 0.0), (36, 1, 1.0), (38, 1, 3.0)])
def test_minima_at_kinks_beside_which_the_deviance_is_curved_downwards(seed: int, number: int, r: float) -> None:
    likelihood = choose_likelihood(models.kinked(seed), Choice())
    thrown = likelihood.observing(toy(likelihood, 1, number))
    index = thrown.parameters.index("r")
    found = fit(thrown).profile({index: r})
    second = np.delete(np.delete(thrown.hessian(found.values), index, 0), index, 1)
    assert np.linalg.eigvalsh(second)[0] < 0
    # No step leads lower; farther away, there are other minima.
    rng, others = np.random.default_rng(1), np.arange(len(thrown.parameters.names)) != index
    for length in (1e-3, 1e-2, 3e-2):
        steps = length * rng.normal(size=(500, len(others))) * others
        assert min(thrown.deviance(found.values + step) for step in steps) > found.deviance - 1e-3


def test_rounding_of_second_derivatives_changes_no_minimum_at_many_kinks(monkeypatch: pytest.MonkeyPatch) -> None:
    likelihood = choose_likelihood(models.kinked(10, bins=8, backgrounds=4, shapes=12), Choice())
    thrown = likelihood.observing(toy(likelihood, 1, 1))
    rng, exact = np.random.default_rng(1), thrown.hessian

    def rounded(values: np.ndarray) -> np.ndarray:
        second = exact(values)
        noise = 1e-15 * rng.normal(size=second.shape)
        return second * (1 + noise + noise.T)

    monkeypatch.setattr(thrown, "hessian", rounded)
    parameters = thrown.parameters
    found = [minimise(thrown, parameters.start, parameters.floating) for _ in range(4)]
    assert all(minimum.converged for minimum in found)
    assert [minimum.deviance for minimum in found] == pytest.approx([found[0].deviance] * 4, abs=1e-3)
