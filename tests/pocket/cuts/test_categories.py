from __future__ import annotations

from typing import Any

import pytest

from pocket.cuts.categories import CartesianSelection, MultiCut, StandardSelection, check_cuts
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_min, passthrough
from pocket.errors import ConfigError

TWO, THREE, CENTRAL, FORWARD = (Cut(name, {}, lambda events, params, **kwargs: events.x > 0) for name in "23cf")
OF_JETS = Cut("jets", {}, lambda events, params, **kwargs: events.Jet.pt > 0, collection="Jet")
OF_MUONS = Cut("muons", {}, lambda events, params, **kwargs: events.Muon.pt > 0, collection="Muon")
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
    with pytest.raises(
        ConfigError,
        match=r"skim\[0\] must be a Cut, not .*: call get_nObj_min\(…\) if it makes one, "
        r"or give it to Cut\(name=…, params={}, function=get_nObj_min\)$",
    ):
        check_cuts([get_nObj_min], "skim")


def test_product_of_binnings() -> None:
    selection = CartesianSelection(
        [MultiCut("number", [TWO, THREE], ["2j", "3j"]), MultiCut("region", [CENTRAL, FORWARD])],
        common_cats=StandardSelection({"inclusive": [passthrough]}),
    )
    assert list(selection) == ["inclusive", "2j_c", "2j_f", "3j_c", "3j_f"]
    assert selection.categories["3j_c"] == (THREE, CENTRAL)
    assert selection.categories["inclusive"] == [passthrough]
    assert selection.collection is None
    assert list(CartesianSelection([MultiCut("number", [TWO])])) == ["2"]
    assert list(CartesianSelection([MultiCut("number", [TWO])], {"SR": [CUT]})) == ["SR", "2"]


def test_categories_of_objects_name_their_collection() -> None:
    assert StandardSelection({"SR": [CUT, OF_JETS], "CR": [CUT]}).collection == "Jet"
    assert CartesianSelection([MultiCut("a", [TWO, THREE]), MultiCut("b", [OF_JETS])]).collection == "Jet"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CartesianSelection([]), r"multicuts must be a list of MultiCut, not \[\]"),
        (lambda: CartesianSelection([CUT]), "multicuts must be a list of MultiCut, not"),
        (lambda: MultiCut("a", []), "MultiCut 'a' needs at least one cut"),
        (
            lambda: MultiCut("a", [TWO, THREE], ["x"]),
            "MultiCut 'a': 1 cuts_names for 2 cuts, give one each",
        ),
        (lambda: MultiCut("a", [TWO, THREE], ["x", "x"]), "MultiCut 'a': two of its bins have one name: x, x"),
        (lambda: MultiCut("a", ["x"]), r"MultiCut 'a'\[0\] must be a Cut, not 'x'"),
        (
            lambda: CartesianSelection([MultiCut("a", [TWO])], {"2": [CUT]}),
            "CartesianSelection: two categories are named '2', rename bins by cuts_names=",
        ),
        (lambda: StandardSelection({"a": [OF_JETS], "b": [OF_MUONS]}), "objects of 'Jet' and 'Muon', one selection"),
    ],
)
def test_wrong_selections(build: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()
