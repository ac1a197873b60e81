"""Generated axes of every type, and values around their edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pocket.histograms.config import Axis

#: edges that binary numbers hold exactly and such that they don't
EDGES = (-2.0, -0.3, 0.0, 0.1, 0.25, 0.30000000000000004, 0.7, 1.0, 2.5, 4.0, 9.0, 100.0)

_neighbours = [math.nextafter(edge, side) for edge in EDGES for side in (-math.inf, math.inf)]
_single = [float(np.float32(edge)) for edge in EDGES]
REALS = st.one_of(
    st.sampled_from([*EDGES, *_neighbours, *_single, math.inf, -math.inf, -1.0, 1e30]), st.floats(-5, 120, width=32)
)
SINGLES = REALS.map(lambda value: float(np.float32(value)))
INTEGERS = st.one_of(st.integers(-3, 12), st.sampled_from([-(10**9), 10**9]))
UNSIGNED = st.integers(0, 12)


def real_axes(**where: Any) -> st.SearchStrategy[Axis]:
    """Axes for numbers; ``where`` says what fills them."""
    fixed = {key: st.just(value) for key, value in where.items()}
    flows = {"underflow": st.booleans(), "overflow": st.booleans()}

    def regular(transform: str | None, lowest: float, **options: Any) -> st.SearchStrategy[Axis]:
        choice = [edge for edge in EDGES if edge >= lowest]
        ranges = st.lists(st.sampled_from(choice), min_size=2, max_size=2, unique=True).map(sorted)
        return st.builds(
            lambda range, **others: Axis(start=range[0], stop=range[1], transform=transform, **others),
            ranges,
            bins=st.integers(1, 9),
            **options,
            **fixed,
        )

    edges = st.lists(st.sampled_from(EDGES), min_size=2, max_size=6, unique=True).map(sorted)
    variable = st.builds(Axis, type=st.just("variable"), bins=edges, **flows, **fixed)
    return st.one_of(regular(None, -math.inf, **flows), regular("log", 0.1), regular("sqrt", 0.0), variable)


def integer_axes(**where: Any) -> st.SearchStrategy[Axis]:
    """Axes for integers: consecutive ones, and categories of them."""
    fixed = {key: st.just(value) for key, value in where.items()}
    integer = st.builds(
        lambda start, width, **options: Axis(type="integer", start=start, stop=start + width, **options),
        st.integers(-2, 5),
        st.integers(1, 6),
        underflow=st.booleans(),
        overflow=st.booleans(),
        **fixed,
    )
    categories = st.lists(st.integers(-2, 8), min_size=1, max_size=5, unique=True)
    intcat = st.builds(Axis, type=st.just("intcat"), bins=categories, overflow=st.booleans(), **fixed)
    return st.one_of(integer, intcat)
