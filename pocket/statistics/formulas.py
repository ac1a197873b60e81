"""Formulas of parameters, such as ``@0*@1/@2``, evaluated with their first and second derivatives."""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import StatisticsError, UnknownNameError

#: a number with its derivatives: value, gradient of shape (arguments,), Hessian of shape (arguments, arguments)
Jet = tuple[float, Floats, Floats]

#: function → its value, first and second derivative
FUNCTIONS: dict[str, Callable[[float], tuple[float, float, float]]] = {
    "exp": lambda x: (math.exp(x),) * 3,
    "log": lambda x: (math.log(x), 1 / x, -1 / x**2),
    "sqrt": lambda x: (math.sqrt(x), 0.5 / math.sqrt(x), -0.25 / math.sqrt(x) ** 3),
}


@dataclass(frozen=True)
class Formula:
    """A function of parameters, as combine's ``rateParam`` takes it.

    Args:
        expression: sums, products, ratios and powers (``**``, ``^`` or ``pow``) of numbers and of ``@0``, ``@1``, …,
            and ``exp``, ``log`` and ``sqrt`` of them.
        arguments: names of the parameters that ``@0``, ``@1``, … stand for.

    Raises:
        StatisticsError: if the expression holds anything else, or an argument that isn't there.

    >>> abcd = Formula("@0*@1/@2", ("b", "c", "d"))
    >>> value, gradient, hessian = abcd.evaluate([6.0, 2.0, 3.0])
    >>> value, gradient.round(3).tolist()
    (4.0, [0.667, 2.0, -1.333])
    """

    expression: str
    arguments: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", tuple(self.arguments))
        used = _check(_parse(self.expression), self.expression)
        beyond = sorted(number for number in used if number >= len(self.arguments))
        if beyond:
            raise StatisticsError(
                f"the formula {self.expression!r} uses @{beyond[0]}, but has {len(self.arguments)} arguments"
            )

    def evaluate(self, values: Sequence[float] | Floats) -> Jet:
        """Return the value, the gradient and the Hessian of the formula.

        Args:
            values: values of the arguments.

        Returns:
            The value, the gradient of shape (arguments,) and the Hessian of shape (arguments, arguments).

        Raises:
            StatisticsError: if the formula has no value there, such as a ratio to 0.
        """
        size = len(self.arguments)
        arguments = [
            (float(value), unit, np.zeros((size, size))) for value, unit in zip(values, np.eye(size), strict=True)
        ]
        try:
            return _evaluate(_parse(self.expression), arguments)
        except (ArithmeticError, ValueError):
            given = ", ".join(f"{name} = {value:g}" for name, value in zip(self.arguments, values, strict=True))
            raise StatisticsError(f"the formula {self.expression!r} has no value at {given}") from None


@functools.lru_cache(maxsize=1024)
def _parse(expression: str) -> ast.expr:
    try:
        return ast.parse(re.sub(r"@(\d+)", r"_\1", expression).replace("^", "**").strip(), mode="eval").body
    except SyntaxError:
        raise StatisticsError(f"the formula {expression!r} can't be read") from None


def _check(node: ast.expr, expression: str) -> set[int]:
    """Return the numbers of the arguments that are used."""
    match node:
        case ast.Constant(value=int() | float()):
            return set()
        case ast.Name(id=name) if re.fullmatch(r"_\d+", name):
            return {int(name[1:])}
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
            return _check(left, expression) | _check(right, expression)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return _check(operand, expression)
        case ast.Call(func=ast.Name(id="pow"), args=[base, exponent], keywords=[]):
            return _check(base, expression) | _check(exponent, expression)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
            if name not in FUNCTIONS:
                raise UnknownNameError("function", name, [*FUNCTIONS, "pow"], f"the formula {expression!r}")
            return _check(argument, expression)
    text = ast.unparse(node).replace("_", "@")
    raise StatisticsError(f"the formula {expression!r} can't have {text!r}, only numbers, @0, @1, … and + - * / ** ()")


def _evaluate(node: ast.expr, arguments: Sequence[Jet]) -> Jet:
    match node:
        case ast.Constant(value=int() | float() as number):
            size = len(arguments)
            return float(number), np.zeros(size), np.zeros((size, size))
        case ast.Name(id=name):
            return arguments[int(name[1:])]
        case ast.UnaryOp(op=sign, operand=operand):
            value, gradient, hessian = _evaluate(operand, arguments)
            return (-value, -gradient, -hessian) if isinstance(sign, ast.USub) else (value, gradient, hessian)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combine(operator, _evaluate(left, arguments), _evaluate(right, arguments))
        case ast.Call(func=ast.Name(id="pow"), args=[base, exponent]):
            return _combine(ast.Pow(), _evaluate(base, arguments), _evaluate(exponent, arguments))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            inner = _evaluate(argument, arguments)
            return _chain(inner, *FUNCTIONS[name](inner[0]))
    raise AssertionError(ast.dump(node))


def _combine(operator: ast.operator, left: Jet, right: Jet) -> Jet:
    if isinstance(operator, ast.Add):
        return left[0] + right[0], left[1] + right[1], left[2] + right[2]
    if isinstance(operator, ast.Sub):
        return left[0] - right[0], left[1] - right[1], left[2] - right[2]
    if isinstance(operator, ast.Mult):
        return multiply(left, right)
    if isinstance(operator, ast.Div):
        x = right[0]
        return multiply(left, _chain(right, 1 / x, -1 / x**2, 2 / x**3))
    power = right[0]
    if not right[1].any():
        x = left[0]
        first = power * math.pow(x, power - 1) if power else 0.0
        second = power * (power - 1) * math.pow(x, power - 2) if power not in (0.0, 1.0) else 0.0
        return _chain(left, math.pow(x, power), first, second)
    product = multiply(right, _chain(left, *FUNCTIONS["log"](left[0])))
    return _chain(product, *FUNCTIONS["exp"](product[0]))


def multiply(left: Jet, right: Jet) -> Jet:
    """Return the product of two numbers with their gradients and Hessians."""
    cross = np.outer(left[1], right[1])
    return (
        left[0] * right[0],
        left[0] * right[1] + right[0] * left[1],
        left[0] * right[2] + right[0] * left[2] + cross + cross.T,
    )


def _chain(inner: Jet, value: float, first: float, second: float) -> Jet:
    return value, first * inner[1], first * inner[2] + second * np.outer(inner[1], inner[1])
