from __future__ import annotations

import pytest

from pocket.compat import parameters
from pocket.parameters import upstream


def test_the_former_place_works_with_a_warning() -> None:
    sentence = "upstream.get_default_parameters is in pocket.compat.parameters now: the former place goes with the next"
    with pytest.warns(DeprecationWarning, match=sentence):
        assert upstream.get_default_parameters is parameters.get_default_parameters
    with pytest.raises(AttributeError, match=r"'pocket\.parameters\.upstream' has no attribute 'get_defaults'"):
        _ = upstream.get_defaults
