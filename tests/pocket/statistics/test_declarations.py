from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.errors import ConfigError
from pocket.statistics import (
    CMS_NAMES,
    Drop,
    Free,
    FreeParameter,
    LogNormal,
    McStat,
    Process,
    Prune,
    Region,
    StatisticalModel,
    Stored,
)
from pocket.statistics.names import check_parameter_name
from tests.entries import check_each
from tests.pocket.statistics.declared import check_refused, declaration


def region(**others: Any) -> Region:
    return Region("main", "signal", "mass", **others)


#: what is wrong → (how it is declared, words of the error)
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "edges that fall": (lambda: region(edges=(0, 2, 1)), "edges must be at least two numbers that rise, not [0, 2, 1]"),
    "one edge": (lambda: region(edges=(0,)), "at least two numbers"),
    "an infinite edge": (lambda: region(edges=(0, 1, float("inf"))), "at least two numbers"),
    "flow": (lambda: region(flow="add"), "unknown flow 'add'"),
    "bins": (lambda: region(bins="count"), "did you mean 'counting'?"),
    "edges of a count": (lambda: region(bins="counting", edges=(0, 1)), "so it can't have edges"),
    "an argument": (lambda: Region("main", "signal", "mass", edge=(0, 1)), "did you mean 'edges'?"),  # type: ignore[call-arg]
    "no sample": (lambda: Process(), "a process needs names of samples"),
    "a sample twice": (lambda: Process("a", "a"), "a process has a sample twice: a, a"),
    "a signal that is a number": (lambda: Process("a", signal=2), "must be True, False or the name"),  # type: ignore[arg-type]
    "a side": (lambda: Stored("pileupUp"), "Stored('pileupUp') is for both sides: name it 'pileup'"),
    "no pattern": (lambda: Stored(""), "needs the name of a variation"),
    "a correlation above 1": (
        lambda: Stored("x", years=1.5),
        "expected True, 'apart' or a correlation between 0 and 1",
    ),
    "a correlation as a word": (lambda: Stored("x", years="alone"), "years is 'alone'"),
    "years=False": (lambda: Stored("x", years=False), "years is False"),
    "smoothing": (lambda: Stored("x", smooth="353"), "did you mean '353QH'?"),
    "symmetrise": (lambda: Stored("x", symmetrise="mean"), "unknown symmetrise 'mean'"),
    "only": (lambda: Stored("x", only="norm"), "unknown only 'norm'"),
    "a new name": (lambda: Stored("x", rename="CMS pileup"), "letters, digits and underscores"),
    "a new name with a year": (lambda: Stored("x", rename="CMS_{year}"), "needs years='apart'"),
    "a factor of 0": (lambda: LogNormal("lumi", 0), "the factor 0 must be a positive number"),
    "three factors": (lambda: LogNormal("lumi", (1, 1, 1)), "or two (down, up)"),  # type: ignore[arg-type]
    "a negative factor of a year": (lambda: LogNormal("lumi", {"2018": -1.0}), "the factor -1.0"),
    "a relative uncertainty": (
        lambda: LogNormal("lumi", {"2022": 0.014}),
        "LogNormal('lumi'): a factor of 0.014 divides yields by 71.4; an uncertainty of 1.4 % is 1.014",
    ),
    "a reserved name": (lambda: LogNormal("data_obs", 1.1), "can't be named 'data_obs' in a datacard"),
    "a name with a dash": (lambda: LogNormal("lumi-13", 1.1), "'lumi-13' needs a name of letters"),
    "an empty range": (lambda: Free("f", "bkg", range=(5, 0)), "the range from 5 to 0 of a parameter is empty"),
    "a range of one number": (lambda: Free("f", "bkg", range=5), "must be two numbers"),  # type: ignore[arg-type]
    "an initial value outside": (lambda: Free("f", "bkg", range=(2, 5)), "the initial value 1 is outside of 2 to 5"),
    "a formula": (lambda: Free("f", "bkg", formula="@0*x", arguments=("a",)), "can't have 'x'"),
    "too few arguments": (lambda: Free("f", "bkg", formula="@0*@1", arguments=("a",)), "uses @1, but has 1"),
    "arguments alone": (lambda: Free("f", "bkg", arguments=("a",)), "only a formula takes"),
    "no process": (lambda: Free("f", ()), "multiplies no process"),
    "a share": (lambda: Prune(rate=-1), "rate is -1, expected a share from 0 to 1"),
    "no region": (lambda: declaration(regions={}), "a model needs at least one region"),
    "a region that is none": (lambda: declaration(regions={"sr": "signal"}), "must be a Region(…)"),
    "a region's name": (lambda: declaration(regions={"4j": region()}), "region '4j' needs a name"),
    "the same events": (
        lambda: declaration(regions={"a": region(), "b": region(bins="counting")}),
        "regions 'a' and 'b' have the same events, of category 'signal' of configuration 'main'",
    ),
    "a sample in two processes": (
        lambda: declaration(processes={"sig": Process("a", signal=True), "bkg": Process("a")}),
        "sample 'a' is in the processes 'sig' and 'bkg'",
    ),
    "a sample in data": (lambda: declaration(data=("signal",)), "is in process 'sig' and in data"),
    "no signal": (lambda: declaration(processes={"bkg": Process("a")}), "'r' multiplies no process: set signal="),
    "no parameter": (lambda: declaration(pois={}), "at least one parameter of interest"),
    "a range of interest": (lambda: declaration(pois={"r": (2, 1)}), "parameter of interest 'r': the range from 2"),
    "two signals": (lambda: declaration(pois={"r": (0, 2), "s": (0, 2)}), "signal=True, but there are the parameters"),
    "an unknown signal": (
        lambda: declaration(processes={"sig": Process("a", signal="mu")}),
        "unknown parameter of interest 'mu' in signal of process 'sig'; known: r",
    ),
    "a nuisance that is none": (lambda: declaration("pileup"), "nuisances has 'pileup', expected Stored"),
    "a process of a nuisance": (lambda: declaration(Stored("x", processes="back")), "unknown process 'back'"),
    "a region of a nuisance": (lambda: declaration(Drop("x", regions="cr")), "unknown region 'cr'"),
    "two ranges": (lambda: declaration(Free("f", "bkg"), Free("f", "sig", range=(0, 1))), "declared twice"),
    "a formula of nothing": (
        lambda: declaration(Free("f", "bkg", formula="@0", arguments=("g",))),
        "unknown parameter 'g' in the formula of Free('f')",
    ),
    "the name of the signal": (lambda: declaration(Free("r", "bkg")), "has the name of a parameter of interest"),
    "the name of a free one": (lambda: declaration(Free("f", "bkg"), LogNormal("f", 1.1)), "without constraint"),
    "blind": (lambda: declaration(blind="cr_*"), "unknown region 'cr_*' in blind"),
    "mc_stat": (lambda: declaration(mc_stat=10), "mc_stat must be McStat(…) or None, not 10"),
    "prune": (lambda: declaration(prune=0.1), "prune must be Prune(…) or None, not 0.1"),
}


