from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.configuration.analysis import Analysis
from pocket.configuration.checks import check_measurable
from pocket.configuration.comparison import Comparison
from pocket.configuration.loading import load_analysis, restrict_analysis
from pocket.configuration.skim import Skim
from pocket.cuts.library import passthrough
from pocket.datasets.restriction import Restriction
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.histograms.axes import build_axis
from pocket.histograms.config import Axis, HistConf
from pocket.scale_factors import Closure, Coupled, DataMCRatio, EfficiencyRatio, PreservedYield, Shape
from pocket.weights import WeightLambda
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.entries import check_each
from tests.pocket.configs import DEFINITIONS, PARAMETERS, configure, only

PROBES = HistConf(
    [Axis(field="passing", type="integer", start=0, stop=2), Axis(field="pt", bins=[20, 30, 60], name="pt")]
)


def config(*scale_factors: str) -> Any:
    """Return a configuration that applies some scale factors and fills the histogram of one."""
    weights = [ScaleFactorWeight.wrap(f"sf_{name}", name, "Muon") for name in scale_factors]
    categories = {"baseline": [passthrough], "tight": [passthrough]}
    return configure(variables={"probes": PROBES}, weights={"common": {"inclusive": weights}}, categories=categories)


def scale_factor(measured_in: str, **changes: Any) -> EfficiencyRatio:
    settings: dict[str, Any] = {
        "variable": "probes",
        "category": "baseline",
        "axes": ("pt",),
        "data": ("DATA",),
        "mc": ("DY",),
    }
    return EfficiencyRatio(input=measured_in, **settings | changes)


def test_bins_of_scale_factors_are_some_of_the_histograms() -> None:
    edges = build_axis(PROBES.axes[1]).edges.tolist()
    for number in range(2, len(edges) + 1):
        for chosen in itertools.combinations(edges, number):
            analysis({"tnp": config()}, scale_factors={"id": scale_factor("tnp", bins={"pt": chosen})})
    with pytest.raises(ConfigError) as caught:
        analysis({"tnp": config()}, scale_factors={"id": scale_factor("tnp", bins={"pt": (edges[0], edges[1] + 1)})})
    words = f"bins of scale factor 'id': {edges[1] + 1:g} is no edge of axis 'pt' of histogram 'probes', nearest: "
    assert f"{words}{edges[1]:g}; change these bins" in str(caught.value)


def ratio(measured_in: str, **settings: Any) -> DataMCRatio:
    return DataMCRatio(
        input=measured_in,
        variable="probes",
        category="baseline",
        axes=("pt",),
        data=("DATA",),
        mc=("DY",),
        **settings,
    )


def analysis(configs: Mapping[str, Any], default: str = "tnp", **settings: Any) -> Analysis:
    return Analysis(name="test", configs=configs, default_config=default, **settings)


def test_names() -> None:
    tnp, main = config(), config("id")
    found = analysis({"tnp": tnp, "main": main}, scale_factors={"id": scale_factor("tnp")}, compare={"main": "tnp"})
    assert found.config("main") is main
    assert found.scale_factor("id").input == "tnp"
    with pytest.raises(UnknownNameError, match="unknown configuration 'mian' in analysis 'test', did you mean 'main'"):
        found.config("mian")
    assert found.comparison("main") == Comparison("tnp")
    assert found.comparison("tnp") == Comparison("")
    with pytest.raises(UnknownNameError, match="unknown scale factor 'idd' in analysis 'test', did you mean 'id'"):
        found.scale_factor("idd")


