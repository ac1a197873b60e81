from __future__ import annotations

import itertools
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.base.fingerprint import digest
from pocket.configuration.analysis import Analysis, _load, absolute_reference, available_analyses, load_analysis
from pocket.configuration.comparison import Comparison
from pocket.configuration.skim import Skim
from pocket.cuts.library import passthrough
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
        analysis({"tnp": tnp}, scale_factors={"id": scale_factor("tnp")}, least_toys=least).check_toys("id")
    with pytest.raises(ConfigError, match=r"^toys.scale is 0.2, but the scale factor 'id' of 'test' .* than with 0.5$"):
        analysis({"tnp": in_toys}, scale_factors={"id": scale_factor("tnp")}, least_toys=0.5).check_toys("id")


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


SOURCE = """
    from pathlib import Path
    from pocket.configuration.analysis import Analysis
    from pocket.parameters.defaults import get_default_parameters, merge_parameters
    from tests.pocket.configs import configure
    parameters = merge_parameters(get_default_parameters(), {"mine": {"pt": 20.0}})
    analysis = Analysis(name="other", configs={"main": configure(parameters=parameters)}, default_config="main")
"""


@pytest.fixture
def package(outside: Path) -> Iterator[Path]:
    """A package outside of the project."""
    (outside / "__init__.py").write_text(textwrap.dedent(SOURCE))
    yield outside
    _load.cache_clear()


def test_analysis_outside_the_project(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_analysis(str(package)).name == "other"
    monkeypatch.chdir(package.parent)
    assert load_analysis("./outside_analysis").name == "other"
    (package.parent / "outside").mkdir()
    (package.parent / "outside" / "__init__.py").touch()
    package.rename(package.parent / "outside" / "inner")
    assert load_analysis("outside.inner").name == "other"


def test_overrides(package: Path) -> None:
    def pt(*overrides: str) -> float:
        value: float = load_analysis(str(package), overrides).configs["main"].parameters.mine.pt
        return value

    assert pt() == 20.0
    assert pt("mine.pt=25.0") == 25.0
    assert pt() == 20.0
    with pytest.raises(UnknownNameError, match=r"parameter 'ptt' in mine \(--params mine\.ptt\), did you mean 'pt'"):
        pt("mine.ptt=25.0")
    assert pt() == 20.0


def test_overrides_that_code_undoes(package: Path) -> None:
    source = SOURCE.replace("    analysis = ", "    parameters.mine.pt = 30.0\n    analysis = ")
    (package / "__init__.py").write_text(textwrap.dedent(source))
    with pytest.raises(ConfigError, match=r"^configuration 'main': --params mine\.pt=25\.0 has no effect, .* to 30\.0"):
        load_analysis(str(package), ("mine.pt=25.0",))
    assert load_analysis(str(package), ("mine.pt=30.0",)).configs["main"].parameters.mine.pt == 30


def test_loaded_once(package: Path) -> None:
    assert load_analysis(str(package)) is load_analysis(str(package))


CUTS = """
    def cut(events):
        from .values import pt
        return events.pt > pt
"""


@pytest.fixture
def namesakes(package: Path) -> list[Path]:
    """Two packages of one name in different folders, which differ in a module that is imported in a function."""
    folders = [package, package.parent / "elsewhere" / package.name]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True, exist_ok=True)
        source = textwrap.dedent(SOURCE).replace('"other"', f'"other{number}"')
        (folder / "__init__.py").write_text(f"{source}\nfrom .cuts import cut\n")
        (folder / "cuts.py").write_text(textwrap.dedent(CUTS))
        (folder / "values.py").write_text(f"pt = {number}\n")
    return folders


def test_analyses_with_one_name_in_different_folders(namesakes: list[Path]) -> None:
    events = SimpleNamespace(pt=0.5)
    digests = set()
    for overrides in ((), ("mine.pt=25.0",), ()):
        for number, folder in enumerate(namesakes):
            found = load_analysis(str(folder), overrides)
            assert found.name == f"other{number}"
            assert load_analysis(str(folder), overrides) is found
            cut = sys.modules[folder.name].cut
            assert Path(cut.__code__.co_filename).parent == folder
            assert cut(events) == (number == 0)
            digests.add((number, digest(cut)))
    assert len(digests) == len({value for _, value in digests}) == 2


def test_absolute_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_reference("./mine") == str(tmp_path / "mine")
    assert absolute_reference("/some/where") == "/some/where"
    assert absolute_reference("zmumu") == "zmumu"
    assert absolute_reference("my.package") == "my.package"


def test_relative_path_from_another_folder(namesakes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for number, folder in enumerate(namesakes):
        monkeypatch.chdir(folder.parent)
        assert load_analysis(f"./{folder.name}").name == f"other{number}"


def test_what_is_no_analysis(tmp_path: Path, package: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown analysis 'zmumuu', did you mean 'zmumu'"):
        load_analysis("zmumuu")
    with pytest.raises(UnknownNameError, match=r"unknown analysis 'no\.such\.package'"):
        load_analysis("no.such.package")
    with pytest.raises(ConfigError, match=r"analysis '.*nothing' is no folder of a Python package"):
        load_analysis(str(tmp_path / "nothing"))
    (package / "__init__.py").write_text("x = 1\n")
    with pytest.raises(ConfigError, match="outside_analysis defines no 'analysis = Analysis"):
        load_analysis(str(package))


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


def test_a_misspelt_argument_in_the_code_of_an_analysis(package: Path) -> None:
    call = "from pocket.cuts.library import get_nObj_min\nget_nObj_min(1, colls='Jet')\n"
    (package / "__init__.py").write_text(f"{textwrap.dedent(SOURCE)}{call}")
    sentence = r"^unknown argument 'colls' in get_nObj_min\(\) \(__init__\.py, line \d+\), did you mean 'coll'"
    with pytest.raises(ConfigError, match=sentence):
        load_analysis(str(package))
    (package / "__init__.py").write_text(f"{textwrap.dedent(SOURCE)}'a' + 1\n")
    with pytest.raises(ConfigError, match=r"can't be imported.*TypeError: can only concatenate"):
        load_analysis(str(package))


def test_available_analyses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zmumu" in available_analyses()
    for name in ("b", "a", "no"):
        (tmp_path / "analysis" / name).mkdir(parents=True)
    for name in ("b", "a"):
        (tmp_path / "analysis" / name / "__init__.py").touch()
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert available_analyses() == ["a", "b"]


def test_a_value_set_elsewhere_counts_where_it_is_imported_in_a_function(outside: Path) -> None:
    (outside / "settings.py").write_text("LEAST = 20\n")
    (outside / "cuts.py").write_text(
        "def hard(events, params, **kwargs):\n    from .settings import LEAST\n    return events.x > LEAST\n"
    )
    (outside / "__init__.py").write_text(
        "from pocket import Analysis\nfrom pocket.cuts.cut import Cut\nfrom tests.pocket.configs import configure\n"
        "from . import cuts, values\n"
        "main = configure(preselections=[Cut('hard', {}, cuts.hard)])\n"
        "analysis = Analysis(name='outside', configs={'main': main}, default_config='main')\n"
    )
    digests = []
    for least in (25, 25, 300):
        (outside / "values.py").write_text(f"from . import settings\n\nsettings.LEAST = {least}\n")
        _load.cache_clear()
        digests.append(digest(load_analysis(str(outside)).config("main").plan().spec()))
    assert digests[0] == digests[1] != digests[2]
