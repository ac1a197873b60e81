from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.columns import ColOut
from pocket.cuts.categories import StandardSelection
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.errors import ConfigError, DatasetError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.weights import WeightLambda
from pocket.weights.scale_factor import ScaleFactorWeight
from pocket.weights.square_root import SquareRoot
from pocket.weights.working_point import FixedWorkingPointWeight
from tests.entries import check_each
from tests.pocket.configs import DATA, DEFINITIONS, DY, DY_LOW, LUMI, PARAMETERS, TT, PlainWorkflow, configure, only

X = Axis(field="x", bins=4, start=0, stop=2)
JSONS = {"jsons": [DEFINITIONS]}


def ones(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return (1.0, 1.0, 1.0)


VARIED = WeightLambda.wrap_func("sf_mu", ones, has_variations=True)
FIXED = WeightLambda.wrap_func("zpt", ones)


def test_datasets_are_chosen_by_the_filter() -> None:
    assert list(configure().definitions) == [DY, DY_LOW, TT, DATA]
    assert configure().samples == {"DY": True, "TT": True, "DATA": False}
    chosen = configure(datasets={**JSONS, "filter": {"samples": ["TT", "DATA"], "year": [2018]}})
    assert list(chosen.definitions) == [TT, DATA]
    assert list(configure(datasets={**JSONS, "filter": {"samples_exclude": ["DY"]}}).definitions) == [TT, DATA]


def test_a_dataset_of_the_filter_needs_a_cross_section(tmp_path: Path) -> None:
    content = json.loads(DEFINITIONS.read_text())
    del content["TT"]["files"][0]["metadata"]["xsec"]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"x\.json: metadata lacks 'xsec' \(required for MC\)"):
        configure(datasets={"jsons": [path]})
    assert configure(datasets={"jsons": [path], "filter": {"samples": ["DY"]}}).samples == {"DY": True}


def test_a_dataset_of_the_filter_needs_a_year_and_files(tmp_path: Path) -> None:
    for message, change in (("'year' is ''", {"metadata": {"year": "", "isMC": True}}), ("'paths' is", {"paths": []})):
        content = json.loads(DEFINITIONS.read_text())
        content["TT"]["files"][0] |= change
        path = tmp_path / "x.json"
        path.write_text(json.dumps(content))
        chosen = {"samples": ["DY"], "year": ["2018"]}
        assert configure(datasets={"jsons": [path], "filter": chosen}).samples == {"DY": True}
        with pytest.raises(DatasetError, match=rf"x\.json: {message}"):
            configure(datasets={"jsons": [path]})


def test_datasets_of_one_name_may_be_in_two_files_if_the_filter_leaves_one(tmp_path: Path) -> None:
    content = json.loads(DEFINITIONS.read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"TT": {**content["TT"], "sample": "Skimmed"}}))
    jsons = [DEFINITIONS, other]
    for sample, origin in (("TT", DEFINITIONS), ("Skimmed", other)):
        config = configure(datasets={"jsons": jsons, "filter": {"samples": [sample]}})
        assert [(one.sample, one.origin) for one in config.definitions.values()] == [(sample, origin)]
    with pytest.raises(DatasetError, match=r"dataset 'TT_2018' in .*other\.json has the name of the one in"):
        configure(datasets={"jsons": jsons})


def test_definition_files_are_relative_to_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "x.json").write_text(DEFINITIONS.read_text())
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    config = configure(datasets={"jsons": ["datasets/x.json"]})
    assert config.definition_files == ("datasets/x.json",)
    assert list(config.definitions) == [DY, DY_LOW, TT, DATA]


def test_definition_files_may_be_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    toys = {"jsons": ["datasets/toys.json"], "filter": {"samples": ["DYJetsToMuMu"]}}
    config = configure(datasets=toys)
    assert config.definition_files == ("datasets/toys.json",)
    assert list(config.samples) == ["DYJetsToMuMu"]
    # the project's file goes first
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "toys.json").write_text(DEFINITIONS.read_text())
    assert list(configure(datasets={"jsons": toys["jsons"]}).definitions) == [DY, DY_LOW, TT, DATA]


