"""The plan of figures: names, years and style of a configuration."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.weights.theory import QCDScalePoints
from tests.pocket.configs import LUMI, PARAMETERS, configure


def test_a_plan_of_figures_has_what_plots_read() -> None:
    parameters = OmegaConf.merge(PARAMETERS, {"lumi": {"sqrt_s": {"2018": 13}}, "plotting_style": {"colors": {}}})
    cfg = configure(parameters=parameters, weights={"common": {"inclusive": [QCDScalePoints.wrap("scales")]}})
    plan = cfg.figure_plan()
    assert plan.samples == cfg.samples
    assert [plan.counted_samples(sample) for sample in plan.samples] == list(map(cfg.counted_samples, cfg.samples))
    assert plan.datasets == {name: definition.sample for name, definition in cfg.definitions.items()}
    assert (plan.categories, plan.variables) == (cfg.categories.names, cfg.variables)
    assert plan.combinations == (QCDScalePoints.wrap("scales").combination,)
    assert plan.years == {"2018": (LUMI, 13)}
    assert plan.style == {"colors_mc": {}}


@pytest.mark.parametrize("style", [3, ["red"], "red"])
def test_a_wrong_style_stays_for_its_error(style: Any) -> None:
    parameters = OmegaConf.merge(PARAMETERS, {"plotting_style": style})
    assert configure(parameters=parameters).figure_plan().style == style


def test_an_interpolation_that_leads_nowhere_is_named() -> None:
    parameters = OmegaConf.merge(PARAMETERS, {"plotting_style": {"label": "${nowhere}"}})
    with pytest.raises(ConfigError, match="nowhere"):
        configure(parameters=parameters).figure_plan()
