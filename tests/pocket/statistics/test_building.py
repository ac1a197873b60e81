from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from pocket.base.typing import Floats
from pocket.errors import ConfigError, PocketError, StatisticsError, UnknownNameError
from pocket.statistics import (
    Drop,
    Free,
    Likelihood,
    LogNormal,
    McStat,
    Model,
    Observations,
    Process,
    Prune,
    Region,
    RegionTemplates,
    Stored,
    build_model,
    write_treatment,
)
from pocket.statistics.building import Built
from tests.pocket.statistics.declared import EDGES, contents, declaration, templates


def build(*nuisances: Any, sig: Any = None, bkg: Any = None, data: Any = (6, 11, 12, 9), **others: Any) -> Built:
    return build_model(declaration(*nuisances, **others), {"sr": templates(sig, bkg, data)})


def two_years(**varied: Any) -> dict[str, Any]:
    """Return a background of two years, with one variation that doubles the first bin, or others by year."""
    usual = {"2017": {"jes": ([4, 2, 2, 2], [1, 2, 2, 2])}, "2018": {"jes": ([10, 6, 6, 6], [4, 6, 6, 6])}}
    values = {"2017": [2, 2, 2, 2], "2018": [6, 6, 6, 6]}
    return {year: contents(values[year], **varied.get(f"y{year}", usual[year])) for year in values}


def shape(model: Model, nuisance: str, process: str = "bkg") -> tuple[list[float], list[float]]:
    up, down = model.region("sr").shapes[nuisance][process]
    return up.tolist(), down.tolist()


def test_processes_are_sums_of_samples_and_years() -> None:
    built = build(Stored("jes"), bkg=two_years())
    region = built.model.region("sr")
    assert region.nominal.tolist() == [[1, 2, 3, 4], [8, 8, 8, 8]]
    assert region.sumw2.tolist() == [[1, 1, 1, 1], [2, 2, 2, 2]]
    assert region.data is not None
    assert region.data.tolist() == [6, 11, 12, 9]
    assert region.factors == {"sig": ("r",)}
    assert built.model.nuisances == ("jes",)


def test_years_have_one_parameter_or_one_each() -> None:
    assert shape(build(Stored("jes"), bkg=two_years()).model, "jes") == ([14, 8, 8, 8], [5, 8, 8, 8])
    apart = build(Stored("jes", years="apart"), bkg=two_years()).model
    assert apart.nuisances == ("jes_2017", "jes_2018")
    # the varied templates of a year with the nominal ones of the other
    assert shape(apart, "jes_2017") == ([10, 8, 8, 8], [7, 8, 8, 8])
    assert shape(apart, "jes_2018") == ([12, 8, 8, 8], [6, 8, 8, 8])


def test_a_variation_of_one_year_is_nominal_in_others() -> None:
    bkg = two_years(y2018={})
    assert shape(build(Stored("jes"), bkg=bkg).model, "jes") == ([10, 8, 8, 8], [7, 8, 8, 8])
    assert build(Stored("jes", years="apart"), bkg=bkg).model.nuisances == ("jes_2017",)


def test_a_side_that_one_year_lacks_is_mirrored_in_that_year() -> None:
    bkg = two_years(y2017={"jes": ([4, 2, 2, 2], None)})
    # 2017 has 4 events up, so 0 down; 2018 has 10 and 4.
    assert shape(build(Stored("jes"), bkg=bkg).model, "jes") == ([14, 8, 8, 8], [4, 8, 8, 8])
    assert shape(build(Stored("jes", years="apart"), bkg=bkg).model, "jes_2017") == ([10, 8, 8, 8], [6, 8, 8, 8])