def test_definition_files_may_be_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.json").write_text(DEFINITIONS.read_text())
    monkeypatch.chdir(tmp_path)
    # absolute, for the tasks
    assert configure(datasets={"jsons": ["here.json"]}).definition_files == (str(tmp_path / "here.json"),)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "here.json").write_text(DEFINITIONS.read_text())
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path / "project"))
    assert configure(datasets={"jsons": ["here.json"]}).definition_files == ("here.json",)


def test_categories_may_be_a_dictionary() -> None:
    config = configure(categories={"SR": [passthrough]})
    assert isinstance(config.categories, StandardSelection)
    assert config.categories.names == ("SR",)
    selection = StandardSelection({"CR": []})
    assert configure(categories=selection).categories is selection


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({}, r"datasets\.jsons must be a list of dataset definition files, not \(\)"),
        ({"jsons": "a.json"}, r"datasets\.jsons must be a list .* not 'a\.json'"),
        ({"jsons": [DEFINITIONS], "filters": {}}, "unknown key 'filters' in datasets"),
        ({**JSONS, "filter": {"sample": ["DY"]}}, r"unknown key 'sample' in datasets\.filter, did you mean 'samples'"),
        ({**JSONS, "filter": {"samples": "DY"}}, r"datasets\.filter\.samples must be a list, not 'DY'"),
        ({**JSONS, "filter": {"samples": ["DYY"]}}, "unknown sample 'DYY' .*did you mean 'DY'"),
        ({**JSONS, "filter": {"year": ["2081"]}}, "unknown year '2081' .*did you mean '2018'"),
    ],
)
def test_wrong_datasets(datasets: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configure(datasets=datasets)


def test_subsamples_may_be_in_datasets() -> None:
    subsamples = {"TT": {"bb": [passthrough], "light": [passthrough]}}
    for settings in ({"datasets": {**JSONS, "subsamples": subsamples}}, {"subsamples": subsamples}):
        assert configure(**settings).stored_samples("TT") == ("TT__bb", "TT__light")


def test_arguments_that_change_nothing() -> None:
    nothing = {"weights_classes": None, "calibrators": None, "save_skimmed_files": None, "do_postprocessing": True}
    config = configure(**nothing, columns=None, variations=None, weights={"common": {"inclusive": ["genWeight"]}})
    assert config.weights.samples["TT"].names == ("genWeight",)
    assert config.shapes.calibrators == ()


def test_samples_that_the_filter_drops_may_be_named() -> None:
    part = {"inclusive": [FIXED], "bycategory": {"baseline": [VARIED]}}
    settings: dict[str, Any] = {
        "subsamples": {"TT": {"bb": [passthrough]}, "DY": {"tau": [passthrough]}},
        "weights": {"common": {"inclusive": ["genWeight"]}, "bysample": {"TT": part, "TT__bb": {"inclusive": ["XS"]}}},
        "variations": {"weights": {"bysample": {"TT": {"inclusive": ["sf_mu"]}}}, "shape": {"bysample": {"TT": {}}}},
        "columns": {"bysample": {"TT__bb": {"inclusive": [ColOut("events", ["x"])]}}},
        "variables": {"x": HistConf([X], only_samples=["DY", "TT__bb"])},
    }
    config = configure(datasets=only("DY", "DATA"), **settings)
    assert list(config.subsamples) == ["DY"]
    assert set(config.weights.samples) == {"DY", "DY__tau", "DATA"}
    # what only the sample without datasets needs is left out with it
    assert list(config.weights.classes) == ["genWeight"]
    for setting in ("weights", "columns"):
        with pytest.raises(UnknownNameError, match=rf"'TT__cc' in {setting}\.bysample, did you mean 'TT__bb'"):
            configure(datasets=only("DY", "DATA"), **settings | {setting: {"bysample": {"TT__cc": {}}}})
    with pytest.raises(UnknownNameError, match="'TTT' in subsamples, did you mean 'TT'"):
        configure(datasets=only("DY"), subsamples={"TTT": {"bb": [passthrough]}})


def test_missing_definition_file() -> None:
    with pytest.raises(DatasetError, match=r"dataset definition .*nothing\.json can't be read"):
        configure(datasets={"jsons": ["nothing.json"]})


def test_sample_that_is_data_and_simulation(tmp_path: Path) -> None:
    entries = [
        {"paths": ["a.root"], "metadata": {"year": "2018", "isMC": True, "xsec": 1.0}},
        {"paths": ["b.root"], "metadata": {"year": "2018", "isMC": False, "era": "B"}},
    ]
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps({"mu": {"sample": "SingleMuon", "files": entries}}))
    with pytest.raises(ConfigError, match=r"sample 'SingleMuon' is both data and simulation: .*'mu_2018_EraB'.*mixed"):
        configure(datasets={"jsons": [path]})


