from __future__ import annotations

import math

import numpy as np
import pytest

from pocket.base.probabilities import short_probability


@pytest.mark.parametrize("digits", [2, 3])
def test_only_one_is_shown_as_one(digits: int) -> None:
    for probability in (*np.linspace(0.9, 1, 1000, endpoint=False), np.nextafter(1.0, 0.0)):
        text = short_probability(probability, digits)
        assert float(text) < 1
        assert float(text) == pytest.approx(probability, abs=0.501 * 10**-digits)
    assert short_probability(1.0, digits) == "1"


def test_other_probabilities_are_rounded() -> None:
    assert [short_probability(each, 3) for each in (0.0, 3.456e-9, 0.04567, 0.9734)] == [
        "0",
        "3.46e-09",
        "0.0457",
        "0.973",
    ]
    assert short_probability(math.nan) == "nan"
