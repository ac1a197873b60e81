from __future__ import annotations

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.efficiency import weighted_efficiency
from pocket.scale_factors.template_fit import TemplateFit, fit
from pocket.scale_factors.template_impacts import impacts, statistical_errors
from pocket.scale_factors.template_inputs import Nuisance, Templates
from pocket.scale_factors.template_model import TemplateModel
from tests.pocket.scale_factors import template_pyhf
from tests.pocket.scale_factors import template_toys as toys


@pytest.fixture(scope="module")
def model() -> TemplateModel:
    return TemplateModel(toys.templates(2, bins=6))


@pytest.fixture(scope="module")
def fitted(model: TemplateModel) -> TemplateFit:
    return fit(model)


def test_impacts_agree_with_pyhf(model: TemplateModel, fitted: TemplateFit) -> None:
    found = impacts(model, fitted)
    assert tuple(found) == tuple(model.templates.nuisances)
    for name in ("rate_c", "tilt_0"):
        value, error = fitted.parameters[name]
        for shift, end in zip(found[name], (value + error, value - error), strict=True):
            oracle = template_pyhf.fit(model.templates, {name: end})
            for i, parameter in enumerate(model.scale_factors):
                best, scale = fitted.parameters[parameter]
                assert shift[i] == pytest.approx(oracle[parameter][0] - best, abs=0.005 * scale)


def test_impacts_are_correlations(model: TemplateModel, fitted: TemplateFit) -> None:
    for name, (above, below) in impacts(model, fitted).items():
        j = model.names.index(name)
        expected = fitted.covariance[:2, j] / np.sqrt(fitted.covariance[j, j])
        assert (above - below) / 2 == pytest.approx(expected, rel=0.05, abs=1e-4)


def test_statistical_errors_agree_with_pyhf(model: TemplateModel, fitted: TemplateFit) -> None:
    split = statistical_errors(model, fitted)
    fixed = {name: fitted.parameters[name][0] for name in model.templates.nuisances}
    oracle = template_pyhf.fit(model.templates, fixed)
    for i, parameter in enumerate(model.scale_factors):
        assert split.total.up[i] == pytest.approx(oracle[parameter][3], rel=0.01)
        assert split.total.down[i] == pytest.approx(-oracle[parameter][2], rel=0.01)
    assert (split.data.value == fitted.scale_factors.value).all()
    assert split.data.up**2 + split.simulation.up**2 == pytest.approx(split.total.up**2)
    assert split.data.down**2 + split.simulation.down**2 == pytest.approx(split.total.down**2)
    assert (split.total.up < fitted.scale_factors.up).all()


def test_statistical_errors_of_counts() -> None:
    nominal = np.array([[800.0], [200]])
    nuisances = {"jes": Nuisance(shape={"b": (nominal * [[1.1], [0.7]], nominal * [[0.9], [1.2]])})}
    model = TemplateModel(
        Templates("bin", nominal, {"b": nominal}, {"b": 2 * nominal}, {"b": None}, nuisances, free_normalisation=True)
    )
    fitted = fit(model)
    split = statistical_errors(model, fitted)
    passing, failing = nominal[:, 0]
    for errors, weight in ((split.data, 1.0), (split.simulation, 2.0)):
        counted = weighted_efficiency(passing, failing, weight * passing, weight * failing)
        assert (errors.up + errors.down) / 2 == pytest.approx([counted.up / 0.8], rel=0.01)
    above, below = impacts(model, fitted)["jes"]
    # SF P = 4 F (1 + (1 - SF) R) with R = 4 has to hold for P, F of (880, 140) and (720, 240)
    assert above == pytest.approx([20 * 140 / (880 + 16 * 140) - 1], rel=0.02)
    assert below == pytest.approx([20 * 240 / (720 + 16 * 240) - 1], rel=0.02)


def test_a_failed_fit_has_no_impacts() -> None:
    model = TemplateModel(toys.templates(1, data=toys.templates(2).data // 100))
    for function in (impacts, statistical_errors):
        with pytest.raises(ScaleFactorError, match=r"^pt \[30, 50\): the fit has no errors .*rate_b at its limit"):
            function(model, fit(model))
