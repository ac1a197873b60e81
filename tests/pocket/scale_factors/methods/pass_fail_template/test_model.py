from __future__ import annotations

from typing import Any

import numpy as np
import pyhf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs
from pocket.scale_factors.methods.pass_fail_template.model import TemplateModel, code4p
from tests.pocket.scale_factors import template_toys as toys


def with_everything(**changes: Any) -> TemplateInputs:
    """Rate, scale and shape in one nuisance, a process that no scale factor applies to, a frozen flavour off 1."""
    one = toys.templates(1, bins=3)
    nominal = {**one.nominal, "other": np.array([[40.0, 30, 20], [100, 200, 50]])}
    shape = {process: (values * 1.1 + 3, values * 0.7) for process, values in nominal.items()}
    all_at_once = Nuisance(rate={"b": 1.1, "other": 0.8}, scale={"light": 1.3}, shape=shape)
    inputs: dict[str, Any] = {
        "label": "toys",
        "data": one.data,
        "nominal": nominal,
        "sumw2": {process: 2 * values for process, values in nominal.items()},
        "flavours": {"b": None, "c": None, "light": 1.2},
        "nuisances": {**one.nuisances, "all_at_once": all_at_once},
        "free_normalisation": True,
    }
    return TemplateInputs(**{**inputs, **changes})


def points(model: TemplateModel) -> Any:
    rng = np.random.default_rng(1)
    return model.start() + rng.normal(size=(5, len(model.names))) * np.where(model.start() == 1, 0.1, 0.8)


def interpolated(theta: float, nominal: Any, up: Any, down: Any) -> Any:
    if abs(theta) >= 1:
        return theta * (up - nominal) if theta > 0 else theta * (nominal - down)
    even = (15 * theta**2 - 10 * theta**4 + 3 * theta**6) / 16
    return theta * (up - down) / 2 + even * (up + down - 2 * nominal)


def by_hand(templates: TemplateInputs, parameters: dict[str, float]) -> dict[str, Any]:
    """Expected yields without statistics of simulation, process by process."""
    found = {}
    for process, nominal in templates.nominal.items():
        yields, scale = nominal.copy(), templates.flavours.get(process)
        rate = np.exp(parameters.get("log_normalisation", 0.0))
        scale = parameters.get(f"SF_{process}", scale)
        for name, nuisance in templates.nuisances.items():
            rate *= nuisance.rate.get(process, 1) ** parameters[name]
            if scale is not None:
                scale *= nuisance.scale.get(process, 1) ** parameters[name]
            if process in nuisance.shape:
                yields += interpolated(parameters[name], nominal, *nuisance.shape[process])
        if scale is not None:
            yields[1] *= 1 + (1 - scale) * nominal[0].sum() / nominal[1].sum()
            yields[0] *= scale
        found[process] = rate * yields
    return found


def test_parameters() -> None:
    model = TemplateModel(with_everything())
    free = ("SF_b", "SF_c", "log_normalisation")
    assert model.names == (*free, "rate_b", "rate_c", "rate_light", "sf_light", "tilt_0", "all_at_once")
    assert model.scale_factors == free[:2]
    start = dict(zip(model.names, model.start(), strict=True))
    total = sum(yields.sum() for yields in by_hand(model.templates, start).values())
    assert start["SF_b"] == 1
    assert start["rate_b"] == 0
    simulated = model.templates.total.sum()
    assert np.exp(start["log_normalisation"]) == pytest.approx(model.templates.data.sum() / simulated)
    assert total == pytest.approx(model.templates.data.sum(), rel=0.01)


def test_limits_are_nothing_passing_and_nothing_failing() -> None:
    model = TemplateModel(with_everything(barlow_beeston=False))
    for end in (0, 1):
        values = model.start()
        values[:2] = [limits[end] for limits in model.limits()[:2]]
        yields = model.yields(values)
        for flavour in ("b", "c"):
            assert yields[flavour][end] == pytest.approx(0, abs=1e-9)
            assert (yields[flavour][1 - end] > 0).all()


def test_yields_and_likelihood_by_hand() -> None:
    templates = with_everything()
    model = TemplateModel(templates)
    variance = np.sum(list(templates.sumw2.values()), axis=0) / templates.total**2
    for values in points(model):
        expected = by_hand(templates, dict(zip(model.names, values, strict=True)))
        cost = np.sum(values[3:] ** 2)
        for region, index in np.ndindex(2, 3):
            n = templates.data[region, index]
            nu = sum(yields[region, index] for yields in expected.values())
            sigma = np.sqrt(variance[region, index])

            def minus_two_log(beta: float, n: float = n, nu: float = nu, sigma: float = sigma) -> float:
                ratio = stats.poisson.logpmf(n, beta * nu) - stats.poisson.logpmf(n, n)
                return float(-2 * ratio + ((beta - 1) / sigma) ** 2)

            best = optimize.minimize_scalar(minus_two_log, bounds=(0.01, 10), options={"xatol": 1e-9})
            cost += best.fun
            assert model.betas(values)[region, index] == pytest.approx(best.x, abs=1e-6)
        assert model(values) == pytest.approx(cost, rel=1e-9)
        for process, yields in model.yields(values).items():
            assert yields == pytest.approx(expected[process] * model.betas(values))


