from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pocket.errors import ScaleFactorError
from pocket.scale_factors.methods.pass_fail_template.fit import TemplateFit, fit
from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs
from pocket.scale_factors.methods.pass_fail_template.model import TemplateModel
from tests.pocket.scale_factors import template_pyhf
from tests.pocket.scale_factors import template_toys as toys


def fitted(templates: TemplateInputs) -> TemplateFit:
    return fit(TemplateModel(templates))


def with_other_process(seed: int, **changes: Any) -> TemplateInputs:
    """Toys with a process that the scale factors don't apply to, and all flavours floating."""
    one = toys.templates(seed, bins=6)
    nuisances = {name: nuisance for name, nuisance in one.nuisances.items() if not nuisance.scale}
    other = np.linspace(20, 60, 12).reshape(2, 6)
    return toys.templates(
        seed,
        bins=6,
        data=one.data + other.astype(int),
        nominal={**one.nominal, "other": other},
        sumw2={**one.sumw2, "other": 3 * other},
        flavours=dict.fromkeys(toys.EFFICIENCY),
        nuisances={**nuisances, "other": Nuisance({"other": 1.3}, {}, {"other": (1.1 * other, 0.8 * other)})},
        **changes,
    )


@pytest.mark.parametrize(
    "templates",
    [
        toys.templates(3, bins=8),
        toys.templates(4, bins=6, simulated=0.3, flavours={"b": None, "c": 1.1, "light": 1.0}),
        with_other_process(5, free_normalisation=True),
        with_other_process(6, free_normalisation=False),
    ],
    ids=["toys", "few simulated", "free normalisation", "other process"],
)
def test_agrees_with_pyhf(templates: TemplateInputs) -> None:
    one, oracle = fitted(templates), template_pyhf.fit(templates)
    assert one.status == "valid"
    for i, flavour in enumerate(templates.floating):
        value, error, lower, upper = oracle[f"SF_{flavour}"]
        assert one.parameters[f"SF_{flavour}"] == (
            pytest.approx(value, abs=0.01 * error),
            pytest.approx(error, rel=0.01),
        )
        assert one.scale_factors.value[i] == one.parameters[f"SF_{flavour}"][0]
        assert one.scale_factors.up[i] == pytest.approx(upper, rel=0.01)
        assert one.scale_factors.down[i] == pytest.approx(-lower, rel=0.01)
    for nuisance in templates.nuisances:
        value, error, *_ = oracle[nuisance]
        assert one.parameters[nuisance] == (pytest.approx(value, abs=0.01), pytest.approx(error, rel=0.01))
    if templates.free_normalisation:
        value, error = one.parameters["log_normalisation"]
        assert np.exp(value) == pytest.approx(oracle["normalisation"][0], rel=1e-3)


def pulls(number: int, **changes: Any) -> Any:
    found = []
    for seed in range(number):
        one = fitted(toys.templates(seed, **changes))
        assert one.status == "valid"
        distance = one.scale_factors.value - [toys.SCALE_FACTOR[flavour] for flavour in ("b", "c")]
        found.append(distance / np.where(distance > 0, one.scale_factors.down, one.scale_factors.up))
    return np.array(found)


@pytest.mark.slow
def test_pulls_of_toys() -> None:
    found = pulls(40)
    # 80 pulls: the mean is known to 0.11, the width to 0.08.
    assert abs(found.mean()) < 0.33
    assert 0.76 < found.std() < 1.2
    assert np.abs(found).max() < 4


def test_pulls_without_statistics_of_simulation_are_too_wide() -> None:
    assert pulls(40, barlow_beeston=False).std() > 1.2


def test_result() -> None:
    model = TemplateModel(toys.templates(1))
    one = fit(model)
    assert one.attempts == 1
    assert tuple(one.parameters) == model.names
    assert one.ndf == 40 - 2
    assert one.chi2 == pytest.approx(model(one.values))
    assert 0.4 < one.chi2 / one.ndf < 1.8
    assert (one.beta_errors > 0).all()
    assert np.abs((one.betas - 1) / one.beta_errors).max() < 4
    assert sum(one.postfit.values()).sum() == pytest.approx(model.templates.data.sum(), rel=0.02)
    assert one.prefit["b"] == pytest.approx(model.templates.nominal["b"])
    assert 0.010 < one.scale_factors.up[0] < 0.016
    size = len(model.names)
    assert one.correlation.shape == one.covariance.shape == (size, size)
    assert np.diag(one.correlation) == pytest.approx(np.ones(size))
    assert np.diag(one.covariance) == pytest.approx([error**2 for _, error in one.parameters.values()])
    assert one.covariance == pytest.approx(np.linalg.inv(model.hessian(one.values) / 2), rel=1e-6)
    without = fit(model, intervals=False)
    assert without.parameters == one.parameters
    assert not without.scale_factors.up.any()


def counting(passing: float, failing: float, sumw2: float = 0.0) -> TemplateInputs:
    """One flavour in one bin with a simulated efficiency of 80 %."""
    nominal, data = np.array([[800.0], [200]]), np.array([[passing], [failing]])
    return TemplateInputs("bin", data, {"b": nominal}, {"b": sumw2 * nominal}, {"b": None}, free_normalisation=True)


def little_c(passing: float, failing: float) -> TemplateInputs:
    """One bin, hardly any of whose passing jets are c."""
    nominal = {"b": np.array([[100.0], [50]]), "c": np.array([[5.0], [100]])}
    data, nothing = np.array([[passing], [failing]]), np.zeros((2, 1))
    return TemplateInputs("bin", data, nominal, dict.fromkeys(nominal, nothing), {"b": 1.0, "c": None})