@check_each("wrong", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(wrong: str) -> None:
    check_refused(*WRONG[wrong])


def test_the_last_declaration_that_fits_counts() -> None:
    everything, one = Stored("*"), Stored("pileup", years="apart", processes="sig")
    model = declaration(everything, one, Drop("sf_*"), Stored("sf_mu"))
    assert model.declared_for("pileup", "sig", "sr") is one
    assert model.declared_for("pileup", "bkg", "sr") is everything
    assert isinstance(model.declared_for("sf_ele", "sig", "sr"), Drop)
    assert isinstance(model.declared_for("sf_mu", "sig", "sr"), Stored)
    assert declaration(Stored("a")).declared_for("b", "sig", "sr") is None


def test_names_of_parameters() -> None:
    assert Stored("*").parameter("JES_HF-2", "") == "JES_HF_2"
    assert Stored("*", years="apart").parameter("sf", "2022_preEE") == "sf_2022_preEE"
    assert Stored("*", rename="CMS_{name}_13TeV_{year}", years="apart").parameter("sf", "2018") == "CMS_sf_13TeV_2018"
    named = Stored("*", rename=CMS_NAMES)
    names = {
        "pileup": "CMS_pileup",
        "sf_btag_lf": "CMS_btag_fullShape_lf",
        "sf_btag_fixed_wp_heavy_correlated": "CMS_btag_fixedWP_comb_bc_correlated",
        "sf_btag_fixed_wp_light": "CMS_btag_fixedWP_incl_light",
        "sf_btag_calib_varied": "sf_btag_calib_varied",
        "AK4PFchs_JES_Total": "CMS_scale_j",
        "AK4PFchs_JES_FlavorQCD": "CMS_scale_j_FlavorQCD",
        "AK4PFPuppi_JES_Regrouped_Absolute_2018": "CMS_scale_j_Absolute_2018",
        "AK4PFPuppi_JER": "CMS_res_j",
        "AK8PFPuppi_JER": "AK8PFPuppi_JER",
    }
    assert {name: named.parameter(name, "") for name in names} == names
    assert named.parameter("sf_mine", "") == "sf_mine"
    assert Stored("*", rename={"a*": "b_*", "ab": "c"}).parameter("ab", "") == "c"
    for name in CMS_NAMES.values():
        check_parameter_name(name.replace("*", "x").replace("{name}", "own"), "CMS_NAMES")


def test_factors_are_those_of_year_process_and_region() -> None:
    nested = LogNormal("norm", {"2017": 1.1, "2018": {"b*": (0.8, 1.3), "sig": 1.2}}, regions="sr")
    assert nested.factors("bkg", "sr", "2018") == (0.8, 1.3)
    assert nested.factors("sig", "sr", "2018") == (1 / 1.2, 1.2)
    assert nested.factors("sig", "sr", "2017") == (1 / 1.1, 1.1)
    assert nested.factors("sig", "sr", "2016") is None
    assert nested.factors("sig", "cr", "2017") is None
    assert LogNormal("anticorrelated", 0.5).factors("sig", "sr", "2017") == (2.0, 0.5)
    assert LogNormal("one", (71.4, 0.014)).factors("sig", "sr", "2017") == (71.4, 0.014)
    assert nested.keys == ("2017", "2018", "b*", "sig")


def test_years_tell_regions_of_one_category_apart() -> None:
    regions = {name: Region("main", "signal", "mass", years=(year,)) for name, year in (("a", "2017"), ("b", "2018"))}
    assert declaration(regions=regions).configs == ("main",)
    with pytest.raises(ConfigError, match="the same events"):
        declaration(regions={**regions, "c": Region("main", "signal", "mass", years="2018")})


def test_signals_have_the_parameter_that_they_name() -> None:
    processes = {"a": Process("A", signal="mu_a"), "b": Process("B", signal="mu_b"), "c": Process("C")}
    model = declaration(processes=processes, pois={"mu_a": (-1, 3), "mu_b": FreeParameter(0, 9, 2)})
    assert [model.poi_of(name) for name in processes] == ["mu_a", "mu_b", None]
    assert model.pois["mu_a"] == FreeParameter(-1, 3, 1)


def test_a_declaration_has_a_fingerprint_of_all_it_says() -> None:
    def model(**others: Any) -> StatisticalModel:
        return declaration(Stored("*"), mc_stat=McStat(10), **others)

    assert digest(model()) == digest(model())
    changed = [
        model(prune=Prune(1e-3)),
        model(groups={"g": "x"}),
        model(blind="sr"),
        declaration(Stored("*", years=0.5)),
    ]
    assert len({digest(each) for each in [model(), *changed]}) == 5
