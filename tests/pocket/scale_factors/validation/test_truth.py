"""Closure against the truth: measurements that are right pass, and those that are wrong on purpose fail."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError, UnstableFitError
from pocket.scale_factors import EfficiencyRatio, Fit, TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.validation import truth
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.pseudo_data import Injected, PseudoExperiments
from pocket.scale_factors.validation.truth import Failure, Pulls, in_pseudo_data, measure_once
from tests.pocket.scale_factors import energy_toys, map_toys, tagging_toys, toys, yield_toys

Histograms = Mapping[str, hist.Hist[Any]]

COUNTED = EfficiencyRatio(**toys.DECLARED)
IN_PEAK = TagAndProbeCount(**toys.DECLARED, peak=(76, 106), sidebands=((60, 70), (110, 120)))
FITTED = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())


def experiments(
    declaration: ScaleFactor, histograms: Histograms, others: tuple[str, ...] = (), variations: tuple[str, ...] = ()
) -> PseudoExperiments:
    """Return pseudo-experiments of a measurement, with all samples that aren't measured in the data."""
    templates = Templates("toys", declaration, histograms, find_bins("toys", declaration, histograms))
    factors = np.resize(declaration.injected, templates.binning.size)
    return PseudoExperiments(templates, others, factors, find_function(declaration.injection), variations)


def check(declaration: ScaleFactor, histograms: Histograms, toys: int = 50, **of: Any) -> Check:
    """Return the check of a measurement."""
    made = experiments(declaration, histograms, **of)
    return in_pseudo_data([(made.templates.labels, made)], toys)


def with_background(seed: int = 1, mass_axis: bool = True) -> dict[str, hist.Hist[Any]]:
    """Return templates with a background, most of which fails."""
    made = toys.tag_and_probe(seed) if mass_axis else toys.counting(seed)
    background = toys.template(is_mc=True, mass_axis=mass_axis)
    rng = np.random.default_rng(seed)
    for i, j in np.ndindex(toys.SHAPE):
        size = 4000 if mass_axis else 400
        axes = {"mass": toys.linear_mass(rng, size, 0.012)} if mass_axis else {}
        toys.fill(background, i, j, rng.random(size) < 0.3, np.full(size, 0.25), **axes)
    return {**made, "wjets": background}