def test_one_bin_is_a_ratio_of_efficiencies() -> None:
    one = fitted(counting(600, 400))
    assert one.scale_factors.value == pytest.approx([0.6 / 0.8], rel=1e-5)
    assert one.parameters["SF_b"][1] == pytest.approx(np.sqrt(0.6 * 0.4 / 1000) / 0.8, rel=1e-4)
    assert (one.ndf, one.chi2) == (0, pytest.approx(0, abs=1e-5))


def test_statistics_of_one_bin_add_those_of_simulation() -> None:
    one = fitted(counting(800, 200, sumw2=2.0))
    # efficiencies of 1000 jets in data and 500 effective ones in simulation
    assert one.parameters["SF_b"][1] == pytest.approx(np.sqrt(0.8 * 0.2 * (1 / 1000 + 1 / 500)) / 0.8, rel=1e-3)


def test_nuisance_without_effect_keeps_its_constraint() -> None:
    one = toys.templates(1, bins=4)
    nothing = Nuisance(shape={"b": (one.nominal["b"], one.nominal["b"])})
    idle = fitted(toys.templates(1, bins=4, nuisances={**one.nuisances, "idle": nothing}))
    assert idle.status == "valid"
    assert idle.parameters["idle"] == (pytest.approx(0, abs=1e-6), pytest.approx(1, rel=1e-6))
    assert idle.scale_factors.value == pytest.approx(fitted(one).scale_factors.value, rel=1e-4)


def test_empty_bins_change_nothing() -> None:
    one = toys.templates(1, bins=4)

    def widened(values: Any) -> Any:
        return np.pad(values, ((0, 0), (0, 1)))

    nuisances = {
        name: Nuisance(old.rate, old.scale, {p: (widened(up), widened(down)) for p, (up, down) in old.shape.items()})
        for name, old in one.nuisances.items()
    }
    wide = toys.templates(
        1,
        data=widened(one.data),
        nominal={process: widened(values) for process, values in one.nominal.items()},
        sumw2={process: widened(values) for process, values in one.sumw2.items()},
        nuisances=nuisances,
    )
    narrow, wider = fitted(one), fitted(wide)
    assert wider.ndf == narrow.ndf == 8 - 2
    assert wider.chi2 == pytest.approx(narrow.chi2)
    assert wider.scale_factors.value == pytest.approx(narrow.scale_factors.value, rel=1e-6)


@pytest.mark.parametrize(
    ("templates", "status"),
    [
        (little_c(105, 150), "the interval of SF_c reaches its limit"),
        (little_c(50, 205), "SF_c at its limit"),
        (
            # 100 times less data than expected within 10 %
            toys.templates(1, data=toys.templates(2).data // 100),
            "rate_b at its limit",
        ),
        (
            # both flavours alike, nothing tells which one passes
            TemplateInputs(
                "bin",
                np.array([[90.0, 80], [120, 60]]),
                dict.fromkeys("bc", np.array([[50.0, 40], [60, 30]])),
                dict.fromkeys("bc", np.ones((2, 2))),
                dict.fromkeys("bc"),
            ),
            "parameters that the data can't tell apart",
        ),
        (
            # more of c than expected, whose first bin is negative
            TemplateInputs(
                "bin",
                np.array([[0.0, 1500], [5000, 1900]]),
                {"b": np.array([[0.5, 1000], [5000, 0]]), "c": np.array([[-0.45, 200], [0, 2000]])},
                dict.fromkeys("bc", np.zeros((2, 2))),
                dict.fromkeys("bc"),
            ),
            "expected yields below zero in pass bin 0",
        ),
    ],
)
def test_failed_fit(templates: TemplateInputs, status: str) -> None:
    one = fitted(templates)
    assert one.status == status
    check_finite(one)


def check_finite(one: TemplateFit) -> None:
    for part in (
        *(one.scale_factors.value, one.scale_factors.up, one.scale_factors.down),
        *(one.values, one.covariance, one.correlation, one.betas, one.beta_errors, one.chi2),
        *one.prefit.values(),
        *one.postfit.values(),
    ):
        assert np.isfinite(part).all()
    if one.status == "valid":
        assert (one.scale_factors.up > 0).all()
        assert (one.scale_factors.down > 0).all()
        assert (one.scale_factors.value - one.scale_factors.down >= 0).all()
    else:
        assert not np.any([one.scale_factors.up, one.scale_factors.down])
        assert not one.covariance.any()


few = arrays(float, (3, 2, 3), elements=st.integers(-1, 30).map(float))


@pytest.mark.slow
@given(few, arrays(float, (2, 3), elements=st.integers(0, 60).map(float)), st.floats(0.1, 3))
@settings(max_examples=30)
def test_an_interval_or_a_status_or_an_error(simulated: Any, data: Any, weight: float) -> None:
    nominal = {name: weight * values for name, values in zip(("b", "c", "light"), simulated, strict=True)}
    sumw2 = {name: weight**2 * (np.abs(values) + 2) for name, values in zip(nominal, simulated, strict=True)}
    nuisances = {
        "light": Nuisance({"light": 1.3}, {"light": 1.2}),
        "jes": Nuisance(shape={name: (1.2 * values + 0.1, 0.9 * values) for name, values in nominal.items()}),
    }
    try:
        templates = TemplateInputs("bin", data, nominal, sumw2, {"b": None, "c": None, "light": 1.0}, nuisances)
    except ScaleFactorError as error:
        assert str(error).startswith("bin: ")  # noqa: PT017
    else:
        check_finite(fitted(templates))