def covariance_of_rates(model: Model) -> Floats:
    """Return the covariance of the logarithms of expected rates of all regions, without Poisson fluctuations."""
    bins = sum(region.bins for region in model.regions)
    none = Observations(
        np.zeros(bins), np.zeros(len(model.nuisances)), np.zeros(bins), np.zeros((len(model.processes), bins))
    )
    likelihood = Likelihood(model, none)
    # Points that are spread evenly are as good as thirty times as many at random.
    normal = qmc.MultivariateNormalQMC(np.zeros(len(model.nuisances)), seed=3).random(4096)
    values = np.tile(likelihood.parameters.start, (len(normal), 1))
    values[:, likelihood.constrained] = normal
    edges = np.cumsum([0, *(region.bins for region in model.regions)])
    rates = np.array([np.add.reduceat(likelihood.expectation(each), edges[:-1]) for each in values])
    return np.asarray(np.cov(np.log(rates), rowvar=False))


def test_a_correlation_of_years_is_that_of_the_expected_rates() -> None:
    rho = 0.5
    regions = {f"y{year}": Region("main", "signal", "mass", years=(year,)) for year in ("2017", "2018")}
    model = declaration(
        Stored("jes", years=rho), LogNormal("l", {"2017": 1.05, "2018": 1.08}, years=rho), regions=regions,
        processes={"bkg": Process("background", signal=True)}, data=(),
    )  # fmt: skip
    up = {"2017": [110.0, 104, 100, 103], "2018": [52.0, 56, 54, 50]}
    nominal = {"2017": [100.0, 100, 100, 100], "2018": [50.0, 50, 50, 50]}
    down = {year: (2 * np.array(nominal[year]) - up[year]).tolist() for year in nominal}
    source = {
        f"y{year}": RegionTemplates(EDGES, {"bkg": {year: contents(nominal[year], jes=(up[year], down[year]))}})
        for year in nominal
    }
    built = build_model(model, source).model
    assert built.nuisances == ("jes", "jes_2017", "l", "l_2017", "jes_2018", "l_2018")
    found = covariance_of_rates(built)
    logs = [[np.log(1 + 17 / 400), np.log(1.05)], [np.log(1 + 12 / 200), np.log(1.08)]]
    expected = [[sum(a * b for a, b in zip(one, two, strict=True)) for two in logs] for one in logs]
    assert found[0, 0] == pytest.approx(expected[0][0], rel=0.03)
    assert found[1, 1] == pytest.approx(expected[1][1], rel=0.03)
    assert found[0, 1] == pytest.approx(rho * expected[0][1], rel=0.03)


def test_log_normals_by_year_are_templates_if_years_differ_in_shape() -> None:
    bkg = {"2017": contents([2, 2, 2, 2]), "2018": contents([6, 6, 6, 6])}
    lumi = LogNormal("lumi", {"2017": 1.02, "2018": 1.01}, processes="bkg")
    region = build(lumi, bkg=bkg).model.region("sr")
    # 8 · 1.02 and 24 · 1.01 events of 32
    down, up = region.log_normals["lumi"]["bkg"]
    assert up == pytest.approx((8 * 1.02 + 24 * 1.01) / 32)
    assert down == pytest.approx((8 / 1.02 + 24 / 1.01) / 32)
    bkg["2017"] = contents([8, 0, 0, 0])
    up_shape, _ = shape(build(lumi, bkg=bkg).model, "lumi")
    np.testing.assert_allclose(up_shape, [8 * 1.02 + 6 * 1.01, 6.06, 6.06, 6.06])
    apart = build(LogNormal("lumi", 1.02, years="apart", processes="bkg"), bkg=bkg).model
    assert apart.nuisances == ("lumi_2017", "lumi_2018")
    np.testing.assert_allclose(shape(apart, "lumi_2017")[0], [8 * 1.02 + 6, 6, 6, 6])


def test_one_nuisance_is_a_template_here_and_a_factor_there() -> None:
    bkg = {"2018": contents([5, 8, 8, 4], pileup=([6, 8, 8, 4], [4, 8, 8, 4]))}
    model = build(Stored("pileup"), LogNormal("pileup", 1.1, processes="sig"), bkg=bkg).model
    region = model.region("sr")
    assert model.nuisances == ("pileup",)
    assert list(region.shapes["pileup"]) == ["bkg"]
    assert region.log_normals == {"pileup": {"sig": (1 / 1.1, 1.1)}}
    with pytest.raises(ConfigError, match=r"variation 'pileup' and LogNormal\('pileup'\) of process 'bkg'"):
        build(Stored("pileup"), LogNormal("pileup", 1.1), bkg=bkg)