RIGHT: dict[str, tuple[ScaleFactor, Any, dict[str, Any]]] = {
    "efficiency_ratio": (COUNTED, toys.counting, {}),
    "tnp_count": (IN_PEAK, with_background, {"others": ("wjets",)}),
    "data_mc_ratio": (yield_toys.VERTICES, yield_toys.vertices, {}),
    "keep_yield": (
        dataclasses.replace(yield_toys.VERTICES, keep_yield=True), yield_toys.vertices, {},
    ),
    "norm_ratio": (yield_toys.NORM, lambda seed: yield_toys.norm_templates(yield_toys.events(seed)), {}),
    "efficiency_map": (dataclasses.replace(map_toys.TAGGED, mc=("tt",), groups={}), map_toys.templates, {}),
    "working_point": (
        tagging_toys.declaration(),
        lambda seed: tagging_toys.histograms(seed, simulated=3.0)[0],
        {"variations": ("tiltUp", "tiltDown")},
    ),
    "energy_scale": (energy_toys.declared(), energy_toys.histograms, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_measurement_passes(name: str) -> None:
    declaration, histograms, of = RIGHT[name]
    found = check(declaration, histograms(1), **of)
    assert found.passed, found.outcome
    assert found.chi2 is not None
    assert found.chi2.p_value > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_there_is_no_false_alarm(name: str) -> None:
    """Five pseudo-experiments of each method; of each shipped measurement 200 were made once."""
    declaration, histograms, of = RIGHT[name]
    checks = [check(declaration, histograms(seed), **of) for seed in range(2, 7)]
    assert [one.outcome for one in checks if not one.passed] == []


def test_simulation_that_lacks_entries_in_other_events_is_no_error() -> None:
    def lacks(*_: Any) -> Any:
        raise ScaleFactorError("no efficiency in pt [30, 50)")

    made = dataclasses.replace(experiments(COUNTED, toys.counting(1)), inject=lacks)
    found = measure_once(made.templates.labels, made, (0, True))
    assert found == Failure("no efficiency in pt [30, 50)", is_fit=False)


def test_fits_pass() -> None:
    found = check(FITTED, with_background(), 30, others=("wjets",))
    assert found.passed, found.outcome


def test_the_spread_of_alternative_fits_is_no_statistical_error() -> None:
    """The errors of pulls are those of the nominal fit, also if the value is a mean of fits."""
    mean = dataclasses.replace(FITTED, alternative_fits=("background", "mass_range"), combine_fits="mean")
    histograms = with_background()
    toy, of_mean = (
        truth.measure_once(made.templates.labels, made, (0, False))
        for made in (experiments(one, histograms, ("wjets",)) for one in (FITTED, mean.bare()))
    )
    assert isinstance(toy, truth.Toy)
    assert isinstance(of_mean, truth.Toy)
    assert np.array_equal(toy.errors, of_mean.errors)
    assert (toy.differences != of_mean.differences).all()


def test_the_range_of_a_bin_is_that_of_its_truth() -> None:
    """Failing pairs of simulation lose mass, so the efficiency depends on the range in which pairs count."""
    histograms = toys.with_tails(2)
    own = dataclasses.replace(FITTED, overrides={"pt [30, 50), abseta [0, 1.2)": Fit(mass_range=(80, 102))})
    everywhere = dataclasses.replace(FITTED, mass_range=(80, 102))
    factors = np.full(6, 0.97)

    def failing(declaration: TagAndProbeFit) -> Any:
        made = experiments(declaration, histograms)
        injected = made.inject(declaration, made.templates, factors, np.random.default_rng(1))
        return np.unique(injected.factor("dy", histograms["dy"]).ravel().round(9))

    plain, of_bin, of_all = failing(FITTED), failing(own), failing(everywhere)
    assert set(of_bin) - set(plain) == set(of_all) & set(of_bin) - {0.97} != set()


def test_a_background_that_is_not_subtracted_fails() -> None:
    found = check(COUNTED, with_background(mass_axis=False), others=("wjets",))
    assert not found.passed
    assert "the bins are biased together" in found.outcome
    # The efficiency of signal and background together is a closed formula.
    made = experiments(COUNTED, with_background(mass_axis=False), ("wjets",))
    signal, other = made.templates.counts(("dy",)), made.templates.counts(("wjets",))
    efficiency = made.factors * signal.passing / (signal.passing + signal.failing)
    mixed = (efficiency * (signal.passing + signal.failing) + other.passing) / (
        signal.passing + signal.failing + other.passing + other.failing
    )
    expected = mixed / efficiency * made.factors
    np.testing.assert_allclose([one.found for one in found.numbers], expected, atol=3e-3)


def test_a_background_below_the_peak_that_is_left_out_fails() -> None:
    histograms = energy_toys.histograms(1)
    background = energy_toys.template(is_mc=True)
    rng = np.random.default_rng(1)
    mass, categories = rng.exponential(25.0, 20_000) + 70, (rng.random((2, 20_000)) < 0.4) * 1.5 + 0.5
    background.fill("baseline", "nominal", mass, *categories, weight=0.1)
    histograms["wjets"] = background
    found = check(energy_toys.declared(), histograms, others=("wjets",))
    assert not found.passed
    assert "parameter smearing" in found.outcome
    assert check(energy_toys.declared(background=("wjets",)), histograms).passed


@pytest.mark.parametrize("keep_yield", [False, True])
def test_a_prompt_background_that_is_left_out_fails(keep_yield: bool) -> None:
    declaration = dataclasses.replace(yield_toys.VERTICES, background=(), keep_yield=keep_yield)
    found = check(declaration, yield_toys.vertices(1), others=("wjets",))
    assert not found.passed
    assert "a bias of +" in found.outcome


def test_a_signal_that_counts_as_background_fails() -> None:
    """A sample that the measurement subtracts is one that the data have; so is one that has the signal again."""
    histograms = yield_toys.vertices(1)
    histograms["again"] = histograms["dy"].copy()
    found = check(yield_toys.VERTICES, histograms, others=("again",))
    assert not found.passed


def test_sidebands_of_a_background_without_a_line_fail() -> None:
    histograms = with_background()
    view: Any = histograms["wjets"].view()
    index = histograms["wjets"].axes["mass"].index
    for low, high in IN_PEAK.sidebands:
        view["value"][:, :, index(low) : index(high)] *= 0.2
        view["variance"][:, :, index(low) : index(high)] *= 0.2
    found = check(IN_PEAK, histograms, others=("wjets",))
    assert not found.passed


@pytest.mark.parametrize("category", ["fail_category", "denominator"])
def test_passing_entries_may_have_a_category(category: str) -> None:
    """The same entries in categories instead of on an axis have the same pseudo-experiments."""
    on_axis = toys.counting(1)
    made = {}
    for name, histogram in on_axis.items():
        cat = hist.axis.StrCategory(["passing", "other"], name="cat")
        others = [axis for axis in histogram.axes if axis.name not in ("cat", "passing")]
        made[name] = hist.Hist(cat, *others, storage=hist.storage.Weight())
        contents: Any = histogram[{"cat": "baseline"}]
        parts = [contents[{"passing": flag}].view(flow=True) for flag in (1, 0)]
        for number, part in enumerate(parts):
            view: Any = made[name].view(flow=True)[number]
            view[...] = part
            if number and category == "denominator":
                for key in ("value", "variance"):
                    view[key] += np.asarray(parts[0][key])
    declared = {**toys.DECLARED, "category": "passing", category: "other"}
    found = check(EfficiencyRatio(**declared), made)
    assert found.passed, found.outcome
    expected = check(COUNTED, on_axis)
    errors = [number.error for number in found.numbers]
    assert errors == pytest.approx([number.error for number in expected.numbers], rel=0.05)


def test_bins_may_be_joined_and_have_fewer_edges() -> None:
    declaration = dataclasses.replace(COUNTED, bins={"pt": (20.0, 50.0, 100.0)}, min_n_eff=9e3, merge_axis="abseta")
    made = experiments(declaration, toys.counting(1))
    assert made.templates.binning.size == 3
    found = check(declaration, toys.counting(1))
    assert found.passed, found.outcome
    assert len(found.numbers) == 3


def test_errors_that_are_too_small_or_too_large_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    method = find_function(COUNTED.method)

    def scaled(factor: float) -> Any:
        def measure(declaration: Any, templates: Any) -> Any:
            found = method(declaration, templates)
            values = dataclasses.replace(found.values, up=factor * found.values.up, down=factor * found.values.down)
            return dataclasses.replace(found, values=values)

        return measure

    for factor, words in ((0.5, "pulls of width 2"), (2.0, "pulls of width 0.")):
        monkeypatch.setattr(truth, "find_function", lambda _, factor=factor: scaled(factor))
        found = check(COUNTED, toys.counting(1))
        assert not found.passed
        assert words in found.outcome


def test_roots_are_compared_by_their_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of roots of normal numbers isn't the root of their mean, and a root near 0 has a long tail."""
    true, error = 0.013, 7e-5
    squares = true**2 + np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5]) * error
    value, high, low = (np.sqrt(np.maximum(squares + shift, 0)) for shift in (0, error, -error))
    measured = Measured(Measurement(value, high - value, value - low))
    monkeypatch.setattr(truth, "find_function", lambda _: lambda *_: measured)

    def toy(roots: tuple[int, ...]) -> truth.Toy:
        injected = Injected(np.full(6, true), lambda *_: np.ones(1), roots=roots)
        made = dataclasses.replace(experiments(COUNTED, toys.counting(1)), inject=lambda *_: injected)
        found = measure_once(made.templates.labels, made, (0, False))
        assert isinstance(found, truth.Toy)
        return found

    found, plain = toy((0, 1, 2, 3, 5)), toy(())
    expected = np.array([-2.0, -1.0, 0.0, 0.5, 1.5]) * error / (2 * true)
    assert found.differences[[0, 1, 2, 3, 5]] == pytest.approx(expected)
    # The lower end of the first one is 0.
    assert found.errors[[1, 2, 3, 5]] == pytest.approx(error / (2 * true))
    assert plain.differences == pytest.approx(value - true)
    for one in ("differences", "errors"):
        assert getattr(found, one)[4] == getattr(plain, one)[4]
    assert plain.differences[0] < 1.3 * found.differences[0]