def test_too_few_toys(tmp_path: Path) -> None:
    definitions = tmp_path / "datasets.json"
    content = {
        sample: {"sample": sample, "files": [{"toys": [toys], "metadata": {"year": "2018", "isMC": is_mc, **more}}]}
        for sample, toys, is_mc, more in (("DY", "dy", True, {}), ("DATA", "data", False, {"era": "A"}))
    }
    definitions.write_text(json.dumps(content))
    scaled = OmegaConf.merge(PARAMETERS, {"toys": {"scale": 0.2}})
    in_toys = configure(parameters=scaled, datasets={"jsons": [definitions]}, variables={"probes": PROBES})
    in_files = configure(parameters=scaled, variables={"probes": PROBES})
    for tnp, least in ((in_toys, 0.0), (in_toys, 0.2), (in_files, 0.5)):
        check_measurable(analysis({"tnp": tnp}, scale_factors={"id": scale_factor("tnp")}, least_toys=least), "id")
    with pytest.raises(ConfigError, match=r"^toys.scale is 0.2, but the scale factor 'id' of 'test' .* than with 0.5$"):
        check_measurable(analysis({"tnp": in_toys}, scale_factors={"id": scale_factor("tnp")}, least_toys=0.5), "id")


@pytest.mark.slow
def test_scale_factor_that_lacks_its_samples() -> None:
    zmumu, data = load_analysis("zmumu"), "DATA_SingleMuon"
    check_measurable(restrict_analysis(zmumu, Restriction(samples=(data, "DYJetsToMuMu"))), "muon_id")
    with pytest.raises(ConfigError, match=f"'muon_id' is measured in {data} of configuration 'tnp', which"):
        check_measurable(restrict_analysis(zmumu, Restriction(samples=("DYJetsToMuMu",))), "muon_id")