def test_scale_factors_keep_the_yield_of_each_flavour() -> None:
    model = TemplateModel(with_everything(barlow_beeston=False))
    start, moved = model.start(), model.start()
    moved[:2] = 0.8, 1.4
    before, after = model.yields(start), model.yields(moved)
    for flavour, factor in {"b": 0.8, "c": 1.4, "light": 1.0, "other": 1.0}.items():
        assert after[flavour][0] == pytest.approx(factor * before[flavour][0])
        assert after[flavour].sum() == pytest.approx(before[flavour].sum())


@pytest.mark.parametrize("barlow_beeston", [True, False])
@pytest.mark.parametrize("nuisances", ["all", "none"])
def test_derivatives(barlow_beeston: bool, nuisances: str) -> None:
    changes: dict[str, Any] = {} if nuisances == "all" else {"nuisances": {}, "free_normalisation": False}
    model = TemplateModel(with_everything(barlow_beeston=barlow_beeston, **changes))
    steps = 1e-5 * np.eye(len(model.names))
    for values in points(model):
        slopes = [(model(values + step) - model(values - step)) / 2e-5 for step in steps]
        assert model.gradient(values) == pytest.approx(np.array(slopes), rel=1e-5, abs=1e-3)
        curves = [(model.gradient(values + step) - model.gradient(values - step)) / 2e-5 for step in steps]
        assert model.hessian(values) == pytest.approx(np.array(curves), rel=1e-5, abs=1e-3)


def test_without_statistics_of_simulation_they_are_exact() -> None:
    exact = with_everything(sumw2=dict.fromkeys(with_everything().nominal, np.zeros((2, 3))))
    without = TemplateModel(with_everything(barlow_beeston=False))
    for values in points(without):
        assert (without.betas(values) == 1).all()
        assert TemplateModel(exact)(values) == without(values)


def test_fixed_betas_multiply_all_yields_and_leave_the_ratio_of_regions() -> None:
    templates = with_everything()
    betas = np.array([[1.1, 0.9, 1.0], [1.2, 0.8, 1.05]])
    fixed, without = TemplateModel(templates, betas), TemplateModel(with_everything(barlow_beeston=False))
    for values in points(fixed):
        expected = without.yields(values)
        for process, yields in fixed.yields(values).items():
            assert yields == pytest.approx(betas * expected[process])


def test_variation_of_an_empty_bin_changes_nothing() -> None:
    values = np.array([[0.0, 9], [9, 9]])
    filled = np.array([[4.0, 9], [9, 9]])
    nuisances = {"jes": Nuisance(shape={"b": (filled, 2 * values)})}
    model = TemplateModel(TemplateInputs("bin", values, {"b": values}, {"b": values}, {"b": None}, nuisances))
    for theta in (-1.5, -0.3, 0.0, 0.4, 2.0):
        assert model.yields(np.array([1.0, theta]))["b"][0, 0] == 0
        assert np.isfinite(model(np.array([1.0, theta])))


theta = st.floats(-4, 4)
content = st.floats(0, 100)


@given(theta, content, content, content)
def test_interpolation_agrees_with_pyhf(theta: float, nominal: float, up: float, down: float) -> None:
    oracle = pyhf.interpolators.get("4p")([[[[down], [nominal], [up]]]], subscribe=False)
    toward, away = code4p(np.array([theta]))[0, :, 0]
    expected = float(np.ravel(oracle(np.array([[theta]])))[0])
    assert toward * (up - nominal) + away * (nominal - down) == pytest.approx(expected, abs=1e-10)


@given(theta)
def test_derivatives_of_the_interpolation(theta: float) -> None:
    slope, curvature, _ = (code4p(np.array([theta + 1e-5])) - code4p(np.array([theta - 1e-5]))) / 2e-5
    assert code4p(np.array([theta]))[1] == pytest.approx(slope, abs=1e-6)
    assert code4p(np.array([theta]))[2] == pytest.approx(curvature, abs=1e-4)


@given(st.floats(1e-6, 1e4), st.integers(0, 1000), st.floats(1e-4, 3))
def test_numbers_stay_finite(scale: float, n: int, sigma: float) -> None:
    nominal, data = np.full((2, 1), scale), np.full((2, 1), max(n, 1.0))
    data[0, 0] = max(n, 1)
    model = TemplateModel(TemplateInputs("bin", data, {"b": nominal}, {"b": (sigma * nominal) ** 2}, {"b": None}))
    for values in ([1.0], [0.0], [1.9999], [2.0]):
        at = np.array(values)
        assert np.isfinite(model(at))
        assert np.isfinite(model.gradient(at)).all()
        assert np.isfinite(model.hessian(at)).all()