@pytest.mark.parametrize(("factor", "bins"), [(1.005, slice(None)), (1.03, slice(2, 3))])
def test_wrong_values_fail(monkeypatch: pytest.MonkeyPatch, factor: float, bins: slice) -> None:
    method = find_function(COUNTED.method)

    def measure(declaration: Any, templates: Any) -> Any:
        found = method(declaration, templates)
        value = found.values.value.copy()
        value[bins] *= factor
        return dataclasses.replace(found, values=dataclasses.replace(found.values, value=value))

    monkeypatch.setattr(truth, "find_function", lambda _: measure)
    found = check(COUNTED, toys.counting(1))
    assert not found.passed
    if bins != slice(None):
        assert "a bias of +" in found.outcome
        assert "(+3" in found.outcome or "(+2.9" in found.outcome
        assert "pt [30, 50), abseta [0, 1.2)" in found.outcome


def test_measurements_without_results_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    declaration, histograms = COUNTED, toys.counting(1, objects=3, simulated=3)
    found = check(declaration, histograms)
    assert not found.passed
    assert re.search(r"only \d+ pseudo-experiments have the entries to be measured: .* no efficiency in", found.outcome)


def test_fits_that_are_unstable_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    method, calls = find_function(COUNTED.method), iter(range(1000))

    def measure(declaration: Any, templates: Any) -> Any:
        if next(calls) % 10 == 0:
            raise UnstableFitError("the fit fails in every bin")
        return method(declaration, templates)

    monkeypatch.setattr(truth, "find_function", lambda _: measure)
    found = check(COUNTED, toys.counting(1))
    assert not found.passed
    assert "5 of 50 pseudo-experiments have no result: the fit fails in every bin" in found.outcome