@check_each(
    ("changes", "message"),
    [
        ({"parameters": {"lumi": 1}}, r"parameters must be composed parameters \(a DictConfig\), not dict"),
        ({"workflow": Cut}, "workflow must be a class derived from BaseProcessorABC, not <class"),
        ({"workflow": PlainWorkflow.count_objects}, "workflow must be a class derived"),
        ({"skim": passthrough}, "skim must be a list of cuts"),
        ({"preselections": [1]}, r"preselections\[0\] must be a Cut, not 1"),
        ({"categories": {}}, "categories: at least one is needed"),
        ({"variables": {}}, "variables: at least one histogram is needed"),
        ({"variables": {"x": X}}, r"variables\.x must be a HistConf, not Axis"),
        (
            {"variables": {"a/b": HistConf([X])}},
            "histogram 'a/b' can't be part of a file name: it has a slash",
        ),
        ({"variables": {"x": HistConf([X], only_categories=["baselin"])}}, "category 'baselin' in only_categories of "),
        (
            {"variables": {"x": HistConf([X], exclude_samples=["DYY"])}},
            "'DYY' in exclude_samples of histogram 'x', did",
        ),
        ({"weights": {"comon": {}}}, "unknown key 'comon' in weights, did you mean 'common'"),
        ({"weights": {"common": {"inclusive": ["genWieght"]}}}, r"'genWieght' in weights\.common\.inclusive, did you"),
        ({"weights": {"common": {"inclusive": ["lumi", "lumi"]}}}, "weight 'lumi' is applied twice to 'DY'"),
        ({"weights": {"bysample": {"TTT": {}}}}, r"unknown sample 'TTT' in weights\.bysample"),
        ({"variations": {"weights": {"common": {"inclusive": ["pileup"]}}}}, "'pileup' is varied, but no weight of"),
        ({"variations": {"weight": {}}}, "unknown key 'weight' in variations, did you mean 'weights'"),
        ({"datasets": {**JSONS, "subsamples": {}}, "subsamples": {}}, "given twice, by subsamples= and in datasets"),
        ({"save_skimmed_files": "skims"}, "save_skimmed_files='skims': skims are made by the task SkimEvents"),
        ({"do_postprocessing": False}, "do_postprocessing=False: merged templates are normalised"),
        (
            {"variations": {"shape": {"common": {"inclusive": ["jet_calibration"]}}}},
            r"asks for 'jet_calibration', but .* no calibrators: calibrators=\[…\] must name them; .*_sequence",
        ),
    ],
)
def test_wrong_setting(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configure(**changes)


def test_unknown_variation_of_a_histogram() -> None:
    settings = {
        "weights": {"common": {"inclusive": [VARIED]}},
        "variations": {"weights": {"common": {"inclusive": ["sf_mu"]}}},
    }
    configure(variables={"x": HistConf([X], only_variations=["sf_muUp", "sf_muDown"])}, **settings)
    with pytest.raises(
        UnknownNameError, match="variation 'sf_mu_up' in only_variations of histogram 'x', did you mean"
    ):
        configure(variables={"x": HistConf([X], only_variations=["sf_mu_up"])}, **settings)


def test_weights_and_the_scale_factors_they_need() -> None:
    muon_id = ScaleFactorWeight.wrap("sf_id", scale_factor="muon_id", collection="Muon")
    trigger = ScaleFactorWeight.wrap("sf_trigger", scale_factor="trigger", collection="Muon", combine="any")
    other = ScaleFactorWeight.wrap("sf_other", scale_factor="other", collection="Muon")
    working_point = FixedWorkingPointWeight.wrap("sf_btag_wp", "efficiency", "btag", "Jet", tagged="tagged")
    root = SquareRoot.wrap("root", ScaleFactorWeight.wrap("sf_norm", "norm"))
    config = configure(
        weights_classes=[muon_id, trigger, other, FIXED, working_point, root],
        weights={
            "common": {"inclusive": ["genWeight", "sf_id", "zpt"]},
            "bysample": {"TT": {"inclusive": ["sf_trigger", "sf_btag_wp", "root"]}},
        },
    )
    assert config.weights.samples["TT"].names == ("genWeight", "sf_id", "zpt", "sf_trigger", "sf_btag_wp", "root")
    assert config.weights.samples["DATA"].names == ()
    # a weight that may be named but isn't used needs no scale factor
    assert config.scale_factors == ("muon_id", "trigger", "efficiency", "btag", "norm")


@pytest.mark.parametrize(
    ("lumi", "message"),
    [
        ({}, "unknown parameter 'picobarns' in lumi; none is defined"),
        (
            {"picobarns": {"2017": {"tot": 1.0}}},
            "unknown year '2018' in lumi.picobarns of the parameters, did",
        ),
        ({"picobarns": {"2018": {"A": 1.0}}}, r"lumi.picobarns.2018.tot must be a number, not None"),
        ({"picobarns": {"2018": {"tot": 0}}}, "weight 'lumi' must be a positive number, not 0.0"),
    ],
)
def test_luminosity_is_there_when_the_configuration_is_built(lumi: dict[str, Any], message: str) -> None:
    lacking = {"parameters": OmegaConf.create({"lumi": lumi})}
    with pytest.raises(ConfigError, match=f"^weight 'lumi' of dataset 'TT_2018': {message}"):
        configure(weights={"bysample": {"TT": {"inclusive": ["lumi"]}}}, **lacking)
    # neither without the weight nor for data it is asked for
    configure(weights={"common": {"inclusive": ["genWeight"]}}, **lacking)
    configure(weights={"common": {"inclusive": ["lumi"]}}, datasets=only("DATA"), **lacking)


def test_what_decides_the_output_of_the_processor() -> None:
    style = OmegaConf.merge(PARAMETERS, {"plotting_style": {"colour": "red"}})
    spec = configure(parameters=style, workflow_options={"limits": "x"}).plan().spec()
    # lumi is read when outputs are merged
    assert spec["parameters"] == {"limits": {"x": 1.0}}
    assert spec["workflow"] is PlainWorkflow
    assert spec["workflow_options"] == {"limits": "x"}
    assert spec["datasets"][TT] == {"sample": "TT", "year": "2018", "isMC": True}
    assert spec["category_order"] == ("baseline",)
    assert set(spec["variables"]) == {"x"}


def test_parameters_of_the_merging() -> None:
    normalised = configure(weights={"common": {"inclusive": ["genWeight", "lumi"]}})
    plan = normalised.merging_plan()
    assert plan.parameters == {"lumi": {"picobarns": {"2018": {"tot": LUMI}}}}
    # the name of the weight is there, but of its section nothing is named
    assert normalised.plan().spec()["parameters"] == {"lumi": {}}
    with pytest.raises(ConfigError, match="reads section 'limits' of the parameters"):
        plan.guarded.get("limits")
    assert configure(weights={"common": {"inclusive": ["genWeight"]}}).merging_plan().parameters == {}


def test_sections_that_are_read_without_being_named() -> None:
    parameters = OmegaConf.merge(PARAMETERS, {"own": {"a": 1}, "unread": {"b": 2}})

    def read(*sections: str) -> set[str]:
        return set(configure(parameters=parameters, parameters_read=sections).plan().parameters)

    assert read() == set()
    assert read("own") == {"own"}
    assert read("*") == {"limits", "own", "unread", "lumi"}
    with pytest.raises(UnknownNameError, match="unknown section 'owns' in parameters_read, did you mean 'own'"):
        read("owns")


def test_a_copy_is_read_anew() -> None:
    cfg = configure(weights={"common": {"inclusive": ["genWeight"]}})
    assert "own" not in cfg.reader.names
    other = copy.copy(cfg)
    other.workflow_options = {"section": "own"}
    assert "own" in other.reader.names