def test_the_last_log_normal_of_a_name_counts() -> None:
    model = build(LogNormal("norm", 1.1), LogNormal("norm", 1.5, processes="bkg")).model
    assert model.region("sr").log_normals["norm"] == {"sig": (1 / 1.1, 1.1), "bkg": (1 / 1.5, 1.5)}


def test_log_normals_of_one_name_may_be_declared_year_by_year() -> None:
    bkg = {"2017": contents([2, 2, 2, 2]), "2018": contents([6, 6, 6, 6])}
    by_year = [LogNormal("lumi", {year: factor}, processes="bkg") for year, factor in (("2017", 1.2), ("2018", 1.1))]
    down, up = build(*by_year, bkg=bkg).model.region("sr").log_normals["lumi"]["bkg"]
    # 8 · 1.2 and 24 · 1.1 events of 32
    assert (down, up) == pytest.approx(((8 / 1.2 + 24 / 1.1) / 32, (8 * 1.2 + 24 * 1.1) / 32))
    # The last one with factors in a year counts, and says how it is correlated.
    last = LogNormal("lumi", {"2018": 1.3}, years="apart", processes="bkg")
    model = build(*by_year, last, bkg=bkg).model
    assert model.nuisances == ("lumi", "lumi_2018")
    found = {name: effect["bkg"][1] for name, effect in model.region("sr").log_normals.items()}
    assert found == pytest.approx({"lumi": (8 * 1.2 + 24) / 32, "lumi_2018": (8 + 24 * 1.3) / 32})


def test_free_parameters_and_formulas_multiply_yields() -> None:
    formula = Free("scale", "bkg", formula="@0*@1", arguments=("norm", "r"))
    model = build(Free("norm", "sig", range=(0, 5)), formula).model
    assert model.region("sr").factors == {"sig": ("r", "norm"), "bkg": ("scale",)}
    assert list(model.free) == ["norm"]
    assert model.formulas["scale"].arguments == ("norm", "r")


def test_counting_regions_and_rebinned_ones() -> None:
    def region(**others: Any) -> dict[str, Region]:
        return {"sr": Region("main", "signal", "mass", **others)}

    bkg = {"2018": contents([5, 8, 8, 4], pileup=([6, 8, 8, 4], [4, 8, 8, 4]))}
    with_flow = bkg["2018"]
    with_flow.values[[0, -1]] = 1, 2
    for sides in with_flow.varied.values():
        for side in sides:
            assert side is not None
            side[[0, -1]] = 1, 2
    coarse = build(Stored("*"), bkg=bkg, regions=region(edges=(0, 2, 4))).model.region("sr")
    assert coarse.nominal[1].tolist() == [14, 14]
    assert coarse.shapes["pileup"]["bkg"][0].tolist() == [15, 14]
    dropped = build(Stored("*"), bkg=bkg, regions=region(edges=(1, 3), flow="drop"))
    assert dropped.model.region("sr").nominal[1].tolist() == [16]
    assert dropped.treatment["sr"].outside["bkg"] == (6, 6)
    assert dropped.model.region("sr").edges is not None
    sums = {name: {"2018": contents([30])} for name in ("sig", "bkg")}
    counted = build_model(
        declaration(LogNormal("lumi", 1.1), regions=region(bins="counting")),
        {"sr": RegionTemplates(None, sums, np.array([0.0, 66, 0]))},
    ).model.region("sr")
    assert (counted.bins, counted.edges, counted.nominal.tolist()) == (1, None, [[30], [30]])