def test_years_have_random_numbers_of_their_own() -> None:
    made = [dataclasses.replace(experiments(COUNTED, toys.counting(1)), number=number) for number in (0, 1)]
    jobs = [(seed, False) for seed in range(100)]
    rows = [[truth.measure_once(each.templates.labels, each, job) for each in made] for job in jobs]
    found = truth.pulls_of(rows, 100)
    between = np.corrcoef(found.pulls.T)[:6, 6:]
    assert np.abs(between).max() < 0.4


def test_what_would_be_noticed_is_noticed_in_every_second_case() -> None:
    rng, bins, count = np.random.default_rng(1), 12, 50
    errors = np.linspace(0.01, 0.03, bins)

    def pulls(bias: float) -> Pulls:
        values = rng.normal(size=(count, bins)) + bias / errors
        return Pulls(("",) * bins, values * errors, np.ones(bins), errors, np.eye(bins), 0.0, count)

    bias = pulls(0.0).noticed()
    failed = [pulls(bias).agreement().p_value < truth.ALARM for _ in range(600)]
    assert np.mean(failed) == pytest.approx(0.5, abs=0.15)
    # The false alarms of all criteria together are as rare as they say.
    assert sum(bool(pulls(0.0).problems()) for _ in range(2000)) <= 12


def test_other_events_are_those_of_the_spread_between_simulations() -> None:
    """The bias that a background of few simulated events gives is due to these, and no mistake of the method."""
    histograms = with_background()
    view: Any = histograms["wjets"].view()
    few = np.random.default_rng(3).poisson(np.asarray(view["value"]) / 20)
    view["value"], view["variance"] = 20.0 * few, 400.0 * few
    made = experiments(IN_PEAK, histograms, ("wjets",))
    jobs = [*((seed, False) for seed in range(50)), *((seed, True) for seed in range(truth.OTHERS))]
    found = truth.pulls_of([[truth.measure_once(made.templates.labels, made, job)] for job in jobs], 50)
    assert found.simulation > 0.3
    assert not found.problems()
    blind = dataclasses.replace(found, simulation=0.0)
    assert blind.problems()


def test_a_bin_without_any_spread_hides_no_wrong_errors() -> None:
    rng = np.random.default_rng(1)
    pulls = rng.normal(scale=3.0, size=(50, 3))
    pulls[:, 0] = 0.0
    made = Pulls(("a", "b", "c"), pulls, np.array([0.0, 1.0, 1.0]), np.ones(3), np.eye(3), 0.0, 50)
    assert [text for text in made.problems() if re.match(r"pulls of width [23]\.?\d* in [bc]", text)]
    assert any("width 0 in a" in text for text in dataclasses.replace(made, truth=np.ones(3)).problems())


def test_bins_in_which_nothing_passes_and_few_entries_are_no_mistake() -> None:
    """A map of a rare tag, of which a bin has one entry of a large weight that passes, and another one none."""
    declaration = dataclasses.replace(map_toys.TAGGED, mc=("tt",), groups={}, min_n_eff=0.0)
    histograms = {"tt": map_toys.templates(1)["tt"].copy()}
    view: Any = histograms["tt"].view(flow=True)
    passing = [axis.name for axis in histograms["tt"].axes].index("tagged")
    rare = [np.moveaxis(np.asarray(view[key]), passing, 0)[2] for key in ("value", "variance")]
    filled = np.argwhere(rare[0] > 0)
    for number, place in enumerate(filled[:2]):
        rare[0][tuple(place)], rare[1][tuple(place)] = (5.0 * number, 25.0 * number)
    found = check(declaration, histograms)
    assert 0.0 in [number.expected for number in found.numbers]
    assert found.passed, found.outcome
    assert found.noticed is not None
    assert 0 < found.noticed < 0.02
