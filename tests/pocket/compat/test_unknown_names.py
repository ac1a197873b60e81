from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from pocket.columns.config import ColOut
from pocket.compat.configurator import Configurator
from pocket.cuts.library import passthrough
from pocket.errors import ConfigError, DatasetError
from pocket.histograms.config import Axis, HistConf
from tests.pocket.compat.test_workflow import configure
from tests.pocket.configs import DEFINITIONS

AXIS = Axis(field="x", bins=4, start=0, stop=2)


def both(caplog: pytest.LogCaptureFixture, **changes: Any) -> tuple[Configurator, str]:
    """Return a configuration and the remark about it."""
    with caplog.at_level(logging.WARNING):
        config = configure(**changes)
    return config, caplog.text


def test_what_isnt_there_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    chosen = {"samples": ["DY", "DYY"], "year": ["2018", "2031"], "samples_exclude": ["WW"], "eras": ["A"]}
    split = {"DY": {"all": [passthrough]}, "ZZ": {"all": [passthrough]}}
    columns = {"bysample": {"DY__all": {"inclusive": [ColOut("events", ["x"])]}, "DY__none": {"inclusive": []}}}
    config, text = both(
        caplog,
        datasets={"jsons": [DEFINITIONS], "filter": chosen, "subsamples": split},
        weights={"common": {"inclusive": ["genWeight"]}, "bysample": {"QCD": {"inclusive": ["genWeight"]}}},
        variations={"weights": {"common": {"inclusive": []}, "bysample": {"WZ": {}}}, "norm": {}},
        variables={
            "x": HistConf([AXIS], exclude_categories=["tight"], only_samples=["DY", "TTX"]),
            "all": HistConf([AXIS]),
        },
        columns=columns,
    )
    assert list(config.samples) == ["DY"]
    assert list(config.subsamples) == ["DY"]
    assert tuple(config.variables["x"].only_samples or ()) == ("DY",)
    names = (
        "sample 'DYY' in datasets.filter.samples",
        "year '2031' in datasets.filter.year",
        "sample 'WW' in datasets.filter.samples_exclude",
        "key 'eras' in datasets.filter",
        "sample 'ZZ' in subsamples",
        "sample 'QCD' in weights.bysample",
        "sample 'WZ' in variations.weights.bysample",
        "key 'norm' in variations",
        "category 'tight' in exclude_categories of 'x'",
        "sample 'TTX' in only_samples of 'x'",
        "sample 'DY__none' in columns.bysample",
    )
    for name in names:
        assert name in text, name


def test_empty_definition_files_are_left_out(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text("{\n}\n")
    config, text = both(caplog, datasets={"jsons": [str(empty), DEFINITIONS], "filter": {"samples": ["DY"]}})
    assert [Path(file).name for file in config.definition_files] == [Path(DEFINITIONS).name]
    assert list(config.samples) == ["DY"]
    assert f"ignored, since they aren't there: datasets in {empty}" in text
    with pytest.raises(DatasetError, match=r"empty\.json defines no dataset"):
        configure(datasets={"jsons": [str(empty)]})


def test_without_unknown_names_there_is_no_remark(caplog: pytest.LogCaptureFixture) -> None:
    weights = {"common": {"inclusive": ["genWeight"]}, "bysample": {"TT": {"inclusive": []}}}
    assert both(caplog, weights=weights)[1] == ""


@pytest.mark.parametrize(("key", "name", "kind"), [("samples", "DYY", "sample"), ("year", "2031", "year")])
def test_a_filter_of_unknown_names_alone_is_refused(key: str, name: str, kind: str) -> None:
    message = rf"unknown {kind} '{name}' in '{key}' of the dataset filter, did you mean"
    with pytest.raises(ConfigError, match=message):
        configure(datasets={"jsons": [DEFINITIONS], "filter": {key: [name]}})


def test_variations_of_weights_without_any_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    weights = {"common": {"inclusive": ["genWeight", "lumi"]}}
    varied = {"common": {"inclusive": ["lumi"], "bycategory": {"baseline": ["genWeight"]}}}
    _, text = both(caplog, weights=weights, variations={"weights": varied})
    assert "variation of weight 'lumi' in variations.weights, variation of weight 'genWeight' in" in text


def test_shape_variations_name_calibrators() -> None:
    message = (
        "unknown calibrator 'JES_Total' in variations.shape, where calibrators are named, not their variations; known"
    )
    for part in ({"inclusive": ["JES_Total"]}, {"bycategory": {"baseline": ["jet_calibration", "JES_Total"]}}):
        with pytest.raises(ConfigError, match=message):
            configure(variations={"shape": {"common": part}}, calibrators=None)
    # a misspelt one has its own hint
    with pytest.raises(ConfigError, match=r"in variations\.shape\.common\.inclusive, did you mean 'jet_calibration'"):
        configure(variations={"shape": {"common": {"inclusive": ["jet_calib"]}}}, calibrators=None)


def test_wrong_types_are_still_refused() -> None:
    with pytest.raises(ConfigError, match=r"datasets.filter.samples must be a list, not 'DY'"):
        configure(datasets={"jsons": [DEFINITIONS], "filter": {"samples": "DY"}})
    with pytest.raises(ConfigError, match="jsons must be a list"):
        configure(datasets={"jsons": "a.json"})
    with pytest.raises(ConfigError, match=r"variables.x must be a HistConf"):
        configure(variables={"x": 1})


def test_unknown_categories_of_nothing_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def weights(named: list[str]) -> dict[str, Any]:
        parts = {"inclusive": ["genWeight"], "bycategory": {"other": named}}
        return {"common": parts, "bysample": {"DY": {"bycategory": {"another": []}}}}

    _, text = both(caplog, weights=weights([]))
    assert "category 'other' in weights.common.bycategory" in text
    assert "category 'another' in weights.bysample.DY.bycategory" in text
    with pytest.raises(ConfigError, match=r"unknown category 'other' in weights\.common\.bycategory"):
        configure(weights=weights(["XS"]))


def test_an_empty_dictionary_may_stand_for_an_empty_list() -> None:
    empty: dict[str, Any] = {
        "common": {"inclusive": {}, "bycategory": {"baseline": {}}},
        "bysample": {"DY": {"inclusive": {}}},
    }
    config = configure(weights=empty, variations={"weights": empty, "shape": empty}, columns=empty)
    assert not config.weights.classes
    assert not any(any(by_category.values()) for by_category in config.columns.values())
    with pytest.raises(ConfigError, match="must be a list"):
        configure(weights={"common": {"inclusive": {"genWeight": True}}})
