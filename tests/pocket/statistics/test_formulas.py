"""Formulas against Python's own arithmetic, and their derivatives against numeric ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pocket.errors import PocketError
from pocket.statistics.formulas import Formula
from tests.entries import check_each

EXPRESSIONS = (
    "@0*@1/@2",
    "@0^2/(1+0.1*@1)",
    "-@0 + 2*@1 - +@2",
    "pow(@0, 3)*exp(-@1)/sqrt(@2)",
    "@0**@1*log(@2)",
    "1/(@0 + @1)**0.5",
    "3",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_and_derivatives(expression: str) -> None:
    formula = Formula(expression, ("a", "b", "c"))
    values = np.array([1.3, 0.7, 2.1])
    text = expression.replace("^", "**")
    for number in range(3):
        text = text.replace(f"@{number}", f"x[{number}]")
    names = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, "pow": pow}
    value, gradient, hessian = formula.evaluate(values)
    assert value == pytest.approx(eval(text, names | {"x": values}), rel=1e-14)
    step = 1e-5 * np.eye(3)
    numeric = [(formula.evaluate(values + d)[0] - formula.evaluate(values - d)[0]) / 2e-5 for d in step]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-8, atol=1e-8)
    second = [(formula.evaluate(values + d)[1] - formula.evaluate(values - d)[1]) / 2e-5 for d in step]
    np.testing.assert_allclose(hessian, second, rtol=1e-7, atol=1e-7)


def test_powers_at_zero() -> None:
    value, gradient, hessian = Formula("@0**2", ("a",)).evaluate([0.0])
    assert (value, gradient.tolist(), hessian.tolist()) == (0.0, [0.0], [[2.0]])


@check_each(
    ("expression", "message"),
    [
        ("@0*@1", "the formula '@0*@1' uses @1, but has 1 arguments"),
        ("@0*", "the formula '@0*' can't be read"),
        ("__import__('os')", "unknown function '__import__' in the formula"),
        ("@0.real", "can't have '@0.real', only numbers"),
        ("exq(@0)", "unknown function 'exq' in the formula 'exq(@0)', did you mean 'exp'?"),
        ("[@0]", "can't have '[@0]'"),
        ("@0 if 1 else 2", "can't have"),
        ("'text'", "can't have"),
        ("@0 // 2", "can't have"),
    ],
)
def test_wrong_formulas(expression: str, message: str) -> None:
    with pytest.raises(PocketError) as error:
        Formula(expression, ("a",))
    assert message in str(error.value)


@pytest.mark.parametrize("expression", ["1/@0", "log(@0)", "(@0-1)**0.5"])
def test_formulas_without_value(expression: str) -> None:
    with pytest.raises(PocketError, match="has no value at a = 0"):
        Formula(expression, ("a",)).evaluate([0.0])
