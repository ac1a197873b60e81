from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pocket.configuration.analysis import Analysis
from pocket.cuts.library import get_nObj_less, get_nObj_min
from pocket.errors import ConfigError, UnknownNameError
from pocket.statistics import Drop, Process, Region, StatisticalModel
from tests.pocket.configs import configure


def model(**regions: Region) -> StatisticalModel:
    return StatisticalModel(
        regions=regions, processes={"z": Process("DY", signal=True)}, nuisances=[Drop("*")], data=("DATA",)
    )


SR, CR = Region("first", "baseline", "x"), Region("first", "other", "x")


def analysis(**options: Any) -> Analysis:
    categories = {"baseline": [get_nObj_min(2)], "other": [get_nObj_less(2)]}
    configs = {name: configure(categories=categories) for name in ("first", "second")}
    return Analysis(name="mine", configs=configs, default_config="first", **options)


@pytest.mark.parametrize(
    ("blind", "hidden"), [((), ()), ("b*", ("baseline",)), (("other", "base?ine"), ("baseline", "other")), ("*", None)]
)
def test_patterns_hide_categories_of_all_configurations(blind: Any, hidden: tuple[str, ...] | None) -> None:
    one = analysis(blind=blind)
    expected = one.config("first").categories.names if hidden is None else hidden
    assert one.blind_categories("first") == one.blind_categories("second") == tuple(expected)


def test_a_blind_region_hides_its_category() -> None:
    models = {"m": replace(model(sr=SR, cr=CR), blind="sr")}
    assert analysis(models=models).blind_categories("second") == ("baseline",)
    assert analysis(models=models, blind="other").blind_categories("second") == ("baseline", "other")


def test_regions_of_hidden_categories_are_blind() -> None:
    plain = model(sr=SR, cr=CR)
    assert analysis(models={"m": plain}).model("m") is plain
    found = analysis(models={"m": plain}, blind="base*").model("m")
    assert [found.is_blind(name) for name in ("sr", "cr")] == [True, False]
    assert replace(found, blind=()) == plain
    # What the model blinds itself stays so.
    own = analysis(models={"m": replace(plain, blind="cr")}, blind="base*").model("m")
    assert [own.is_blind(name) for name in ("sr", "cr")] == [True, True]
    # A region that another model blinds is blind here, too.
    both = analysis(models={"m": plain, "n": replace(model(signal=SR), blind="signal")})
    assert both.model("m").is_blind("sr")


def test_what_fits_nothing_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="category 'basline' in blind of analysis 'mine', did you mean 'baseli"):
        analysis(blind=("basline",))
    with pytest.raises(ConfigError, match=r"^blind of analysis 'mine' must be patterns of categories such as \('sr_"):
        analysis(blind=3)
    with pytest.raises(ConfigError, match="not \\[''\\]"):
        analysis(blind=[""])
