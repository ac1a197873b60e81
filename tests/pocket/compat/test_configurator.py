from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from pocket.compat import configurator
from pocket.configuration.analysis import Analysis
from pocket.configuration.skim import Skim
from pocket.errors import ConfigError, UnknownNameError
from pocket.weights.base import WeightWrapper
from tests.pocket.compat.test_workflow import Plain, configure, run
from tests.pocket.configs import DY


def test_a_configuration_that_only_skims() -> None:
    config = configure(save_skimmed_files="root://somewhere/skims", variables={})
    analysis = Analysis(name="mine", configs={"main": config, "other": configure()}, default_config="main")
    assert analysis.skim_of("main") == analysis.only_skims("main") == Skim(config="main")
    assert analysis.only_skims("other") is None
    with pytest.raises(ConfigError, match="'other' isn't skimmed"):
        analysis.skim_of("other")


def test_the_mode_of_a_skim_is_an_option_of_the_workflow() -> None:
    options = {"skim_mode": "presel_any_variation"}
    config = configure(save_skimmed_files="skims", workflow_options=options)
    assert config.own_skim("main") == Skim(config="main", mode="presel_any_variation")
    # Without a folder, the option means nothing.
    assert configure(workflow_options=options).own_skim("main") is None
    with pytest.raises(UnknownNameError, match="unknown mode 'preselected'"):
        configure(save_skimmed_files="skims", workflow_options={"skim_mode": "preselected"}).own_skim("main")


def test_a_reader_of_such_a_skim() -> None:
    config = configure(save_skimmed_files="skims", variables={})
    skims = {"reader": Skim(config="main")}
    analysis = Analysis(
        name="mine", configs={"main": config, "reader": configure()}, default_config="reader", skims=skims
    )
    assert analysis.skims == {"main": Skim(config="main"), **skims}


def test_without_categories_there_is_one_of_all_events() -> None:
    weights = {"common": {"inclusive": ["genWeight"], "bycategory": {"baseline": ["XS"]}}}
    config = configure(categories={}, weights=weights)
    assert (config.categories.names, config.only_theirs) == (("baseline",), ["it has no categories"])
    output, _ = run(config)
    assert output["sumw"] == {"baseline": {DY: {"DY": {"nominal": 4}}}}


def test_reasons_for_their_configurator() -> None:
    assert configure().only_theirs == []
    left_out = {"jsons": configure().definition_files, "filter": {"samples": ["DY", "DATA", "NONE"]}}
    assert configure(datasets=left_out).only_theirs == ["it leaves out names that aren't there"]
    assert configure(save_skimmed_files="skims").only_theirs == ["it has save_skimmed_files"]


def test_weights_that_only_theirs_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Extra(WeightWrapper):
        name = "extra"

    weights = {"common": {"inclusive": ["extra"]}}
    assert configure(weights=weights, weights_classes=[Extra]).only_theirs == []
    monkeypatch.setattr(configurator, "common_weights", [*configurator.common_weights, Extra])
    config = configure(weights=weights)
    assert config.only_theirs == ["it has weights of PocketCoffea that weights_classes doesn't name"]
    assert config.their_weights == ("extra",)
    named = configure(weights=weights, weights_classes=[Extra])
    assert (named.only_theirs, named.their_weights) == ([], ("extra",))


def test_a_weight_of_ones_own_goes_before_a_shipped_one_that_is_listed_too() -> None:
    class Own(WeightWrapper):
        name = "sf_btag_fixed_wp"
        has_variations = False

        def compute(self, events: ak.Array, size: int, shape_variation: str) -> ak.Array:
            return np.full(size, 2.0)

    weights = {"common": {"inclusive": ["genWeight", "sf_btag_fixed_wp"]}}
    config = configure(weights=weights, weights_classes=[*configurator.common_weights, Own])
    assert config.weights.classes["sf_btag_fixed_wp"] is Own
    assert config.only_theirs == ["weights_classes has several weights of one name"]
    output, _ = run(config)
    assert output["sumw"]["baseline"][DY]["DY"]["nominal"] == 8
    with pytest.raises(ConfigError, match="two weights are named 'sf_btag_fixed_wp'"):
        configure(weights=weights, weights_classes=[Own, type("Other", (Own,), {})])


def test_a_skim_needs_no_categories() -> None:
    config = configure(save_skimmed_files="skims", variables={}, categories={})
    assert config.own_skim("main") == Skim(config="main")


def test_nan_is_counted_above_the_last_bin() -> None:
    class Missing(Plain):
        def define_common_variables_after_presel(self, variation: str) -> None:
            self.events["x"] = ak.fill_none(ak.mask(self.events.x, self.events.event != 2), np.nan)

    output, _ = run(configure(workflow=Missing))
    assert output["variables"]["x"]["DY"][DY]["baseline", "nominal", :].values(flow=True).tolist() == [0, 1, 0, 1, 1, 1]
