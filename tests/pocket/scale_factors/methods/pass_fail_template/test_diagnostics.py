from __future__ import annotations

import dataclasses

import numpy as np

from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics
from tests.pocket.plots.results import PT, result_of, template_fit


def test_json_of_a_result_is_lossless() -> None:
    fit = template_fit()
    result = result_of({"pt": PT}, diagnostics=(fit,))
    again = ScaleFactorResult.from_json(result.to_json())
    assert again.to_json() == result.to_json()
    (read,) = again.diagnostics
    assert isinstance(read, TemplateFitDiagnostics)
    for field in dataclasses.fields(fit):
        one, other = getattr(read, field.name), getattr(fit, field.name)
        assert type(one) is type(other)
        np.testing.assert_equal(one, other)