def test_processes_without_events_are_left_out_and_named() -> None:
    bkg = {"2018": contents([5, -8, 1, 1], jes=([5, 8, 1, 1], [5, 8, 1, 1]))}
    built = build(Stored("jes"), Free("norm", "bkg"), bkg=bkg)
    assert built.model.region("sr").processes == ("sig",)
    assert built.treatment["sr"].left_out == {"bkg": -1}
    texts = [finding.text for finding in built.findings]
    assert texts[0] == "process 'bkg' is left out of region 'sr', where its yield is -1"
    assert "free parameter 'norm' multiplies nothing" in texts
    with pytest.raises(StatisticsError, match="region 'sr' has no process with a positive yield: sig 0, bkg -1"):
        build(Stored("jes"), sig={"2018": contents([0, 0, 0, 0])}, bkg=bkg)
    with pytest.raises(StatisticsError, match="'r' multiplies no process with a positive yield in any region"):
        build(sig={"2018": contents([0, 0, 0, 0])})


def test_groups_may_name_nuisances_of_processes_without_events() -> None:
    bkg = {"2018": contents([0, -1, 0, 0], jes=([5, 8, 1, 1], [5, 8, 1, 1]))}
    nuisances = (Stored("jes"), LogNormal("bkg_xs", 1.3, processes="bkg"), LogNormal("lumi", 1.02))
    groups = {"theory": ("bkg_xs", "lumi"), "jets": "jes"}
    for prune in (None, Prune(1e-3, 1e-3)):
        built = build(*nuisances, bkg=bkg, groups=groups, prune=prune)
        assert (built.model.nuisances, built.model.groups) == (("lumi",), {"theory": ("lumi",)})
        assert built.pruned == ("jes", "bkg_xs")
        texts = [finding.text for finding in built.findings]
        assert ("nuisance 'bkg_xs' changes nothing and is left out" in texts) == (prune is None)
    with pytest.raises(UnknownNameError, match="unknown parameter 'bkg_sx' in group 'theory', did you mean 'bkg_xs'"):
        build(*nuisances, bkg=bkg, groups={"theory": "bkg_sx"})


def test_negative_bins_are_recorded_with_before_and_after() -> None:
    bkg = {"2018": contents([6, -1, 3, 2], jes=([7, 2, 3, 1], [5, -2, 3, 3]))}
    built = build(Stored("jes"), bkg=bkg)
    nominal = built.model.region("sr").nominal[1]
    np.testing.assert_allclose(nominal, np.array([6, 0, 3, 2]) * 10 / 11)
    (step,) = built.treatment["sr"].processes["bkg"].steps
    assert step.before["nominal"].tolist() == [6, -1, 3, 2]
    np.testing.assert_allclose(step.after["nominal"], nominal)
    assert [finding.bins for finding in built.findings if finding.check == "negative_bin"] == [(1,)]
    # the variation has nothing there either, at its yield
    up, down = built.model.region("sr").shapes["jes"]["bkg"]
    assert (up[1], down[1]) == (0, 0)
    np.testing.assert_allclose([up.sum(), down.sum()], [13, 9])


def test_pruned_nuisances_are_named() -> None:
    bkg = {"2018": contents([5, 8, 8, 4], jes=([5.001, 8, 8, 4], [5, 8, 8, 4]), jer=([6, 8, 8, 4], [4, 8, 8, 4]))}
    built = build(Stored("*"), bkg=bkg, prune=Prune(1e-3, 1e-3), groups={"all": "*", "jes": "jes"})
    assert built.model.nuisances == ("jer",)
    assert built.pruned == ("jes",)
    assert built.model.groups == {"all": ("jer",)}
    kept = build(Stored("*"), bkg=bkg)
    assert kept.model.nuisances == ("jes", "jer")