@check_each(
    ("settings", "message"),
    [
        ({"default": "tnpp"}, "configuration 'tnpp' in default_config of analysis 'test', did you mean 'tnp'"),
        ({"compare": {"tnpp": "tnp"}}, "configuration 'tnpp' in compare of analysis 'test'"),
        ({"compare": {"tnp": "main"}}, "configuration 'main' in compare of analysis 'test'"),
        (
            {"compare": {"tnp": Comparison("tnp", covariance_config="root")}},
            "configuration 'root' in compare of analysis 'test'",
        ),
        ({"scale_factors": {"id": scale_factor("tpn")}}, "'tpn' in input of scale factor 'id', did you mean 'tnp'"),
        ({"scale_factors": {"id": scale_factor("tnp", variable="prob")}}, "variable 'prob' in scale factor 'id', did"),
        ({"scale_factors": {"id": scale_factor("tnp", category="base")}}, "category 'base' in scale factor 'id'"),
        ({"scale_factors": {"id": scale_factor("tnp", axes=("ptt",))}}, "'ptt' in scale factor 'id', histogram 'prob"),
        ({"scale_factors": {"id": scale_factor("tnp", pass_axis="passed")}}, "axis 'passed' .*did you mean 'passing'"),
        ({"scale_factors": {"id": scale_factor("tnp", mc=("DYY",))}}, "sample 'DYY' in scale factor 'id'"),
        ({"scale_factors": {"id": scale_factor("tnp", data=("data",))}}, "sample 'data' .* did you mean 'DATA'"),
    ],
)
def test_names_that_refer_to_nothing(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        analysis({"tnp": config()}, **settings)


def test_variations_that_the_input_stores() -> None:
    def weigh(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        return np.ones(size), np.ones(size), np.ones(size)

    def measured(shape: Shape, **of_histogram: Any) -> Analysis:
        tnp = configure(
            variables={"probes": replace(PROBES, **of_histogram)},
            weights={"common": {"inclusive": [WeightLambda.wrap_func("zpt", weigh, has_variations=True)]}},
            variations={"weights": {"common": {"inclusive": ["zpt"]}}},
            categories={"baseline": [passthrough], "tight": [passthrough]},
        )
        return analysis({"tnp": tnp}, scale_factors={"id": scale_factor("tnp", systematics=(shape,))})

    for shape in (Shape("zpt"), Shape("mine", variation="zpt")):
        assert measured(shape).scale_factor("id").read_variations() == ("zpt",)
    where = "in systematics of scale factor 'id'"
    with pytest.raises(UnknownNameError, match=f"unknown variation 'zptt' {where}, did you mean 'zpt'"):
        measured(Shape("zptt"))
    for of_histogram in ({"variations": False}, {"only_variations": ["nominal"]}):
        with pytest.raises(UnknownNameError, match=f"unknown variation 'zpt' {where}; none is defined"):
            measured(Shape("zpt"), **of_histogram)


def test_the_name_of_a_weight_stands_for_all_variations_of_it() -> None:
    weight = WeightLambda.wrap_func("sf", lambda *arguments: np.ones(0), has_variations=True, variations=["lf", "hf"])
    tnp = configure(
        variables={"probes": PROBES},
        weights={"common": {"inclusive": [weight]}},
        variations={"weights": {"common": {"inclusive": ["sf"]}}},
        categories={"baseline": [passthrough], "tight": [passthrough]},
    )
    for name in ("sf", "sf_lf"):
        of_name = analysis({"tnp": tnp}, scale_factors={"id": scale_factor("tnp", systematics=(Shape(name),))})
        assert of_name.scale_factor("id").read_variations() == (name,)
    with pytest.raises(UnknownNameError, match="unknown variation 's' in systematics of scale factor 'id'"):
        analysis({"tnp": tnp}, scale_factors={"id": scale_factor("tnp", systematics=(Shape("s"),))})


def test_unknown_scale_factor_in_the_weights() -> None:
    with pytest.raises(UnknownNameError, match="'idd' in weights of configuration 'main', did you mean 'id'"):
        analysis({"tnp": config(), "main": config("idd")}, scale_factors={"id": scale_factor("tnp")})


def test_inputs_of_a_weight_are_axes_of_its_scale_factor() -> None:
    def of(*axes: str, **settings: Any) -> Analysis:
        weight = ScaleFactorWeight.wrap("sf_id", "id", "Muon", inputs=dict.fromkeys(axes, "pt"))
        main = configure(variables={"probes": PROBES}, weights={"common": {"inclusive": [weight]}})
        return analysis({"tnp": config(), "main": main}, scale_factors={"id": scale_factor("tnp", **settings)})

    of("pt")
    of("pt", "year", years=("2018",))
    where = "inputs of weight 'sf_id' of configuration 'main'"
    with pytest.raises(UnknownNameError, match=f"unknown input 'ptt' in {where}, did you mean 'pt'"):
        of("ptt")
    with pytest.raises(UnknownNameError, match=f"unknown input 'year' in {where}; known: pt"):
        of("year")


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\n"])
def test_names_that_are_folders(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^analysis 'test': configuration .* can't be part of a path in the store"):
        analysis({"tnp": config(), name: config()})
    with pytest.raises(ConfigError, match=r"^analysis 'test': scale factor .* can't be part of a path in the store"):
        analysis({"tnp": config()}, scale_factors={name: scale_factor("tnp")})
    with pytest.raises(ConfigError, match=r"^analysis .* can't be part of a path in the store"):
        Analysis(name=name, configs={"tnp": config()}, default_config="tnp")


def test_chains_of_any_depth() -> None:
    configs = {"a": config(), "b": config("x"), "c": config("x", "y"), "d": config("y", "z")}
    found = analysis(
        configs, "d", scale_factors={name: scale_factor(where) for name, where in zip("xyz", "abc", strict=True)}
    )
    assert found.configs["d"].scale_factors == ("y", "z")


def in_circle(**settings: Any) -> Analysis:
    """Return an analysis in which two scale factors are measured with each other applied, and a third with one."""
    configs = {"main": config("id", "iso"), "id": config("trigger"), "trigger": config("id"), "iso": config("trigger")}
    factors = {"id": scale_factor("id"), "trigger": scale_factor("trigger"), "iso": scale_factor("iso")}
    return analysis(configs, "main", scale_factors=factors, **settings)


def test_circle() -> None:
    with pytest.raises(ConfigError, match=r"'test': scale factors depend on .* coupled=\[\('id', 'trigger'\)\]$"):
        in_circle()


def test_coupled_scale_factors() -> None:
    found = in_circle(coupled=[("trigger", "id")])
    assert found.groups == (Coupled(("trigger", "id")),)
    assert found.coupled_with("id") == found.coupled_with("trigger") == found.groups[0]
    assert found.coupled_with("iso") is None
    # the third one is measured with a settled one applied
    assert {name: found.coupled_in(name) for name in found.configs} == {
        **dict.fromkeys(("id", "trigger"), found.groups[0]),
        **dict.fromkeys(("main", "iso")),
    }
    assert set(found.upstream_scale_factors("id")) == {"id", "trigger"}
    assert found.upstream_scale_factors("main")[-1] == "iso"
    assert set(found.upstream_scale_factors("main")) == {"id", "trigger", "iso"}


def test_closure_of_coupled_scale_factors_is_not_exact() -> None:
    place = {"input": "a"}
    factors = {name: ratio("a", closure=Closure(same_events=place)) for name in "x"}
    with pytest.raises(
        ConfigError, match=r"closure of scale factor 'x': a coupled .* not exactly; its closure is remeasured="
    ):
        analysis({"a": config("x")}, "a", scale_factors=factors, coupled=[("x",)])


def test_upstream_scale_factors_of_templates() -> None:
    factors = {"id": scale_factor("tnp"), "iso": scale_factor("main"), "trigger": scale_factor("isolated")}
    configs = {"tnp": config(), "main": config("id"), "isolated": config("iso"), "final": config("trigger", "id")}
    found = analysis(configs, scale_factors=factors)
    upstream = {name: found.upstream_scale_factors(name) for name in configs}
    assert upstream == {"tnp": (), "main": ("id",), "isolated": ("id", "iso"), "final": ("id", "iso", "trigger")}


def closure(**arguments: Any) -> Analysis:
    configs = {"tnp": config(), "main": config("id")}
    return analysis(configs, scale_factors={"id": scale_factor("tnp", closure=Closure(**arguments))})


PRESERVED = {"config": "main", "unweighted": "baseline", "category": "tight"}


def test_closure_in_a_configuration_that_applies_the_scale_factor() -> None:
    assert closure(
        same_events={"input": "main"}, remeasured={"input": "main"}, preserved=(PreservedYield(**PRESERVED),)
    )
    assert closure(split=({"category": "baseline"}, {"category": "tight"}))


@check_each(
    ("arguments", "message"),
    [
        (
            {"remeasured": {"input": "mian"}},
            "unknown configuration 'mian' in input of remeasured of the closure .*'main'",
        ),
        (
            {"same_events": {"category": "basline"}},
            "unknown category 'basline' in same_events of the closure of scale factor 'id'",
        ),
        ({"remeasured": {"mc": ("DYY",)}}, "unknown sample 'DYY' in remeasured of the closure of scale factor 'id'"),
        ({"split": ({"category": "a"}, {"category": "b"})}, "unknown category 'a' in split of the closure"),
        (
            {"remeasured": {"input": "mian"}, "events": True},
            "unknown configuration 'mian' in input of remeasured of the closure",
        ),
        (
            {"remeasured": {"input": "main"}, "events": True},
            "events of the closure of scale factor 'id': configuration 'main' must apply it by one ScaleFactorWeight "
            "with passing=…, not by 0",
        ),
        ({"remeasured": {"category": "tight"}}, "configuration 'tnp' doesn't apply scale factor 'id', but none"),
        (
            {"preserved": (PreservedYield(**{**PRESERVED, "config": "tnp"}),)},
            "preserved of the closure of .* 'tnp' doesn't apply",
        ),
        (
            {"preserved": (PreservedYield(**{**PRESERVED, "config": "mian"}),)},
            "unknown configuration 'mian' in preserved of the closure",
        ),
        (
            {"preserved": (PreservedYield(**{**PRESERVED, "covariance": "root"}),)},
            "unknown category 'root' in preserved of the closure",
        ),
        (
            {"preserved": (PreservedYield(**PRESERVED, samples=("WW",)),)},
            "unknown sample 'WW' in preserved of the closure",
        ),
    ],
)
def test_closure_that_refers_to_nothing(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        closure(**arguments)


@check_each(
    ("samples", "message"),
    [
        ({"data": ("DY",)}, "scale factor 'id': data has 'DY', which is simulation"),
        ({"mc": ("DATA",), "data": ("DY",)}, "scale factor 'id': data has 'DY', which is simulation"),
        ({"mc": ("DY", "DATA")}, "scale factor 'id': mc has 'DATA', which is data"),
    ],
)
def test_data_and_simulation_are_not_exchanged(samples: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        analysis({"tnp": config()}, scale_factors={"id": scale_factor("tnp", **samples)})


def test_skims() -> None:
    configs = {"tnp": config(), "main": config(), "other": config()}
    skims = {"main": Skim("tnp", drop=["HLT_*"]), "other": Skim("other")}
    found = analysis(configs, skims=skims)
    assert found.skim_of("tnp") is skims["main"]
    assert found.skim_of("other") is skims["other"]
    with pytest.raises(ConfigError, match=r"'main' isn't skimmed: name .* of analysis 'test', e.g. skims=\{'main'"):
        found.skim_of("main")


@pytest.mark.parametrize(
    ("skims", "message"),
    [
        ({"mian": Skim("tnp")}, "unknown configuration 'mian' in skims of analysis 'test', did you mean 'main'"),
        ({"main": Skim("tpn")}, "unknown configuration 'tpn' in skims of analysis 'test', did you mean 'tnp'"),
        ({"main": "tnp"}, r"'main' reads 'tnp', expected a Skim\(config=…\)"),
        ({"main": Skim("tnp"), "tnp": Skim("tnp", keep=["Muon_*"])}, "'tnp' is skimmed in two ways; its readers must"),
        ({"main": Skim("tnp"), "tnp": Skim("few")}, "'main' reads the skim of 'tnp', which itself reads that of 'few'"),
        ({"main": Skim("few")}, "unknown dataset 'DY_M50_2018' in the skim of configuration 'few'"),
        ({"main": Skim("changed")}, "dataset 'DY_M50_2018' in .* isn't the one of 'changed', whose skim 'main' reads"),
    ],
)
def test_skims_that_do_not_fit(tmp_path: Path, skims: dict[str, Any], message: str) -> None:
    changed = tmp_path / "changed.json"
    changed.write_text(DEFINITIONS.read_text().replace("6000.0", "6001.0"))
    configs = {
        "tnp": configure(),
        "main": configure(),
        "few": configure(datasets=only("TT")),
        "changed": configure(datasets={"jsons": [changed]}),
    }
    with pytest.raises(ConfigError, match=message):
        analysis(configs, skims=skims)


def wrong() -> Any:
    return configure(weights={"common": {"inclusive": ["genWieght"]}})


def divides() -> Any:
    return 1 / 0


def test_a_configuration_that_a_function_makes() -> None:
    found = analysis({"tnp": config, "main": lambda: config("id")}, scale_factors={"id": scale_factor("tnp")})
    assert found.config("main").scale_factors == ("id",)
    assert list(found.configs) == ["tnp", "main"]
    assert not found.broken


def test_a_broken_configuration_leaves_the_others() -> None:
    found = analysis(
        {"tnp": wrong, "main": lambda: config("id"), "plain": config(), "divides": divides},
        default="tnp",
        scale_factors={"id": scale_factor("tnp"), "other": scale_factor("plain")},
        compare={"plain": "tnp"},
        skims={"tnp": Skim(config="plain")},
    )
    assert list(found.configs) == ["main", "plain"]
    assert found.upstream_scale_factors("plain") == ()
    sentence = (
        r"^configuration 'tnp': unknown weight 'genWieght' in weights.common.inclusive, did you mean .*\(in .*:\d+\)$"
    )
    for use in (lambda: found.config("tnp"), lambda: found.upstream_scale_factors("main")):
        with pytest.raises(BrokenConfigError, match=sentence):
            use()
    with pytest.raises(BrokenConfigError, match=r"'divides': ZeroDivisionError: division by zero \(in \S+:\d+\)$"):
        found.config("divides")
    with pytest.raises(UnknownNameError, match="did you mean 'tnp'"):
        found.config("tpn")


def test_what_is_wrong_elsewhere_is_found_beside_a_broken_configuration() -> None:
    with pytest.raises(UnknownNameError, match="configuration 'plane' in input of scale factor 'id'"):
        analysis({"tnp": wrong, "plain": config()}, scale_factors={"id": scale_factor("plane")})
