"""Interpolation between the effects of a nuisance at −1, 0 and +1, as combine does it, with two derivatives.

Templates at fixed yield follow ``θ·(up − down)/2 + θ·s(θ)·(up + down − 2·nominal)/2``, and logarithms of factors
``θ·(a + s(2θ)·d)`` with ``a = (ln κ↑ − ln κ↓)/2`` and ``d = (ln κ↑ + ln κ↓)/2``, where ``s`` is :func:`smooth_step`.
Beyond one, or one half, these are straight lines to the variations. Source: ``FastVerticalInterpHistPdf2`` and
``ProcessNormalization::logKappaForX`` of combine (arXiv:2404.06614, section 4).
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats


def smooth_step(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return combine's smooth step from −1 to 1 with its first and second derivative.

    It is ``x·(3x⁴ − 10x² + 15)/8`` between −1 and 1 and the sign of ``x`` outside, with continuous second derivative.
    """
    inside = np.clip(x, -1, 1)
    square = inside * inside
    value = 0.125 * inside * (square * (3 * square - 10) + 15)
    first = 1.875 * (1 - square) ** 2
    return value, first, -7.5 * inside * (1 - square)


def morphing_weights(theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what the even part of templates is multiplied with, ``θ·s(θ)``, and its derivatives."""
    return _even_weights(theta, 1)


def norm_weights(theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what the even part of logarithms of factors is multiplied with, ``θ·s(2θ)``, and its derivatives."""
    return _even_weights(theta, 2)


def _even_weights(theta: Floats, stretch: int) -> tuple[Floats, Floats, Floats]:
    """Return ``θ·s(kθ)`` and its derivatives."""
    value, first, second = smooth_step(stretch * theta)
    return (
        theta * value,
        value + stretch * theta * first,
        2 * stretch * first + stretch**2 * theta * second,
    )