def test_every_variation_is_taken_or_dropped() -> None:
    bkg = {"2018": contents([5, 8, 8, 4], jes=([6, 8, 8, 4], [4, 8, 8, 4]), jer=([5, 9, 8, 4], [5, 7, 8, 4]))}
    assert build(Stored("jes"), Drop("jer"), bkg=bkg).model.nuisances == ("jes",)
    with pytest.raises(ConfigError, match="variation 'jer' of process 'bkg' in region 'sr' is neither taken"):
        build(Stored("jes"), bkg=bkg)
    with pytest.raises(ConfigError, match="unknown stored variation 'jess' in the nuisances of the model"):
        build(Stored("*"), Drop("jess"), bkg=bkg)
    with pytest.raises(ConfigError, match=r"Stored\('jes'\) of the model fits no variation of its processes"):
        build(Stored("*"), Stored("jes", processes="sig"), bkg=bkg)
    with pytest.raises(ConfigError, match="variation 'jes' and variation 'jer' of process 'bkg' in region 'sr'"):
        build(Stored("*", rename="same"), bkg=bkg)


WRONG: dict[str, tuple[dict[str, Any], type[PocketError], str]] = {
    "data that aren't whole": ({"data": (1.5, 0, 0, 0)}, StatisticsError, "the data of region 'sr' aren't whole"),
    "an edge": (
        {"regions": {"sr": Region("main", "signal", "mass", edges=(0, 2.5))}},
        StatisticsError,
        "region 'sr': 2.5 is no edge of histogram 'mass', nearest: 2",
    ),
    "a group": ({"groups": {"g": "lumi*"}}, ConfigError, "unknown parameter 'lumi*' in group 'g'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_name_what_is_wrong(wrong: str) -> None:
    others, kind, words = WRONG[wrong]
    with pytest.raises(kind) as caught:
        build(LogNormal("norm", 1.1), **others)
    assert words in str(caught.value)


def test_a_nuisance_may_not_have_the_name_of_a_free_parameter() -> None:
    bkg = {"2018": contents([5, 8, 8, 4], jes=([6, 8, 8, 4], [4, 8, 8, 4]))}
    with pytest.raises(ConfigError, match="nuisance 'norm' has the name of a parameter without constraint"):
        build(Stored("jes", rename="norm"), Free("norm", "bkg"), bkg=bkg)
    with pytest.raises(ConfigError, match="region 'sr'"):
        build_model(declaration(), {"cr": templates()})


def test_blind_regions_have_no_data_unless_they_are_unblinded() -> None:
    model = declaration(blind="s*")
    assert build_model(model, {"sr": templates()}).model.blind == ("sr",)
    assert build_model(model, {"sr": templates()}, unblind=True).model.blind == ()
    assert build_model(declaration(data=()), {"sr": templates(data=None)}, unblind=True).model.blind == ("sr",)


def test_treatment_is_json_of_all_steps() -> None:
    bkg = {"2018": contents([5, 8, 8, 4], jes=([6, 8, 8, 4], [4.5, 8, 8, 4]))}
    built = build(Stored("jes", symmetrise="average"), LogNormal("lumi", 1.1), bkg=bkg, mc_stat=McStat(10))
    file = io.StringIO()
    write_treatment(built.treatment, file)
    content = json.loads(file.getvalue())["sr"]
    assert content["edges"] == {"before": EDGES.tolist(), "after": EDGES.tolist()}
    assert content["flow"] == "fold"
    jes = content["processes"]["bkg"]["nuisances"]["jes"]
    assert jes["kind"] == "shape"
    assert jes["steps"] == [
        {
            "step": "symmetrise",
            "how": "average",
            "before": {"up": [6, 8, 8, 4], "down": [4.5, 8, 8, 4]},
            "after": {"up": [5.75, 8, 8, 4], "down": [4.25, 8, 8, 4]},
        }
    ]
    assert content["processes"]["sig"]["nuisances"]["lumi"]["factors"] == [1 / 1.1, 1.1]


def test_treatment_of_open_ended_bins_is_json() -> None:
    built = build_model(declaration(), {"sr": templates(edges=np.array([*EDGES[:-1], np.inf]))})
    file = io.StringIO()
    write_treatment(built.treatment, file)
    content = json.loads(file.getvalue(), parse_constant=pytest.fail)["sr"]
    assert content["edges"]["before"] == [*EDGES[:-1].tolist(), None]
    assert len(content["edges"]["after"]) == len(EDGES)
