"""Probabilities in few digits, which are 1 only if they are."""

from __future__ import annotations

#: most digits that tell a probability from 1
_MOST = 4


def short_probability(probability: float, digits: int = 2) -> str:
    """Return a probability in few digits, with more of them or rounded down where it would be rounded to 1.

    >>> [short_probability(each) for each in (0.0312, 0.996, 0.99999, 1.0)]
    ['0.031', '0.996', '0.9999', '1']
    """
    if not probability < 1:
        return f"{probability:.{digits}g}"
    for number in range(digits, _MOST + 1):
        if float(text := f"{probability:.{number}g}") < 1:
            return text
    return f"{1 - 10**-_MOST:.{_MOST}g}"
