from __future__ import annotations

from typing import Any

import pytest

from pocket.cut import Cut
from pocket.cut_functions import passthrough
from pocket.errors import ConfigError
from pocket.selections import StandardSelection, check_cuts

CUT = Cut("cut", {}, lambda events, params, **kwargs: events.x > 0)


def test_categories_keep_their_order() -> None:
    selection = StandardSelection({"SR": [CUT], "baseline": [], "CR": [passthrough, CUT]})
    assert selection.names == ("SR", "baseline", "CR")
    assert list(selection) == ["SR", "baseline", "CR"]
    assert len(selection) == 3


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ({}, "at least one is needed"),
        ({"skim": []}, "categories: 'skim' can't be a category's name"),
        ({"presel": []}, "'presel' can't be"),
        ({"": []}, "'' can't be"),
        ({4: []}, "4 can't be"),
        ({"SR": CUT}, r"categories\.SR must be a list of cuts, not Cut\(name='cut'"),
        ({"SR": ["cut"]}, r"categories\.SR\[0\] must be a Cut, not 'cut'"),
        ({"SR": [CUT, None]}, r"categories\.SR\[1\] must be a Cut, not None"),
    ],
)
def test_wrong_categories(categories: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StandardSelection(categories)


def test_check_cuts() -> None:
    assert check_cuts([CUT], "skim") == (CUT,)
    assert check_cuts((), "skim") == ()
    with pytest.raises(ConfigError, match="skim must be a list of cuts, not None"):
        check_cuts(None, "skim")
    with pytest.raises(ConfigError, match=r"skim\[0\] must be a Cut, not 'x'"):
        check_cuts("x", "skim")
